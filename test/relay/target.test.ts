import test from 'ava'
import { deafServer } from '../real/deaf-server.js'
import { until } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { onlyConnection, relaying, taping } from '../real/relaying.js'
import { connectTo, echoServer } from '../real/peer.js'

test('a target that refuses resets the client, for whom an end would be an answer, and the recording has the error', async (t) => {
  const target = await freePort()
  const tape = await taping(t, { tcp: `0=127.0.0.1:${target}` })
  const client = await connectTo(t, tape.port)
  await client.gone()
  t.is(client.ending, 'ECONNRESET')
  const recording = await tape.recorded()
  const connection = onlyConnection(recording)
  t.is(connection.endReason, 'connect failed')
  t.is(connection.error, `127.0.0.1:${target} refused the connection`)
  t.is(connection.connected, null)
  t.is(connection.server, null)
  t.not(connection.closed, null)
  t.is<string | null | undefined, string | null>([...recording.records()][0]?.outcome, connection.error)
})

test('a dual-stack name that refuses everywhere is recorded as refused', async (t) => {
  const target = await freePort()
  const tape = await taping(t, { tcp: `0=localhost:${target}` })
  await (await connectTo(t, tape.port)).gone()
  t.is(onlyConnection(await tape.recorded()).error, `localhost:${target} refused the connection`)
})

test('a host name without an address closes the client, and the recording has the error', async (t) => {
  const tape = await taping(t, { tcp: '0=no-such-host.invalid:80' })
  await (await connectTo(t, tape.port)).gone()
  const connection = onlyConnection(await tape.recorded())
  t.is(connection.endReason, 'connect failed')
  t.regex(connection.error ?? '', /^no-such-host\.invalid has no address/)
})

test('an HTTP exchange that never reached its server has no response, with the reason', async (t) => {
  const target = await freePort()
  const tape = await taping(t, { http: `0=http://127.0.0.1:${target}` })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await client.gone()
  const recording = await tape.recorded()
  const [record] = [...recording.records()]
  t.regex(record?.error ?? '', /refused the connection/)
})

test('a target that never accepts is given up after the connect timeout', async (t) => {
  const target = await deafServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${target}`, connectTimeout: 300 })
  await (await connectTo(t, tape.port)).gone()
  const connection = onlyConnection(await tape.recorded())
  t.is(connection.endReason, 'connect failed')
  t.is(connection.error, `127.0.0.1:${target} did not accept a connection within 300 ms`)
  t.is(connection.connected, null)
})

test('connects that hang hold up neither other clients nor other relays', async (t) => {
  const deaf = await deafServer(t)
  const echo = await echoServer(t)
  const relay = await relaying(t, { tcp: [`0=127.0.0.1:${deaf}`, `0=127.0.0.1:${echo}`], connectTimeout: 0 })
  const [hanging, working] = relay.listeners
  for (let n = 0; n < 20; n++) await connectTo(t, hanging!.port)
  await until(() => relay.stats().open === 20, 'all hanging connections to be accepted')
  const client = await connectTo(t, working!.port)
  t.is((await client.write('through').take(7)).toString(), 'through')
  t.is(relay.stats().open, 21)
})

test('a client that leaves while its connect hangs is let go', async (t) => {
  const deaf = await deafServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${deaf}`, connectTimeout: 20_000 })
  const client = await connectTo(t, relay.port)
  await until(() => relay.stats().open === 1, 'the connection to be accepted')
  await relay.stop({ grace: 0 })
  await client.gone()
  t.is(relay.stats().open, 0)
})

test('what a client sends while its connect is under way arrives when it succeeds', async (t) => {
  const echo = await echoServer(t)
  const relay = await relaying(t, { tcp: `0=localhost:${echo}` })
  const client = await connectTo(t, relay.port)
  client.write('early', ' bird').finish()
  t.is((await client.rest()).toString(), 'early bird')
})

test('a connection without a byte is closed after the idle timeout, a busy one is not', async (t) => {
  const echo = await echoServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${echo}`, idleTimeout: 1000 })
  const quiet = await connectTo(t, tape.port)
  const busy = await connectTo(t, tape.port)
  const sending = setInterval(() => busy.write('.'), 50)
  t.teardown(() => clearInterval(sending))
  await quiet.gone()
  t.is(busy.ending, null)
  t.is((await busy.take(10)).length, 10)
  clearInterval(sending)
  busy.finish()
  await busy.gone()
  const recording = await tape.recorded()
  t.deepEqual([...recording.connections()].map(({ endReason }) => endReason), ['idle timeout', 'client closed'])
})
