import test from 'ava'
import { connectTo, peerServer, serve } from '../real/peer.js'
import { settled, until } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { deafServer } from '../real/deaf-server.js'
import { controlled, timed } from './controlling.js'

/*
 * The largest cluster of bug reports of the original: calls that hang, since they wait for a link.
 */

/** A second is promised; a loaded machine is slow of its own, and a call that waits for a link waits an hour or for ever. */
const soon = 30_000

test('with a sink that never reads, every call answers', async (t) => {
  const server = await serve(t, () => {}, '127.0.0.1', { pauseOnConnect: true })
  const { ask, relay } = await controlled(t)
  await ask('POST', '/proxies', { name: 'p', listen: `localhost:${await freePort()}`, upstream: `127.0.0.1:${server.port}` })
  const toxics = [
    { type: 'latency', attributes: { latency: 3_600_000 } }, { type: 'bandwidth', attributes: { rate: 0 } }, { type: 'bandwidth', name: 'slow', attributes: { rate: 1 } },
    { type: 'slicer', attributes: { average_size: 1, delay: 1_000_000 } }, { type: 'slow_close', attributes: { delay: 3_600_000 } }, { type: 'limit_data', attributes: { bytes: 1e9 } }, { type: 'noop' },
    { type: 'reset_peer', attributes: { timeout: 3_600_000 } }, { type: 'timeout' },
  ]
  const bytes = Buffer.alloc(8 * 1024 * 1024)
  for (const body of toxics) {
    const peer = await connectTo(t, relay.port)
    peer.write(bytes)
    await settled(() => relay.stats().bytesUp, 100)
    const name = `${body.name ?? body.type}_test`
    t.true(await timed(ask('POST', '/proxies/p/toxics', { ...body, name, stream: 'upstream' })) < soon, `adding ${name}`)
    t.true(await timed(ask('POST', `/proxies/p/toxics/${name}`, { toxicity: 1 })) < soon, `changing ${name}`)
    t.true(await timed(ask('GET', '/proxies')) < soon, `listing with ${name}`)
    t.true(await timed(ask('DELETE', `/proxies/p/toxics/${name}`)) < soon, `removing ${name}`)
    peer.socket.destroy()
  }
  t.true(await timed(ask('POST', '/reset')) < soon)
  const peer = await connectTo(t, relay.port)
  peer.write(bytes)
  t.true(await timed(ask('POST', '/proxies/p', { enabled: false })) < soon)
  await peer.over()
  t.true(await timed(ask('POST', '/proxies/p', { enabled: true })) < soon)
  t.true(await timed(ask('DELETE', '/proxies/p')) < soon)
})

test('what an hour of latency, or a rate of 0, holds back goes on when the toxic is deleted', async (t) => {
  for (const toxic of [{ type: 'latency', attributes: { latency: 3_600_000 } }, { type: 'bandwidth', attributes: { rate: 0 } }]) {
    const server = await peerServer(t)
    const { ask, relay } = await controlled(t)
    await ask('POST', '/proxies', { name: 'p', upstream: `127.0.0.1:${server.port}` })
    await ask('POST', '/proxies/p/toxics', { ...toxic, name: 't', stream: 'upstream' })
    const peer = await connectTo(t, relay.port)
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251))
    peer.write(bytes)
    await until(() => relay.stats().bytesUp > 0, 'the first bytes')
    t.true(await timed(ask('DELETE', '/proxies/p/toxics/t')) < soon)
    t.deepEqual(await (await server.next()).take(bytes.length), bytes)
  }
})

test('an upstream that never accepts holds nobody up', async (t) => {
  const { ask, relay } = await controlled(t)
  await ask('POST', '/proxies', { name: 'p', upstream: `127.0.0.1:${await deafServer(t)}` })
  const peer = await connectTo(t, relay.port)
  t.true(await timed(ask('POST', '/proxies/p/toxics', { type: 'latency', attributes: { latency: 1 } })) < soon)
  t.true(await timed(ask('DELETE', '/proxies/p/toxics/latency_downstream')) < soon)
  t.true(await timed(ask('DELETE', '/proxies/p')) < soon)
  await peer.over()
})

test('many calls at once: each is answered, and what they leave agrees', async (t) => {
  const { ask, relay } = await controlled(t)
  const made = await Promise.all(Array.from({ length: 20 }, () => ask('POST', '/proxies', { name: 'p', upstream: 'x:1' })))
  t.deepEqual([made.filter(({ status }) => status === 201).length, made.filter(({ status }) => status === 409).length], [1, 19])
  const mixed = await Promise.all(Array.from({ length: 60 }, (_, n) => ask('POST', '/proxies/p', n % 3 === 0 ? { enabled: false } : n % 3 === 1 ? { enabled: true } : { listen: 'localhost:0', enabled: true })))
  t.deepEqual(mixed.filter(({ status }) => status !== 200), [])
  t.is(relay.listeners.length, 1)
  t.true(relay.listeners[0]!.enabled)
  await connectTo(t, relay.port)
  await ask('DELETE', '/proxies/p')
  await t.throwsAsync(connectTo(t, relay.listeners[0]?.port ?? (JSON.parse(mixed.at(-1)!.text) as { listen: string }).listen.split(':').map(Number)[1]!), { message: /ECONNREFUSED/ })
})
