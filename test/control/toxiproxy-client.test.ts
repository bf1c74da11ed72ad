import test from 'ava'
import type { ExecutionContext } from 'ava'
import { Toxiproxy, ToxiproxyError } from 'toxiproxy-node-client'
import type { Proxy, Toxic } from 'toxiproxy-node-client'
import type { Relay } from 'wiretape'
import { until } from '../real/deadline.js'
import { connectTo, echoServer, peerServer } from '../real/peer.js'
import { controlled } from './controlling.js'

/*
 * The client that Node programs use, unchanged.
 */

async function proxied(t: ExecutionContext, upstream: number): Promise<{ toxiproxy: Toxiproxy, proxy: Proxy, port: number, relay: Relay }> {
  const { url, relay } = await controlled(t)
  const toxiproxy = new Toxiproxy(url)
  const proxy = await toxiproxy.createProxy({ name: 'p', listen: 'localhost:0', upstream: `127.0.0.1:${upstream}` })
  return { toxiproxy, proxy, port: Number(proxy.listen.split(':')[1]), relay }
}

function add<T>(proxy: Proxy, type: string, attributes: T, stream = 'upstream', name = ''): Promise<Toxic<T>> {
  return proxy.addToxic<T>({ name, type, attributes, stream, toxicity: 1 } as Parameters<typeof proxy.addToxic<T>>[0])
}

test('every call of the client', async (t) => {
  const { url } = await controlled(t)
  const toxiproxy = new Toxiproxy(url)
  t.deepEqual(JSON.parse(await toxiproxy.getVersion()), { version: '2.12.0' })
  const made = await toxiproxy.createProxy({ name: 'one', listen: 'localhost:0', upstream: 'localhost:1' })
  t.like(made, { name: 'one', upstream: 'localhost:1', enabled: true })
  t.regex(made.listen, /^127\.0\.0\.1:\d+$/)
  t.deepEqual(Object.keys(await toxiproxy.populate([{ name: 'two', listen: 'localhost:0', upstream: 'localhost:2' }, { name: 'three', listen: 'localhost:0', upstream: 'localhost:3', enabled: false }])), ['two', 'three'])
  t.deepEqual(Object.keys(await toxiproxy.getAll()), ['one', 'three', 'two'])
  const three = await toxiproxy.get('three')
  t.false(three.enabled)
  t.true((await three.update({ enabled: true, listen: three.listen, upstream: three.upstream })).enabled)
  const toxic = await made.addToxic<{ latency: number, jitter: number }>({ name: 'slow', type: 'latency', stream: 'upstream', toxicity: 1, attributes: { latency: 5, jitter: 1 } })
  t.deepEqual(toxic.toJson(), { attributes: { latency: 5, jitter: 1 }, name: 'slow', stream: 'upstream', toxicity: 1, type: 'latency' })
  t.deepEqual((await toxic.update({ ...toxic.toJson(), attributes: { latency: 9, jitter: 1 } })).attributes, { latency: 9, jitter: 1 })
  t.deepEqual((await made.getToxic<{ latency: number }>('slow')).attributes.latency, 9)
  await toxic.remove()
  await t.throwsAsync(made.getToxic('slow'), { instanceOf: ToxiproxyError, message: /404/ })
  await made.addToxic({ name: 'slow', type: 'latency', stream: 'upstream', toxicity: 1, attributes: { latency: 5, jitter: 1 } })
  await toxiproxy.reset()
  await t.throwsAsync(made.getToxic('slow'), { message: /404/ })
  await made.remove()
  t.deepEqual(Object.keys(await toxiproxy.getAll()), ['three', 'two'])
})

test('latency and its removal', async (t) => {
  const { proxy, port } = await proxied(t, await echoServer(t))
  const latency = await add(proxy, 'latency', { latency: 300, jitter: 0 }, 'downstream')
  const peer = await connectTo(t, port)
  const start = performance.now()
  peer.write('a')
  await peer.take(1)
  t.true(performance.now() - start >= 299)
  await latency.update({ ...latency.toJson(), attributes: { latency: 3_600_000, jitter: 0 } })
  peer.write('b')
  await latency.remove()
  t.is((await peer.take(1)).toString(), 'b')
})

test('bandwidth', async (t) => {
  const server = await peerServer(t)
  const { proxy, port } = await proxied(t, server.port)
  await add(proxy, 'bandwidth', { rate: 100 })
  const peer = await connectTo(t, port)
  const start = performance.now()
  peer.write(Buffer.alloc(50_000, 1)).finish()
  t.is((await (await server.next()).rest()).length, 50_000)
  t.true(performance.now() - start >= 490)
})

test('slow_close', async (t) => {
  const server = await peerServer(t)
  const { proxy, port } = await proxied(t, server.port)
  await add(proxy, 'slow_close', { delay: 300 })
  const peer = await connectTo(t, port)
  const start = performance.now()
  peer.write('x').finish()
  t.is((await (await server.next()).rest()).toString(), 'x')
  t.true(performance.now() - start >= 299)
})

test('timeout swallows all, and its removal closes', async (t) => {
  const { proxy, port, relay } = await proxied(t, await echoServer(t))
  const timeout = await add(proxy, 'timeout', { timeout: 0 })
  const peer = await connectTo(t, port)
  peer.write('x')
  await until(() => relay.stats().bytesUp === 1, 'the byte to be swallowed')
  await timeout.remove()
  t.is((await peer.rest()).toString(), '')
})

test('reset_peer, also on a connection that was open before', async (t) => {
  const { proxy, port } = await proxied(t, await echoServer(t))
  const peer = await connectTo(t, port)
  t.is((await peer.write('x').take(1)).toString(), 'x')
  await add(proxy, 'reset_peer', { timeout: 0 })
  peer.write('y')
  t.is(await peer.over(), 'ECONNRESET')
})

test('slicer', async (t) => {
  const { proxy, port } = await proxied(t, await echoServer(t))
  await add(proxy, 'slicer', { average_size: 10, size_variation: 2, delay: 1000 })
  const peer = await connectTo(t, port)
  const bytes = Buffer.alloc(1000, 'sliced ')
  const start = performance.now()
  t.deepEqual(await peer.write(bytes).take(bytes.length), bytes)
  // At least 84 pieces of at most 12 bytes, a ms after each.
  t.true(performance.now() - start >= 80)
})

test('limit_data', async (t) => {
  const { proxy, port } = await proxied(t, await echoServer(t))
  await add(proxy, 'limit_data', { bytes: 7 }, 'downstream')
  const peer = await connectTo(t, port)
  t.is((await peer.write('0123456789').rest()).toString(), '0123456')
})

test('noop, beside others of both directions, none in the way of another', async (t) => {
  const { toxiproxy, proxy, port } = await proxied(t, await echoServer(t))
  await add(proxy, 'noop', {})
  await add(proxy, 'noop', {}, 'downstream')
  await add(proxy, 'latency', { latency: 100, jitter: 0 })
  await add(proxy, 'latency', { latency: 100, jitter: 0 }, 'downstream')
  const peer = await connectTo(t, port)
  const start = performance.now()
  t.is((await peer.write('x').take(1)).toString(), 'x')
  t.true(performance.now() - start >= 199)
  await toxiproxy.reset()
  t.is((await peer.write('y').take(1)).toString(), 'y')
})

test('toxicity 0 spares all', async (t) => {
  const { proxy, port } = await proxied(t, await echoServer(t))
  await proxy.addToxic({ name: 'none', type: 'reset_peer', stream: 'upstream', toxicity: 0, attributes: { timeout: 0 } })
  for (let n = 0; n < 5; n++) {
    const peer = await connectTo(t, port)
    t.is((await peer.write('x').finish().rest()).toString(), 'x')
  }
})
