import { createSocket } from 'node:dgram'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { until } from '../real/deadline.js'
import { connectTo, echoServer } from '../real/peer.js'
import { relaying, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/*
 * The examples of docs/plugins.md, as they stand there, with real traffic.
 */

const text = readFileSync(fileURLToPath(new URL('../../../docs/plugins.md', import.meta.url)), 'utf8')
const examples = new Map([...text.matchAll(/```ts\n\/\/ (\S+\.ts)\n(.*?)```/gs)].map(([, name, code]) => [name!, code!]))

function example(t: ExecutionContext, name: string): string {
  const path = join(temporaryFolder(t), name)
  writeFileSync(path, examples.get(name)!)
  return path
}

async function httpServer(t: ExecutionContext): Promise<string> {
  const server = createHttpServer((request, response) => {
    if (request.url === '/prices') {
      response.setHeader('content-type', 'application/json').setHeader('content-encoding', 'gzip').end(gzipSync('[{"name":"a","price":2},{"name":"b","price":3.5}]'))
      return
    }
    response.end(JSON.stringify(request.headers))
  })
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  return `0=http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('there are six', (t) => {
  t.deepEqual([...examples.keys()], ['flaky-search.ts', 'double-prices.ts', 'seen-by.ts', 'slow-line.ts', 'quota.ts', 'lossy.ts'])
})

test('flaky-search answers every third search, whichever connection it comes on', async (t) => {
  const { port } = await relaying(t, { http: await httpServer(t), plugins: [example(t, 'flaky-search.ts')] })
  const statuses: number[] = []
  for (let n = 0; n < 6; n++) statuses.push((await fetch(`http://127.0.0.1:${port}/search?q=${n}`, { headers: { connection: 'close' } })).status)
  t.deepEqual(statuses, [200, 200, 503, 200, 200, 503])
  t.is((await fetch(`http://127.0.0.1:${port}/other`)).status, 200)
})

test('double-prices changes gzipped JSON', async (t) => {
  const { port, recorded } = await taping(t, { http: await httpServer(t), plugins: [example(t, 'double-prices.ts')] })
  const response = await fetch(`http://127.0.0.1:${port}/prices`)
  t.is(response.headers.get('content-encoding'), 'gzip')
  t.deepEqual(await response.json(), [{ name: 'a', price: 4 }, { name: 'b', price: 7 }])
  const [changed] = (await recorded()).records({ where: 'changed' })
  t.is(changed?.summary, 'GET /prices → 200')
})

test('seen-by adds a header', async (t) => {
  const { port } = await relaying(t, { http: await httpServer(t), plugins: [`${example(t, 'seen-by.ts')}:who=me`] })
  t.like(await (await fetch(`http://127.0.0.1:${port}/`)).json(), { 'x-seen-by': 'me' })
})

test('slow-line makes each chunk wait', async (t) => {
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [`${example(t, 'slow-line.ts')}:ms=60`] })
  const began = Date.now()
  const peer = await connectTo(t, port)
  peer.write('hello').finish()
  t.is((await peer.rest()).toString(), 'hello')
  t.true(Date.now() - began >= 59)
})

test('quota refuses uploads, and the server never hears of them', async (t) => {
  const heard: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {}).write('220 ready\r\n')
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\r\n').slice(0, -1)) {
        heard.push(line)
        socket.write(`200 ${line}\r\n`)
      }
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  const { port } = await relaying(t, { ftp: `0=127.0.0.1:${(server.address() as AddressInfo).port}`, plugins: [example(t, 'quota.ts')] })
  const peer = await connectTo(t, port)
  await peer.through('ready\r\n')
  peer.write('STOR x\r\nNOOP\r\n')
  t.is(await peer.through('200 NOOP\r\n'), '552 Quota exceeded.\r\n200 NOOP\r\n')
  t.false(heard.some((line) => line.startsWith('STOR')))
})

test('lossy loses the same datagrams in every run with the same seed', async (t) => {
  const server = createSocket('udp4')
  server.on('message', (bytes, { address, port }) => server.send(bytes, port, address))
  await new Promise<void>((resolve) => { server.bind(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  const arrived = async (seed: number): Promise<string> => {
    const relay = await relaying(t, { udp: `0=127.0.0.1:${server.address().port}`, plugins: [`${example(t, 'lossy.ts')}:share=0.4`], seed })
    const client = createSocket('udp4')
    const got = new Set<string>()
    client.on('message', (bytes) => got.add(bytes.toString()))
    for (let n = 0; n < 40; n++) {
      client.send(String(n), relay.port, '127.0.0.1')
      await new Promise((resolve) => { setTimeout(resolve, 5) })
    }
    await until(() => got.size + relay.journal().filter(({ kind }) => kind === 'plugin-dropped').length === 40, 'what becomes of each')
    client.close()
    await relay.stop()
    return [...got].join()
  }
  const first = await arrived(5)
  t.is(await arrived(5), first)
  t.not(await arrived(6), first)
})
