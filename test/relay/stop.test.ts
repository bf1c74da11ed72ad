import test from 'ava'
import { until } from '../real/deadline.js'
import { connectTo, echoServer, peerServer } from '../real/peer.js'
import { onlyConnection, opening, relaying, taping } from '../real/relaying.js'

const never = 60_000

async function state(promise: Promise<unknown>): Promise<'over' | 'waiting'> {
  await new Promise((resolve) => setTimeout(resolve, 300))
  return Promise.race([promise.then(() => 'over' as const), Promise.resolve('waiting' as const)])
}

test('stop waits for a connection that is in use, and takes no new ones', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, grace: never })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  const stopping = tape.relay.stop()
  t.is(await state(stopping), 'waiting')
  await t.throwsAsync(connectTo(t, tape.port), { code: 'ECONNREFUSED' })
  client.write('last words').finish()
  t.is((await served.rest()).toString(), 'last words')
  served.finish()
  await client.gone()
  await stopping
  const connection = onlyConnection(opening(t, tape.path))
  t.is(connection.endReason, 'client closed')
  t.is(connection.bytesUp, 10)
})

test('stop cuts what is still open when the grace is over', async (t) => {
  const tape = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, grace: 200 })
  const client = await connectTo(t, tape.port)
  await client.write('x').take(1)
  await tape.relay.stop()
  await client.gone()
  t.is(onlyConnection(opening(t, tape.path)).endReason, 'relay stopped')
})

test('grace 0 cuts at once, also when a first stop is still waiting', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, grace: never })
  const client = await connectTo(t, relay.port)
  await client.write('x').take(1)
  const first = relay.stop()
  t.is(await state(first), 'waiting')
  await relay.stop({ grace: 0 })
  await first
  await client.gone()
  t.is(relay.stats().open, 0)
})

test('an idle keep-alive HTTP connection isn\'t waited for', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, grace: never })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  served.write('HTTP/1.1 204 No Content\r\n\r\n')
  await client.through('\r\n\r\n')
  await tape.relay.stop()
  await client.gone()
  const recording = opening(t, tape.path)
  t.is(onlyConnection(recording).endReason, 'relay stopped')
  t.deepEqual([...recording.exchanges()].map(({ status, error }) => ({ status, error })), [{ status: 204, error: null }])
})

test('an HTTP request that is being answered is waited for', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, grace: never })
  const client = await connectTo(t, tape.port)
  client.write('GET /slow HTTP/1.1\r\nHost: h\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  const stopping = tape.relay.stop()
  t.is(await state(stopping), 'waiting')
  t.is(await state(stopping), 'waiting')
  served.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
  t.regex(await client.through('done'), /^HTTP\/1\.1 200 OK/)
  await stopping
  const [exchange] = [...opening(t, tape.path).exchanges()]
  t.is(exchange?.status, 200)
  t.is(exchange?.error, null)
})

test('a response under way that is cut when the grace is over is recorded as cut', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, grace: 0 })
  const client = await connectTo(t, tape.port)
  client.write('GET /slow HTTP/1.1\r\nHost: h\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  served.write('HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\npart')
  await client.through('part')
  await tape.relay.stop()
  const [exchange] = [...opening(t, tape.path).exchanges()]
  t.is(exchange?.status, 200)
  t.is(exchange?.responseBodySize, 4)
  t.truthy(exchange?.error)
})

test('await using stops the relay', async (t) => {
  const target = await echoServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${target}` })
  const { port } = relay
  await (await connectTo(t, port)).finish().gone()
  await until(() => relay.stats().open === 0, 'the connection to be over')
  await relay[Symbol.asyncDispose]()
  await t.throwsAsync(connectTo(t, port), { code: 'ECONNREFUSED' })
})
