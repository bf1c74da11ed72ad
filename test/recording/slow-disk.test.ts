import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { settled, until, within } from '../real/deadline.js'
import { connectTo, echoServer, serve } from '../real/peer.js'
import { bytesOf, onlyConnection, taping } from '../real/relaying.js'

const piece = Buffer.alloc(64 * 1024, 'slow disk ')
const pieces = 800
const total = piece.length * pieces

/**
 * Another program writes to the file: the recorder's own writes wait until it is done, as they would for a disk that
 * is busy. It has to be done before the recorder loses patience, which SQLite makes 5 s.
 */
function occupy(t: ExecutionContext, path: string): { release(): void } {
  const database = new Sqlite(path)
  database.exec('BEGIN IMMEDIATE')
  const release = (): void => {
    if (database.open) database.close()
  }
  t.teardown(release)
  return { release }
}

async function digesting(t: ExecutionContext): Promise<{ port: number, digest: Promise<string>, received(): number }> {
  let settle: (digest: string) => void
  let received = 0
  const digest = new Promise<string>((resolve) => settle = resolve)
  const { port } = await serve(t, (socket) => {
    const hash = createHash('sha256')
    socket.on('data', (bytes) => {
      received += bytes.length
      hash.update(bytes)
    })
    socket.on('end', () => {
      socket.end()
      settle(hash.digest('hex'))
    })
  })
  return { port, digest, received: () => received }
}

const expected = createHash('sha256')
for (let n = 0; n < pieces; n++) expected.update(piece)
const expectedDigest = expected.digest('hex')

async function send(t: ExecutionContext, port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  for (let n = 0; n < pieces; n++) await new Promise<void>((resolve) => socket.write(piece, () => resolve()))
  await new Promise<void>((resolve) => socket.end(resolve))
}

test.serial('pause: reading stops while the disk is slow, nothing is lost, and an event tells', async (t) => {
  const server = await digesting(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, record: { slowDisk: 'pause' } })
  const busy = occupy(t, tape.path)
  const sending = send(t, tape.port)
  await until(() => server.received() > 0, 'the first of it')
  const stuckAt = await settled(server.received, 1500)
  t.true(stuckAt < total, `only part of it was let through (${stuckAt} of ${total})`)
  busy.release()
  await within(sending, 'everything to be sent')
  t.is(await within(server.digest, 'everything to arrive'), expectedDigest)
  const recording = await tape.recorded()
  const connection = onlyConnection(recording)
  t.is(connection.bytesUp, total)
  t.is(connection.droppedUp, 0)
  const digest = createHash('sha256')
  for await (const bytes of recording.stream(connection.id, 'up')) digest.update(bytes as Buffer)
  t.is(digest.digest('hex'), expectedDigest)
  const paused = [...recording.events({ where: 'kind = \'recorder-paused\'' })]
  t.true(paused.length > 0)
  t.regex(paused[0]!.text, /paused for the disk \d+ times?, \d+ ms/)
  t.deepEqual([...recording.events({ where: 'kind in (\'dropped\', \'recorder-dropped\')' })], [])
})

test.serial('drop: traffic isn\'t held up, what is left out is counted to the byte, and events tell', async (t) => {
  const server = await digesting(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, record: { slowDisk: 'drop' } })
  const busy = occupy(t, tape.path)
  await within(send(t, tape.port), 'everything to be sent')
  t.is(await within(server.digest, 'everything to arrive'), expectedDigest)
  t.is(tape.relay.failure, null)
  busy.release()
  const recording = await tape.recorded()
  const connection = onlyConnection(recording)
  t.is(connection.bytesUp, total)
  t.true(connection.droppedUp > 0)
  t.true(connection.droppedUp < total)
  t.is((await bytesOf(recording.stream(connection.id, 'up'))).length + connection.droppedUp, total)
  for (const segment of recording.segments()) {
    const from = segment.offset % piece.length
    const whole = Buffer.concat([piece, piece]).subarray(from, from + segment.bytes.length)
    if (segment.bytes.length > piece.length || !segment.bytes.equals(whole)) t.fail(`other bytes at ${segment.offset}`)
  }
  const gaps = [...recording.events({ where: 'kind = \'dropped\'' })]
  t.true(gaps.length > 0)
  t.true(gaps.every(({ connectionId, direction }) => connectionId === connection.id && direction === 'up'))
  const counted = [...recording.events({ where: 'kind = \'recorder-dropped\'' })].reduce((sum, { bytes }) => sum + bytes!, 0)
  t.is(counted, connection.droppedUp)
})

test.serial('other connections are served while one fills the slow disk with drop, and are recorded again after', async (t) => {
  const target = await echoServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${target}`, record: { slowDisk: 'drop' } })
  const busy = occupy(t, tape.path)
  const flood = await connectTo(t, tape.port)
  const chunk = Buffer.alloc(1024 * 1024, 'f')
  for (let n = 0; n < 16; n++) await flood.write(chunk).take(chunk.length)
  const other = await connectTo(t, tape.port)
  t.is((await other.write('meanwhile').take(9)).toString(), 'meanwhile')
  busy.release()
  for (const client of [flood, other]) await client.finish().gone()
  await until(() => tape.relay.stats().records === 2, 'the recorder to catch up')
  const late = await connectTo(t, tape.port)
  await late.write('after all').take(9)
  await late.finish().gone()
  const recording = await tape.recorded()
  const last = [...recording.connections()].at(-1)!
  t.is((await bytesOf(recording.stream(last.id, 'up'))).toString(), 'after all')
  t.is(last.droppedUp + last.droppedDown, 0)
})

test.serial('a file that another program locks for longer than SQLite waits by itself loses nothing', async (t) => {
  const problems: string[] = []
  const target = await echoServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${target}`, onProblem: (message) => problems.push(message) })
  const busy = occupy(t, tape.path)
  const client = await connectTo(t, tape.port)
  await client.write('x').take(1)
  await sleep(6_000)
  t.is(tape.relay.failure, null)
  busy.release()
  await client.write('y').take(1)
  await client.finish().gone()
  const recording = await tape.recorded()
  t.deepEqual(problems, [])
  t.like(onlyConnection(recording), { bytesUp: 2, bytesDown: 2, error: null })
})
