import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { startRelay, WiretapeError } from 'wiretape'
import type { RelayOptions } from 'wiretape'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { onlyConnection, relaying, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const refused: readonly [what: string, options: RelayOptions, message: RegExp][] = [
  ['an IPv4 multicast target', { udp: '0=224.0.0.251:5353' }, /224\.0\.0\.251:5353 is a multicast address/],
  ['the last IPv4 multicast address', { udp: '0=239.255.255.255:9' }, /is a multicast address/],
  ['an IPv6 multicast target', { udp: '0=[ff02::fb]:5353' }, /\[ff02::fb\]:5353 is a multicast address/],
  ['a multicast target written as IPv6', { udp: '0=[::ffff:224.0.0.1]:9' }, /is a multicast address/],
  ['the broadcast address', { udp: '0=255.255.255.255:9' }, /255\.255\.255\.255:9 is a broadcast or reserved address/],
  ['the broadcast address of loopback', { udp: '0=127.255.255.255:9' }, /is a broadcast or reserved address/],
  ['the broadcast address of a network', { udp: '0=192.168.1.255:9' }, /is a broadcast or reserved address/],
  ['no address at all', { udp: '0=0.0.0.0:9' }, /is a broadcast or reserved address/],
  ['no IPv6 address at all', { udp: '0=[::]:9' }, /is a broadcast or reserved address/],
  ['a name without an address', { udp: '0=no-such-host.invalid:9' }, /the target no-such-host\.invalid:9 has no address/],
  ['a target without a port', { udp: '0=127.0.0.1' }, /TARGET "127\.0\.0\.1" is not host:port/],
  ['no sessions', { udp: '0=127.0.0.1:9', udpSessions: 0 }, /udp-sessions 0: expected a whole number/],
  ['half a session', { udp: '0=127.0.0.1:9', udpSessions: 1.5 }, /udp-sessions 1\.5/],
  ['a buffer below nothing', { udp: '0=127.0.0.1:9', udpBuffer: -1 }, /udp-buffer -1/],
  ['a timeout that is no number', { udp: '0=127.0.0.1:9', udpIdleTimeout: NaN }, /udp-idle-timeout NaN/],
  ['a decoder that nobody knows', { udp: '0=127.0.0.1:9', decode: 'quic' }, /decode quic: expected one of auto, none, dns/],
]

for (const [what, options, message] of refused) {
  test(`${what} is refused before anything is recorded`, async (t) => {
    const record = join(temporaryFolder(t), 'none.sqlite')
    const error = await t.throwsAsync(startRelay({ ...options, record }), { instanceOf: WiretapeError, message })
    t.is(error?.code, 'usage')
    t.false(existsSync(record))
  })
}

test('a target that leads back to its listener is refused', async (t) => {
  const holder = await datagramPeer(t)
  const { port } = holder
  await holder.close()
  const error = await t.throwsAsync(startRelay({ udp: `${port}=127.0.0.1:${port}` }), { instanceOf: WiretapeError, message: /relays to itself/ })
  t.is(error?.code, 'usage')
})

test('a port that another program has is refused as taken', async (t) => {
  const { port } = await datagramPeer(t)
  const error = await t.throwsAsync(startRelay({ udp: `${port}=127.0.0.1:9` }), { instanceOf: WiretapeError, message: /is taken/ })
  t.is(error?.code, 'bind')
})

test('of two relays of which one cannot be bound, neither stays', async (t) => {
  const { port } = await datagramPeer(t)
  const holder = await datagramPeer(t)
  const free = holder.port
  await holder.close()
  await t.throwsAsync(startRelay({ udp: [`${free}=127.0.0.1:9`, `${port}=127.0.0.1:9`] }), { instanceOf: WiretapeError })
  t.is((await datagramPeer(t, '127.0.0.1', free)).port, free)
})

test('an address of another machine cannot be listened on', async (t) => {
  const error = await t.throwsAsync(startRelay({ udp: '192.0.2.1:0=127.0.0.1:9' }), { instanceOf: WiretapeError, message: /cannot listen on 192\.0\.2\.1/ })
  t.is(error?.code, 'bind')
})

test('the buffer that the system gave is told', async (t) => {
  const small = await relaying(t, { udp: '0=127.0.0.1:9', udpBuffer: 20_000 })
  const large = await relaying(t, { udp: '0=127.0.0.1:9', udpBuffer: 100_000 })
  t.true(small.listeners[0]!.buffer! >= 20_000)
  t.true(large.listeners[0]!.buffer! > small.listeners[0]!.buffer!)
})

// IPv6 carries 20 bytes more than IPv4 can.
const tooLarge = 65_527

test('a reply too large for the way to the client is told, and the next one flows', async (t) => {
  const server = await datagramPeer(t, '::1')
  const tape = await taping(t, { udp: `0=[::1]:${server.port}` })
  const client = await datagramPeer(t)
  await client.send('how much?', tape.port)
  const { port } = await server.take()
  await server.send(Buffer.alloc(tooLarge, 7), port, '::1')
  await server.send('less', port, '::1')
  t.is(await client.text(), 'less')
  const recording = await tape.recorded()
  const { id } = onlyConnection(recording)
  const [event] = [...recording.events()]
  t.like(event, { kind: 'udp-undelivered', connectionId: id, direction: 'down', source: 'relay' })
  t.regex(event!.text, /65527 bytes did not reach the client/)
  t.deepEqual([...recording.datagrams({ where: `direction = 'down'` })].map(({ size }) => size), [tooLarge, 4])
})

test('a datagram too large for the way to the server is told, and the next one flows', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `[::1]:0=127.0.0.1:${echo.port}` })
  const client = await datagramPeer(t, '::1')
  await client.send(Buffer.alloc(tooLarge, 7), tape.port, '::1')
  await client.send('less', tape.port, '::1')
  t.is(await client.text(), 'less')
  const recording = await tape.recorded()
  const [event] = [...recording.events()]
  t.like(event, { kind: 'udp-undelivered', connectionId: onlyConnection(recording).id, direction: 'up' })
  t.regex(event!.text, /too large for the way to 127\.0\.0\.1/)
})
