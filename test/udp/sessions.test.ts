import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import test from 'ava'
import { openRecording } from 'wiretape'
import { Recorder } from '../../src/recording/recorder.js'
import { UdpSession } from '../../src/relay/udp/session.js'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import type { DatagramPeer } from '../real/datagram-peer.js'
import { until, within } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { Lines, script, start } from '../real/program.js'
import { onlyConnection, opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

test('a server that is dead is told as unreachable, and when it is back the next datagram flows', async (t) => {
  const port = await freePort()
  const first = await datagramEcho(t, '127.0.0.1', port)
  const tape = await taping(t, { udp: `0=127.0.0.1:${port}` })
  const client = await datagramPeer(t)
  await client.send('alive', tape.port)
  t.is(await client.text(), 'alive')
  await first.close()
  await client.send('into the void', tape.port)
  await until(() => {
    using recording = openRecording(tape.path)
    return [...recording.events({ where: `kind = 'udp-unreachable'` })].length > 0
  }, 'the port to be told as unreachable')
  await datagramEcho(t, '127.0.0.1', port)
  await client.send('back again', tape.port)
  t.is(await client.text(), 'back again')
  const recording = await tape.recorded()
  const { id, error } = onlyConnection(recording)
  t.is(error, `nobody listens on 127.0.0.1:${port} (port unreachable)`)
  t.deepEqual([...recording.events()].map((event) => [event.kind, event.connectionId, event.source, event.text]),
    [['udp-unreachable', id, 'relay', error]])
  t.deepEqual([...recording.datagrams()].map(({ direction, bytes }) => `${direction} ${bytes.toString()}`),
    ['up alive', 'down alive', 'up into the void', 'up back again', 'down back again'])
})

test('what the system tells of an earlier datagram costs no later one, as the server is back by then', async (t) => {
  const port = await freePort()
  const server = createSocket({ type: 'udp4', lookup: (host, _options, callback) => callback(null, host, 4) })
  t.teardown(() => server.close())
  const came = new Promise((resolve) => server.once('message', (bytes) => resolve(bytes.toString())))
  const path = join(temporaryFolder(t), 'refused.sqlite')
  const recorder = await Recorder.open({ path })
  const client = { host: '127.0.0.1', port: 1 }
  const tap = recorder.open({ relay: 0, protocol: 'udp', transport: 'udp', client, listen: client, server: { host: '127.0.0.1', port } })
  const session = await new Promise<UdpSession>((resolve) => {
    const dialling: UdpSession = new UdpSession({
      buffer: 0, tap, reply: () => {}, onConnected: () => setImmediate(resolve, dialling), onOutOfDescriptors: () => {}, onOver: () => {},
    })
    dialling.dial([{ host: '127.0.0.1', port }])
  })
  // All in one turn of the loop: the refusal waits at the socket, and the next call to send is given it.
  session.fromClient(Buffer.from('into the void'))
  server.bind({ port, address: '127.0.0.1', exclusive: true })
  session.fromClient(Buffer.from('back again'))
  t.is(await within(came, 'the datagram after the refused one'), 'back again')
  session.close('test over')
  await recorder.close()
  t.deepEqual([...opening(t, path).events()].map(({ kind }) => kind), ['udp-unreachable'])
})

test('one server that is dead does not hold up the relays beside it', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: [`0=127.0.0.1:${await freePort()}`, `0=127.0.0.1:${echo.port}`] })
  const client = await datagramPeer(t)
  for (let n = 0; n < 20; n++) await client.send('void', tape.relay.listeners[0]!.port)
  await client.send('through', tape.relay.listeners[1]!.port)
  t.is(await client.text(), 'through')
})

test('a session without a datagram is retired after the idle timeout, and a later datagram opens a new one', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, udpIdleTimeout: 200 })
  const client = await datagramPeer(t)
  await client.send('first', tape.port)
  t.is(await client.text(), 'first')
  await until(() => tape.relay.stats().open === 0, 'the session to be retired')
  await client.send('second', tape.port)
  t.is(await client.text(), 'second')
  t.is(tape.relay.stats().connections, 2)
  const recording = await tape.recorded()
  const [before, after] = [...recording.connections()]
  t.is(before!.endReason, 'idle timeout')
  t.deepEqual(before!.client, after!.client)
  t.deepEqual([...recording.datagrams({ where: `connection_id = ${after!.id}` })].map(({ bytes }) => bytes.toString()), ['second', 'second'])
})

test('a session that is used either way lives on', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, udpIdleTimeout: 1500 })
  const [quiet, listening] = [await datagramPeer(t), await datagramPeer(t)]
  await listening.send('subscribe', tape.port)
  const { port } = await server.take()
  await quiet.send('once', tape.port)
  const sending = setInterval(() => void server.send('news', port), 50)
  t.teardown(() => clearInterval(sending))
  await until(() => tape.relay.stats().open < 2, 'the quiet one to be retired')
  clearInterval(sending)
  t.is(tape.relay.stats().open, 1)
  await server.send('last', port)
  await until(async () => await listening.text() === 'last', 'the last of the news')
})

test('beyond the cap the longest idle session is retired, whichever side used the others, and that is told', async (t) => {
  const server = await datagramPeer(t)
  const problems: string[] = []
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, udpSessions: 8, onProblem: (message) => problems.push(message) })
  const clients = await Promise.all(Array.from({ length: 9 }, () => datagramPeer(t)))
  const ports: number[] = []
  const say = async (index: number): Promise<void> => {
    await clients[index]!.send('x', tape.port)
    ports[index] = (await server.take()).port
  }
  for (const index of [0, 1, 2]) await say(index)
  await say(0)
  await server.send('y', ports[1]!)
  await clients[1]!.take()
  for (const index of [3, 4, 5, 6, 7]) await say(index)
  t.deepEqual(problems, [])
  await say(8)
  t.is(tape.relay.stats().open, 8)
  t.is(problems.length, 1)
  t.regex(problems[0]!, /^8 UDP sessions are open: the longest idle are retired/)
  const recording = await tape.recorded()
  t.deepEqual([...recording.connections()].flatMap(({ endReason }, index) => endReason === 'retired for a newer session' ? [index] : []), [2])
  t.deepEqual([...recording.events()].map(({ kind, text }) => [kind, text]), [['problem', problems[0]!]])
})

test('a retired client that speaks again has a session again', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, udpSessions: 1, onProblem: () => {} })
  const clients = [await datagramPeer(t), await datagramPeer(t)]
  for (let n = 0; n < 6; n++) {
    await clients[n % 2]!.send(`turn ${n}`, tape.port)
    t.is(await clients[n % 2]!.text(), `turn ${n}`)
  }
  t.is(tape.relay.stats().open, 1)
  const recording = await tape.recorded()
  t.is([...recording.connections({ where: `end_reason = 'retired for a newer session'` })].length, 5)
  t.is([...recording.datagrams()].length, 12)
})

const withShell = process.platform === 'linux' ? test : test.skip

withShell('linux: without file descriptors new sessions are refused, that is told once, the others go on, and there is room again later', async (t) => {
  const echo = await datagramEcho(t)
  const main = script(import.meta.url, '../../src/cli/main.js')
  const child = start(t, 'sh', ['-c', 'ulimit -n 512 && exec "$0" "$@"', process.execPath, main, 'record', '-o', join(temporaryFolder(t), 'test.sqlite'),
    '--udp-idle-timeout', '1', '--udp', `0=127.0.0.1:${echo.port}`])
  let stderr = ''
  child.stderr.on('data', (bytes: Buffer) => stderr += bytes.toString())
  const [, port] = await new Lines(child.stdout).next(/^udp +127\.0\.0\.1:(\d+) /)
  const first = await datagramPeer(t)
  const saying = setInterval(() => void first.send('first', Number(port)), 50)
  t.teardown(() => clearInterval(saying))
  t.is(await first.text(), 'first')
  // All of them speak again and again: on a slow machine the first would else be idle before the last has come.
  const more: DatagramPeer[] = []
  for (let n = 0; n < 560; n++) more.push(await datagramPeer(t))
  await until(async () => {
    for (const peer of more) await peer.send('more', Number(port))
    return /out of file descriptors/.test(stderr)
  }, 'the shortage to be told')
  while (first.left > 0) await first.take()
  t.is(await first.text(), 'first')
  t.is(stderr.match(/out of file descriptors \(EMFILE\) at \d+ connections: new ones are turned away until others close; raise the limit with ulimit -n/g)?.length, 1, stderr)
  const late = await datagramPeer(t)
  await until(async () => {
    await late.send('late', Number(port))
    await new Promise((resolve) => setTimeout(resolve, 50))
    return late.left > 0
  }, 'room for another session')
  t.is(child.exitCode, null)
})

test('a session of empty datagrams is in use', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, udpIdleTimeout: 600 })
  const client = await datagramPeer(t)
  for (let n = 0; n < 12; n++) {
    await client.send('', tape.port)
    t.is((await client.take()).bytes.length, 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.is(tape.relay.stats().connections, 1)
  t.is(tape.relay.stats().open, 1)
})

test('of several addresses of the target the first that there is a way to is taken, and told', async (t) => {
  const echo = await datagramEcho(t)
  const told: string[] = []
  const path = join(temporaryFolder(t), 'test.sqlite')
  const recorder = await Recorder.open({ path })
  const client = { host: '127.0.0.1', port: 9 }
  const [unreachable, server] = [{ host: 'fe80::1', port: echo.port }, { host: '127.0.0.1', port: echo.port }]
  const replied = new Promise<string>((resolve) => {
    const session = new UdpSession({
      buffer: 0, tap: recorder.open({ relay: 0, protocol: 'udp', transport: 'udp', client, listen: client, server: unreachable }),
      reply: (bytes) => resolve(Buffer.from(bytes).toString()),
      onConnected: ({ host }) => told.push(`connected ${host}`), onOutOfDescriptors: (code) => told.push(code), onOver: ({ error }) => told.push(`over ${error}`),
    })
    t.teardown(() => session.close('test over'))
    session.dial([unreachable, server])
    session.fromClient(Buffer.from('hello'))
  })
  t.is(await replied, 'hello')
  t.deepEqual(told, ['connected 127.0.0.1'])
  await recorder.close()
  const recording = opening(t, path)
  t.deepEqual(onlyConnection(recording).server, server)
  t.deepEqual([...recording.events()].map(({ kind, text }) => [kind, text.replace(/\([A-Z]+\)/, '(…)')]),
    [['udp-next-address', `[fe80::1]:${echo.port} cannot be reached (…): 127.0.0.1:${echo.port} is tried`]])
})

test('where there is a way to none of the addresses, the last one says why', async (t) => {
  const ending = await new Promise((resolve) => {
    const session = new UdpSession({ buffer: 0, tap: null, reply: () => {}, onConnected: () => {}, onOutOfDescriptors: () => {}, onOver: resolve })
    session.dial([{ host: 'fe80::1', port: 9 }, { host: 'fe80::2', port: 9 }])
  })
  t.is((ending as { reason: string }).reason, 'connect failed')
  t.regex((ending as { error: string }).error, /^sending to \[fe80::2\]:9 failed: /)
})
