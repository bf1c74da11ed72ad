import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer, get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { installed } from '../real/installed.js'
import { Lines, run, start } from '../real/program.js'
import { bytesOf, onlyExchange, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const withCurl = installed('curl') ? test : test.skip
const withPython = installed('python3') ? test : test.skip

/** Answers with a hash of what it got, after `/path`; keeps connections. */
async function hashingServer(t: ExecutionContext): Promise<number> {
  const server = createServer((request, response) => {
    const hash = createHash('sha256')
    request.on('data', (bytes: Buffer) => hash.update(bytes))
    request.on('end', () => response.setHeader('X-Path', request.url ?? '').end(hash.digest('hex')))
  })
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

withCurl('curl: an upload with Expect: 100-continue arrives whole and is recorded whole', async (t) => {
  const tape = await taping(t, { http: `0=http://127.0.0.1:${await hashingServer(t)}` })
  const file = join(temporaryFolder(t), 'upload')
  const upload = Buffer.alloc(3_000_000, 'curl it up ')
  writeFileSync(file, upload)
  const curl = await run(t, 'curl', ['-sS', '-H', 'Expect: 100-continue', '-T', file, `http://127.0.0.1:${tape.port}/up`])
  t.is(curl.code, 0, curl.stderr)
  t.is(curl.stdout.toString(), createHash('sha256').update(upload).digest('hex'))
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.is(exchange.method, 'PUT')
  t.is(exchange.path, '/up')
  t.is(exchange.status, 200)
  t.deepEqual(exchange.informational, [100])
  t.is(exchange.error, null)
  t.is(exchange.requestBodySize, upload.length)
  t.true((await bytesOf(recording.body(exchange.id, 'request'))).equals(upload))
})

withCurl('curl: a chunked upload is recorded with the chunking undone', async (t) => {
  const tape = await taping(t, { http: `0=http://127.0.0.1:${await hashingServer(t)}` })
  const upload = Buffer.alloc(500_000, 'in pieces ')
  const curl = await run(t, 'curl', ['-sS', '-T', '-', `http://127.0.0.1:${tape.port}/piped`], upload)
  t.is(curl.stdout.toString(), createHash('sha256').update(upload).digest('hex'), curl.stderr)
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.true(exchange.requestHeaders.some(([name, value]) => name === 'Transfer-Encoding' && value === 'chunked'))
  t.true((await bytesOf(recording.body(exchange.id, 'request'))).equals(upload))
})

withCurl('curl: HEAD, several URLs on one connection, and an answer to each', async (t) => {
  const tape = await taping(t, { http: `0=http://127.0.0.1:${await hashingServer(t)}`, rewriteHost: true })
  const url = `http://127.0.0.1:${tape.port}`
  const heads = await run(t, 'curl', ['-sSI', `${url}/1`, `${url}/2`])
  t.is(heads.stdout.toString().match(/^HTTP\/1\.1 200 OK/gm)?.length, 2, heads.stderr)
  const gets = await run(t, 'curl', ['-sS', `${url}/3`, `${url}/4`, '-D', '-'])
  t.regex(gets.stdout.toString(), /X-Path: \/3[^]*X-Path: \/4/)
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ method, path, status, changed }) => [method, path, status, changed]), [
    ['HEAD', '/1', 200, true], ['HEAD', '/2', 200, true], ['GET', '/3', 200, true], ['GET', '/4', 200, true],
  ])
  t.is([...recording.connections()].length, 2)
})

withPython('python3: urllib through the relay gets from http.server what is in the file', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'data.bin'), Buffer.alloc(700_001, 'served by python '))
  const server = start(t, 'python3', ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', folder])
  const [, port] = await new Lines(server.stdout).next(/port (\d+)/)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${port}` })
  const client = await run(t, 'python3', ['-c', `
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1]) as answer:
    sys.stdout.buffer.write(answer.read())
`, `http://127.0.0.1:${tape.port}/data.bin`])
  t.is(client.code, 0, client.stderr)
  const expected = readFileSync(join(folder, 'data.bin'))
  t.true(client.stdout.equals(expected))
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.is(exchange.responseVersion, '1.0')
  t.is(exchange.status, 200)
  t.is(exchange.error, null)
  t.is(exchange.responseType, 'application/octet-stream')
  t.is(exchange.responseBodySize, expected.length)
  t.true((await bytesOf(recording.body(exchange.id, 'response'))).equals(expected))
})

test('Node\'s http with a keep-alive agent reuses its connections through the relay', async (t) => {
  const tape = await taping(t, { http: `0=http://127.0.0.1:${await hashingServer(t)}` })
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  t.teardown(() => agent.destroy())
  const ask = async (path: string): Promise<string> => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port: tape.port, path, agent }, resolve).on('error', reject)
    })
    await buffer(answer)
    return answer.headers['x-path'] as string
  }
  const paths = Array.from({ length: 200 }, (_, n) => `/item/${n}?n=${n}`)
  t.deepEqual(await Promise.all(paths.map(ask)), paths)
  agent.destroy()
  const recording = await tape.recorded()
  t.is([...recording.connections()].length, 4)
  const recorded = [...recording.exchanges({ where: 'status = 200 and error is null' })].map(({ path, query }) => `${path}?${query}`)
  t.deepEqual(recorded.toSorted(), paths.toSorted())
})
