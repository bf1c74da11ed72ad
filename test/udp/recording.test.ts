import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import { openRecording, startRelay } from 'wiretape'
import { tcpAndHttp } from '../../src/recording/migrations/1-tcp-and-http.js'
import { ftp } from '../../src/recording/migrations/2-ftp.js'
import { udpAndDns } from '../../src/recording/migrations/3-udp-and-dns.js'
import { plugins } from '../../src/recording/migrations/4-plugins.js'
import { faults } from '../../src/recording/migrations/5-faults.js'
import { applicationId } from '../../src/recording/schema-version.js'
import { datagramPeer } from '../real/datagram-peer.js'
import type { DatagramPeer } from '../real/datagram-peer.js'
import { bytesOf, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

interface Step {
  readonly session: number
  readonly direction: 'up' | 'down'
  readonly bytes: Uint8Array
}

const sessions = 4

/** Few enough bytes that no system's socket buffer overflows when nobody waits. */
const step = (largest: number): fc.Arbitrary<Step> => fc.record({
  session: fc.nat(sessions - 1),
  direction: fc.constantFrom('up' as const, 'down' as const),
  bytes: fc.oneof(
    { weight: 4, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    fc.tuple(fc.constantFrom(512, 1472, largest), fc.nat(255)).map(([size, byte]) => new Uint8Array(size).fill(byte))),
})

/** Plays the steps through a relay. @param waits each step arrives before the next begins, so that there is one order over all sessions. */
async function play(t: ExecutionContext, steps: readonly Step[], waits: boolean): Promise<void> {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, decode: 'none' })
  const clients: DatagramPeer[] = []
  const ports: number[] = []
  for (let session = 0; session < sessions; session++) {
    const client = await datagramPeer(t)
    await client.send(`${session}`, tape.port)
    ports.push((await server.take()).port)
    clients.push(client)
  }
  const openings: Step[] = clients.map((_, session) => ({ session, direction: 'up', bytes: Buffer.from(`${session}`) }))
  for (const { session, direction, bytes } of steps) {
    const client = clients[session]!
    if (direction === 'up') await client.send(bytes, tape.port)
    else await server.send(bytes, ports[session]!)
    if (waits) t.deepEqual((await (direction === 'up' ? server : client).take()).bytes, Buffer.from(bytes))
  }
  if (!waits) {
    for (const { direction } of steps) if (direction === 'up') await server.take()
    for (const { session, direction, bytes } of steps) if (direction === 'down') t.deepEqual((await clients[session]!.take()).bytes, Buffer.from(bytes))
  }
  const recording = await tape.recorded()
  const ids = clients.map(({ port }) => [...recording.connections({ where: `client_port = ${port}` })].map(({ id }) => id))
  t.true(ids.every(({ length }) => length === 1))
  const told = [...recording.datagrams()].map(({ connectionId, direction, bytes }) => ({ session: ids.findIndex(([id]) => id === connectionId), direction, bytes }))
  const expected = [...openings, ...steps].map((one) => ({ ...one, bytes: Buffer.from(one.bytes) }))
  if (waits) t.deepEqual(told, expected)
  for (const [session, [id]] of ids.entries()) {
    for (const direction of ['up', 'down'] as const) {
      const ofThese = (all: readonly (Step & { bytes: Buffer })[]): Buffer[] =>
        all.filter((one) => one.session === session && one.direction === direction).map(({ bytes }) => bytes)
      t.deepEqual(ofThese(told), ofThese(expected))
      const segments = [...recording.segments({ where: `connection_id = ${id} AND direction = '${direction}'` })]
      t.deepEqual(segments.map(({ bytes }) => bytes), ofThese(expected))
      t.true(segments.every(({ kind, leg }) => kind === 'datagram' && leg === 'received'))
      t.deepEqual(await bytesOf(recording.stream(id!, direction)), Buffer.concat(ofThese(expected)))
    }
  }
}

test('any sequence over any interleaving of sessions is recorded exactly and in order', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(step(65_507), { maxLength: 25 }), (steps) => play(t, steps, true)), { numRuns: 8 })
})

test('so it is when nobody waits for anybody', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(step(2000), { maxLength: 25 }), (steps) => play(t, steps, false)), { numRuns: 8 })
})

test('each datagram is a record, in the order in which it came, and its bytes are kept once', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send('status?', tape.port)
  await server.send('up', (await server.take()).port)
  await client.take()
  const recording = await tape.recorded()
  const records = [...recording.records()]
  t.deepEqual(records.map(({ protocol, kind, bytes, outcome, summary }) => ({ protocol, kind, bytes, outcome, summary })), [
    { protocol: 'udp', kind: 'datagram', bytes: 7, outcome: 'complete', summary: `127.0.0.1:${client.port} → 127.0.0.1:${server.port}` },
    { protocol: 'udp', kind: 'datagram', bytes: 2, outcome: 'complete', summary: `127.0.0.1:${server.port} → 127.0.0.1:${client.port}` },
  ])
  t.is([...recording.segments()].length, 2)
  t.deepEqual([...recording.datagrams()].map(({ id }) => id), records.map(({ id }) => id))
})

test('a recording from before a datagram\'s line named both ends is read as it is, and continued as today\'s', async (t) => {
  const path = join(temporaryFolder(t), 'earlier.sqlite')
  const database = new Sqlite(path)
  for (const migration of [tcpAndHttp, ftp, udpAndDns, plugins, faults]) database.exec(migration)
  database.exec(`INSERT INTO relay VALUES (1, 'udp', '127.0.0.1', 1, '127.0.0.1:2');
    INSERT INTO connection (id, relay_id, protocol, transport, client_host, client_port, server_host, server_port, opened, messages) VALUES (1, 1, 'udp', 'udp', '127.0.0.1', 3, '127.0.0.1', 4, 1, 2);
    INSERT INTO segment (id, connection_id, direction, leg, "offset", time, kind, message_id, bytes) VALUES (1, 1, 'up', 'received', 0, 1, 'datagram', 2, x'61'), (2, 1, 'down', 'received', 0, 2, 'datagram', 3, x'62');
    INSERT INTO udp_datagram VALUES (2, 1, 'up', 1, 1, 1, 0, 0), (3, 1, 'down', 2, 1, 2, 0, 0); INSERT INTO recording VALUES ('finished', '3')`)
  database.pragma(`application_id = ${applicationId}`)
  database.pragma('user_version = 5')
  database.close()
  const summaries = (): string[] => {
    using recording = openRecording(path)
    return [...recording.records()].map(({ summary }) => summary)
  }
  t.deepEqual(summaries(), ['→ 127.0.0.1:3', '← 127.0.0.1:3'])
  const relay = await startRelay({ udp: '0=127.0.0.1:9', record: { path, append: true } })
  await relay.stop()
  t.deepEqual(summaries(), ['127.0.0.1:3 → 127.0.0.1:4', '127.0.0.1:4 → 127.0.0.1:3'])
})
