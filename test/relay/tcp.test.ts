import { spawnSync } from 'node:child_process'
import test from 'ava'
import { howItEndsForPython, resettingServer } from '../real/how-it-ends.js'
import { installed } from '../real/installed.js'
import { bytesOf, onlyConnection, relaying, taping, textOf } from '../real/relaying.js'
import { connectTo, echoServer, peerServer } from '../real/peer.js'

test('what goes in comes back through an echo server, and both directions are recorded', async (t) => {
  const target = await echoServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${target}` })
  const client = await connectTo(t, tape.port)
  t.is((await client.write('hello').take(5)).toString(), 'hello')
  client.finish()
  t.is((await client.rest()).length, 0)
  await client.gone()
  const recording = await tape.recorded()
  const connection = onlyConnection(recording)
  t.is(await textOf(recording.stream(connection.id, 'up')), 'hello')
  t.is(await textOf(recording.stream(connection.id, 'down')), 'hello')
  t.is(connection.protocol, 'tcp')
  t.is(connection.transport, 'tcp')
  t.is(connection.bytesUp, 5)
  t.is(connection.bytesDown, 5)
  t.is(connection.error, null)
  t.is(connection.endReason, 'client closed')
  t.deepEqual(connection.client, { host: '127.0.0.1', port: client.socket.localPort ?? connection.client!.port })
  t.deepEqual(connection.listen, { host: '127.0.0.1', port: tape.port })
  t.deepEqual(connection.server, { host: '127.0.0.1', port: target })
  t.is(connection.dial?.host, '127.0.0.1')
  t.true(connection.opened <= connection.connected! && connection.connected! <= connection.closed!)
})

test('the client closes its side first, and the server answers after that', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, relay.port)
  client.write('question').finish()
  const answering = await server.next()
  t.is((await answering.rest()).toString(), 'question')
  answering.write('late answer').finish()
  t.is((await client.rest()).toString(), 'late answer')
})

test('the server closes its side first, and the client still sends', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const greeting = await server.next()
  greeting.write('bye').finish()
  t.is((await client.rest()).toString(), 'bye')
  client.write('one more').finish()
  t.is((await greeting.rest()).toString(), 'one more')
  await client.gone()
  const recording = await tape.recorded()
  const connection = onlyConnection(recording)
  t.is(connection.endReason, 'server closed')
  t.is(await textOf(recording.stream(connection.id, 'up')), 'one more')
})

test('a server that speaks first is heard before the client says anything', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, relay.port)
  ;(await server.next()).write('220 ready\r\n')
  t.is(await client.through('\r\n'), '220 ready\r\n')
})

test('a reset by the client is a reset at the server, not a close', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  client.write('x')
  await served.take(1)
  client.reset()
  t.is(await served.over(), 'ECONNRESET')
  const connection = onlyConnection(await tape.recorded())
  t.is(connection.endReason, 'client reset')
  t.regex(connection.error ?? '', /client reset the connection/)
})

test('a reset by the server is a reset at the client, not a close', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  served.write('x')
  await client.take(1)
  served.reset()
  t.is(await client.over(), 'ECONNRESET')
  const connection = onlyConnection(await tape.recorded())
  t.is(connection.endReason, 'server reset')
  t.regex(connection.error ?? '', /server reset the connection/)
})

const withPython = installed('python3') ? test : test.skip

withPython('a reset right behind data is a reset, not an end: half an answer must not look like a whole one', async (t) => {
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await resettingServer(t)}` })
  for (let n = 0; n < 12; n++) t.is(await howItEndsForPython(t, port), 'reset')
  for (const { endReason, error } of (await recorded()).connections()) {
    t.is(endReason, 'server reset')
    t.truthy(error)
  }
})

test('a reset after a half-close still arrives as a reset', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, relay.port)
  client.write('all I have').finish()
  const served = await server.next()
  await served.rest()
  served.reset()
  t.is(await client.over(), 'ECONNRESET')
})

test('a client that connects and resets at once leaves the relay working', async (t) => {
  const target = await echoServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${target}` })
  for (let n = 0; n < 50; n++) (await connectTo(t, relay.port)).reset()
  const client = await connectTo(t, relay.port)
  t.is((await client.write('still here').take(10)).toString(), 'still here')
})

test('an IPv6 listener with an IPv6 target', async (t) => {
  const target = await echoServer(t, '::1')
  const tape = await taping(t, { tcp: `[::1]:0=[::1]:${target}` })
  t.is(tape.relay.listeners[0]!.host, '::1')
  t.is(tape.relay.listeners[0]!.url, `[::1]:${tape.port}`)
  const client = await connectTo(t, tape.port, '::1')
  client.write('six').finish()
  t.is((await client.rest()).toString(), 'six')
  await client.gone()
  const connection = onlyConnection(await tape.recorded())
  t.deepEqual(connection.server, { host: '::1', port: target })
  t.is(connection.client?.host, '::1')
})

// Tests have to be declared at once, and Node has no lookup that doesn't wait.
const lookup = 'require("dns").lookup("localhost", { all: true }, (_, found) => console.log(found.map(({ address }) => address).join()))'
const addressesOfLocalhost = spawnSync(process.execPath, ['-e', lookup], { encoding: 'utf8' }).stdout.trim().split(',')

for (const host of addressesOfLocalhost) {
  test(`localhost as ${host}: the target localhost is found where only ${host} listens`, async (t) => {
    const target = await echoServer(t, host)
    const relay = await relaying(t, { tcp: `localhost:0=localhost:${target}` })
    const client = await connectTo(t, relay.port, 'localhost')
    t.is((await client.write('by name').take(7)).toString(), 'by name')
  })
}

test('an IPv4 client of a dual-stack listener is recorded by its IPv4 address', async (t) => {
  const target = await echoServer(t)
  const tape = await taping(t, { tcp: `[::]:0=127.0.0.1:${target}` })
  const client = await connectTo(t, tape.port)
  client.write('four').finish()
  await client.rest()
  await client.gone()
  t.is(onlyConnection(await tape.recorded()).client?.host, '127.0.0.1')
})

test('one relay with several listeners keeps their connections apart', async (t) => {
  const servers = [await peerServer(t), await peerServer(t)] as const
  const tape = await taping(t, { tcp: servers.map(({ port }) => `0=127.0.0.1:${port}`) })
  for (const [index, server] of servers.entries()) {
    const client = await connectTo(t, tape.relay.listeners[index]!.port)
    const served = await server.next()
    client.write(`to ${index}`).finish()
    t.is((await served.rest()).toString(), `to ${index}`)
    served.finish()
    await client.gone()
  }
  const recording = await tape.recorded()
  const relays = recording.relays()
  t.deepEqual(relays.map(({ target }) => target), servers.map(({ port }) => `127.0.0.1:${port}`))
  for (const [index, connection] of [...recording.connections()].entries()) {
    t.is(connection.relayId, relays[index]!.id)
    t.is((await bytesOf(recording.stream(connection.id, 'up'))).toString(), `to ${index}`)
  }
})
