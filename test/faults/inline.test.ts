import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { httpError } from 'wiretape/faults'
import { connectTo } from '../real/peer.js'
import { taping } from '../real/relaying.js'

test('inline: a fault of HTTP messages comes and goes on a connection that is open, and nothing else is changed', async (t) => {
  const server = createServer((request, response) => response.end(`hello ${request.url}`))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { relay, port, recorded } = await taping(t, { http: `0=http://127.0.0.1:${(server.address() as AddressInfo).port}`, inline: true })
  const client = await connectTo(t, port)
  const ask = async (path: string): Promise<string> => {
    client.write(`GET ${path} HTTP/1.1\r\nhost:  x\r\n\r\n`)
    const head = await client.through('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(head)![1])
    return `${head.slice(9, 12)} ${(await client.take(length)).toString()}`
  }
  t.is(await ask('/1'), '200 hello /1')
  await relay.with(httpError({ status: 503, body: 'injected' }), async () => t.is(await ask('/2'), '503 injected'))
  t.is(await ask('/3'), '200 hello /3')
  t.is(relay.stats().connections, 1)
  t.deepEqual(relay.journal().map(({ fault, kind, message }) => ({ fault, kind, message })), [{ fault: 'http-error', kind: 'answered', message: 1 }])
  const recording = await recorded()
  t.deepEqual([...recording.exchanges()].map(({ path, status, changed }) => ({ path, status, changed })), [
    { path: '/1', status: 200, changed: false }, { path: '/2', status: 503, changed: true }, { path: '/3', status: 200, changed: false },
  ])
})
