import { createHash } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { definePlugin } from 'wiretape'
import { bandwidth, corrupt, httpError, latency, limitData, noop, slicer, stall, stallBody, timeout } from 'wiretape/faults'
import type { ShippedFault } from 'wiretape/faults'
import { until } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { connectTo, echoServer, peerServer } from '../real/peer.js'
import { onlyConnection, relaying, taping, bytesOf } from '../real/relaying.js'

/** A server that never reads. */
async function deadSink(t: ExecutionContext): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ pauseOnConnect: true }, (socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

test('65,000 ordered messages while faults come, change and go: every byte once, in its order, and recorded so', async (t) => {
  const { relay, port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, seed: 5 })
  const peer = await connectTo(t, port)
  const count = 65_000
  const digest = createHash('sha256')
  let got = 0
  let sent = 0
  peer.socket.removeAllListeners('data')
  peer.socket.on('data', (bytes: Buffer) => {
    digest.update(bytes)
    got += bytes.length
  })
  const wanted = createHash('sha256')
  const sending = (async () => {
    for (let number = 0; number < count; number++) {
      const message = `message ${number} ${'.'.repeat(number % 50)}\n`
      wanted.update(message)
      sent += message.length
      if (!peer.socket.write(message)) await once(peer.socket, 'drain')
      if (number % 50 === 0) await new Promise((resolve) => { setImmediate(resolve) })
    }
    peer.finish()
  })()
  const kinds: (() => ShippedFault)[] = [
    () => latency({ ms: 3, jitter: 3 }), () => noop(), () => slicer({ size: 500, variation: 200, direction: 'up' }), () => bandwidth({ rate: 50_000 }), () => stall({ ms: 5 }),
    () => bandwidth({ rate: 0, direction: 'down' }), () => latency({ ms: 3_600_000, direction: 'up' }),
  ]
  let changes = 0
  while (peer.ending === null && changes < 100_000) {
    const fault = relay.inject(kinds[changes % kinds.length]!())
    await new Promise((resolve) => { setTimeout(resolve, 3) })
    if (changes % 3 === 0) fault.change({ share: 1 })
    const second = relay.inject(noop())
    fault.remove()
    await new Promise((resolve) => { setImmediate(resolve) })
    second.remove()
    changes++
  }
  await sending
  t.is(await peer.over(), 'end')
  t.is(got, sent)
  t.is(digest.digest('hex'), wanted.digest('hex'))
  t.true(changes > 10, `${changes} changes`)
  t.log(`${changes} faults came and went`)
  const recording = await recorded()
  const { id, changed, bytesUp, bytesDown } = onlyConnection(recording)
  t.false(changed)
  t.deepEqual([bytesUp, bytesDown], [sent, sent])
  t.is(createHash('sha256').update(await bytesOf(recording.stream(id, 'down'))).digest('hex'), createHash('sha256').update(await bytesOf(recording.stream(id, 'up'))).digest('hex'))
})

for (const [what, fault] of [
  ['a latency of an hour', latency({ ms: 3_600_000 })], ['bandwidth 0', bandwidth({ rate: 0 })], ['a timeout of an hour', timeout({ ms: 3_600_000 })], ['a stall of an hour', stall({ ms: 3_600_000 })],
] as const) {
  test(`a server that never reads, and ${what}: injecting, changing, removing and cutting return at once`, async (t) => {
    const relay = await relaying(t, { tcp: `0=127.0.0.1:${await deadSink(t)}` })
    const peer = await connectTo(t, relay.port)
    const full = Buffer.alloc(1_000_000)
    for (let i = 0; i < 20; i++) peer.write(full)
    await until(() => relay.stats().bytesUp > 100_000, 'the line to fill')
    const injected = relay.inject(fault)
    peer.write(full)
    injected.change({ share: 1 })
    injected.remove()
    const again = relay.inject(fault)
    const [connection] = relay.connections()
    t.true(relay.cut(connection!.id))
    again.remove()
    await peer.over()
    await until(() => relay.connections().length === 0, 'the connection to be gone')
    t.pass()
  })
}

test('what a fault holds goes on when it is taken out, in its order, and so does what came after', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, relay.port)
  const peer = await server.next()
  client.write('before ')
  await peer.take(7)
  const fault = relay.inject(latency({ ms: 3_600_000 }))
  client.write('held ')
  await until(() => relay.stats().bytesUp === 12, 'the bytes to come')
  client.write('back ')
  await until(() => relay.stats().bytesUp === 17, 'the bytes to come')
  t.is(peer.unread, 0)
  fault.remove()
  client.write('after').finish()
  t.is((await peer.rest()).toString(), 'held back after')
})

test('what a fault holds goes on when it is taken out after the sender has closed, and the close behind it', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const fault = relay.inject(latency({ ms: 3_600_000 }))
  const client = await connectTo(t, relay.port)
  client.write('held').finish()
  const peer = await server.next()
  await until(() => relay.stats().bytesUp === 4, 'the bytes to come')
  // The end comes right behind them.
  await new Promise((resolve) => { setTimeout(resolve, 50) })
  fault.change({ jitter: 1 })
  fault.remove()
  t.is((await peer.rest()).toString(), 'held')
})

test('a latency that is made shorter lets go of what it holds, counted from when it came', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, relay.port)
  const peer = await server.next()
  const fault = relay.inject(latency({ ms: 3_600_000 }))
  client.write('held ')
  await until(() => relay.journal().length === 1, 'the bytes to be held back')
  fault.change({ ms: 1 })
  t.is((await peer.take(5)).toString(), 'held ')
  fault.change({ ms: 3_600_000 })
  client.write('again')
  await until(() => relay.stats().bytesUp === 10, 'the bytes to come')
  fault.change({ ms: 1 })
  client.finish()
  t.is((await peer.rest()).toString(), 'again')
})

for (const [how, record, message] of [['', false, false], [', when recording', true, false], [', message by message', false, true], [', message by message, when recording', true, true]] as const) {
  test(`a stop waits for a response that a fault holds, although all of it has come${how}`, async (t) => {
    const server = createHttpServer((_, response) => { response.end(Buffer.alloc(60_000)) }).listen(0, '127.0.0.1')
    server.keepAliveTimeout = 600_000
    await once(server, 'listening')
    t.teardown(() => server.close())
    const options = { http: `0=http://127.0.0.1:${(server.address() as AddressInfo).port}`, grace: 60_000, plugins: message ? [stallBody({ ms: 1, path: '/no' })] : [] }
    const { relay } = record ? await taping(t, options) : { relay: await relaying(t, options) }
    relay.inject(bandwidth({ rate: 50, direction: 'down' }))
    const response = await fetch(`http://127.0.0.1:${relay.port}/`)
    const stopped = relay.stop()
    t.is((await response.arrayBuffer()).byteLength, 60_000)
    await stopped
  })
}

test('a corrupt that is changed does not leave the beginning alone anew', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const fault = relay.inject(corrupt({ rate: 1, after: 4, direction: 'up' }))
  const client = await connectTo(t, relay.port)
  const peer = await server.next()
  client.write('aaaaa')
  const first = (await peer.take(5)).toString('latin1')
  t.is(first.slice(0, 4), 'aaaa')
  t.not(first[4], 'a')
  fault.change({ share: 1 })
  client.write('a').finish()
  t.not((await peer.rest()).toString('latin1'), 'a')
})

test('the id of an event, asked for as a record, tells where events are', async (t) => {
  const { relay, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  relay.inject(latency({ ms: 1 }))
  const client = await connectTo(t, relay.port)
  client.write('a').finish()
  t.is((await client.rest()).toString(), 'a')
  const recording = await recorded()
  const [event] = [...recording.events({ where: 'kind = \'fault\'' })]
  t.throws(() => recording.record(event!.id), { message: new RegExp(`${event!.id} is an event, a row of the table event .*WHERE id = ${event!.id}`) })
})

test('with() takes its fault out again, also where the body fails', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  t.is(await relay.with(latency({ ms: 5 }), (fault) => {
    t.deepEqual(relay.faults.map(({ name }) => name), ['latency'])
    t.is(fault.plugin, 'latency')
    return 'done'
  }), 'done')
  t.deepEqual(relay.faults, [])
  await t.throwsAsync(relay.with(noop(), () => { throw new Error('no') }), { message: 'no' })
  t.deepEqual(relay.faults, [])
})

test('a fault with options that it does not take is refused, and a change that is wrong leaves all as it was', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  t.throws(() => relay.inject({ ...latency(), options: { msec: 5 } }), { message: /no option msec \(did you mean ms\?\)/ })
  t.throws(() => relay.inject(latency(200)), { message: 'plugin latency: its options are an object, such as { ms: … }, not 200' })
  t.throws(() => relay.inject(latency(null as never)), { message: /its options are an object.*not null/ })
  t.throws(() => relay.inject(latency({ ms: NaN })), { message: /expected a number of 0 or more, not NaN/ })
  t.throws(() => relay.inject(latency({ ms: 5n as never })), { message: /expected a number of 0 or more, not 5n/ })
  t.throws(() => relay.inject(httpError({ path: 'search' })), { message: /path: "search" .* such as "\/search"/ })
  t.throws(() => relay.inject('latency' as never), { message: /expected a plugin/ })
  t.deepEqual(relay.faults, [])
  const fault = relay.inject(latency({ ms: 1 }))
  t.throws(() => fault.change({ ms: -1 }), { message: /option ms: expected a number of 0 or more/ })
  t.throws(() => fault.change(200 as never), { message: /its options are an object.*not 200/ })
  t.deepEqual(fault.options, { ms: 1 })
  fault.change({ jitter: 1 })
  t.deepEqual(fault.options, { ms: 1, jitter: 1 })
  fault.remove()
  fault.remove()
  t.deepEqual(relay.faults, [])
})

test('a fault that a relay has no use for is refused: what it listens to never comes there', async (t) => {
  const tcp = `0=127.0.0.1:${await echoServer(t)}`
  const relay = await relaying(t, { tcp, udp: '0=127.0.0.1:9' })
  const [stream, datagrams] = relay.listeners
  t.throws(() => relay.inject(httpError(), { on: stream! }), { message: /http-error has nothing to do on relay tcp-\d+, which carries tcp: it listens to http alone/ })
  t.throws(() => relay.inject(latency({ ms: 1 }), { on: datagrams! }), { message: /latency has nothing to do on relay udp-\d+, which carries udp: it listens to stream alone/ })
  t.deepEqual(relay.faults, [])
  relay.inject(latency({ ms: 1 }), { on: stream! })
  await t.throwsAsync(relaying(t, { tcp, plugins: ['loss'] }), { message: 'plugin loss has nothing to do: it listens to udp alone, and there is a relay of tcp' })
  await t.notThrowsAsync(relaying(t, { tcp, plugins: ['loss'], empty: true }))
})

test('a fault for one relay leaves the others alone', async (t) => {
  const port = await echoServer(t)
  const relay = await relaying(t, { tcp: [`0=127.0.0.1:${port}`, `0=127.0.0.1:${port}`] })
  const [first, second] = relay.listeners
  relay.inject(timeout(), { on: first!, name: 'silence' })
  const silent = await connectTo(t, first!.port)
  silent.write('x')
  const loud = await connectTo(t, second!.port)
  loud.write('x')
  t.is((await loud.take(1)).toString(), 'x')
  t.is(silent.unread, 0)
  t.true(relay.journal().every(({ fault, relay: on }) => fault === 'silence' && on === first!.ordinal))
})

test('relays come and go while others run', async (t) => {
  const port = await echoServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${port}` })
  const { addresses } = { addresses: relay.listeners }
  const kept = await connectTo(t, addresses[0]!.port)
  const added = await relay.add({ protocol: 'tcp', listen: { host: '127.0.0.1', port: await freePort() }, target: { host: '127.0.0.1', port, secure: false, authority: '', text: `127.0.0.1:${port}` } }, 'more')
  const peer = await connectTo(t, added.port)
  peer.write('x')
  await peer.take(1)
  t.is(relay.connections().length, 2)
  relay.disable(added)
  await peer.over()
  await t.throwsAsync(connectTo(t, added.port))
  await relay.enable(added)
  const again = await connectTo(t, added.port)
  again.write('y')
  t.is((await again.take(1)).toString(), 'y')
  relay.remove(added)
  await again.over()
  t.is(relay.listeners.length, 1)
  kept.write('z')
  t.is((await kept.take(1)).toString(), 'z')
})

test('a fault that was taken out leaves nothing behind on connections that stay open', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const peer = await connectTo(t, relay.port)
  await peer.write('open').take(4)
  const kept: WeakRef<Map<string, unknown>>[] = []
  const passing = definePlugin({
    name: 'passing', description: 'Lets everything pass.',
    setup: (context) => {
      kept.push(new WeakRef(context.kept))
      return { stream: () => async function* (chunks) { yield* chunks } }
    },
  })
  for (let round = 0; round < 20; round++) {
    const fault = relay.inject(passing)
    await peer.write('on').take(2)
    fault.remove()
    await peer.write('off').take(3)
  }
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await until(() => {
    collect()
    return kept.filter((one) => one.deref() !== undefined).length <= 2
  }, 'what the faults kept to be let go')
  t.true(kept.length >= 20)
})

test('limit-data lets exactly so many bytes arrive, though the other side goes on talking and both have more to say', async (t) => {
  const server = await peerServer(t)
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [limitData({ bytes: 3_000_000, direction: 'up' })] })
  const client = await connectTo(t, port)
  const peer = await server.next()
  let got = 0
  peer.socket.removeAllListeners('data')
  peer.socket.on('data', (bytes: Buffer) => { got += bytes.length })
  const talking = setInterval(() => peer.socket.writable && peer.socket.write('and another thing\n'), 1)
  t.teardown(() => clearInterval(talking))
  client.socket.on('error', () => {})
  for (let i = 0; i < 60; i++) client.write(Buffer.alloc(100_000))
  await peer.over()
  t.is(got, 3_000_000)
})

test('a latency that is changed lets go at once of what it holds, whatever it is changed to', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const fault = relay.inject(latency({ ms: 3_600_000, direction: 'up' }))
  const client = await connectTo(t, relay.port)
  client.write('held')
  const peer = await server.next()
  await until(() => relay.journal().length > 0, 'the chunk to be held')
  fault.change({ ms: 3_500_000 })
  t.is((await peer.take(4)).toString(), 'held')
})
