import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Relay } from 'wiretape'
import { until } from '../real/deadline.js'
import { connectTo, echoServer } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { opening, relaying, textOf } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const asRoot = process.getuid?.() === 0 && process.platform === 'linux' ? test : test.skip

async function echoing(t: ExecutionContext, path: string): Promise<{ relay: Relay, client: Peer, problems: string[], failures: string[] }> {
  const problems: string[] = []
  const failures: string[] = []
  const relay = await relaying(t, {
    tcp: `0=127.0.0.1:${await echoServer(t)}`, record: path, onProblem: (message) => problems.push(message),
  })
  relay.onFailure((error) => failures.push(error.message))
  return { relay, client: await connectTo(t, relay.port), problems, failures }
}

asRoot('mount (as root): a full disk ends the recording with one message, what was committed stays readable, traffic goes on', async (t) => {
  const disk = join(temporaryFolder(t), 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk])
  t.teardown(() => execFileSync('umount', ['-l', disk]))
  const path = join(disk, 'x.sqlite')
  const { relay, client, problems, failures } = await echoing(t, path)
  const chunk = Buffer.alloc(50_000, 'f')
  await client.write('the first words').take(15)
  for (let n = 0; n < 1000 && relay.failure === null; n++) t.is((await client.write(chunk).take(chunk.length)).length, chunk.length)
  const failure = relay.failure ?? await until(() => relay.failure, 'the recorder to give up')
  t.is(failure.code, 'storage')
  t.regex(failure.message, /^the disk is full: .*stays readable/)
  t.true(failure.message.includes(path))
  t.deepEqual(problems, [failure.message])
  t.deepEqual(failures, [failure.message])
  t.is((await client.write('still relaying').take(14)).toString(), 'still relaying')
  await client.finish().gone()
  await relay.stop()
  t.is(problems.length, 1)

  const recording = opening(t, path)
  const [connection] = [...recording.connections()]
  const kept = await textOf(recording.stream(connection!.id, 'up'))
  t.true(kept.startsWith('the first words'))
  t.true(kept.length > 100_000, `${kept.length} bytes are kept`)
  t.regex(kept, /^the first wordsf*$/)
  const database = new Sqlite(path, { readonly: true })
  t.teardown(() => database.close())
  t.is(database.pragma('integrity_check', { simple: true }), 'ok')
})

for (const [name, lose] of [
  ['removed', (path: string) => rmSync(path)],
  ['renamed', (path: string) => renameSync(path, `${path}.old`)],
  ['replaced', (path: string) => {
    renameSync(path, `${path}.old`)
    writeFileSync(path, 'something else')
  }],
] as const) {
  test(`a file that is ${name} while recording ends the recording with one message, and the traffic goes on`, async (t) => {
    const path = join(temporaryFolder(t), 'x.sqlite')
    const { relay, client, problems, failures } = await echoing(t, path)
    await client.write('x').take(1)
    const watching = opening(t, path)
    await until(() => [...watching.segments()].length === 2, 'both directions to be recorded')
    watching.close()
    lose(path)
    const failure = await until(() => relay.failure, 'the loss to be noticed')
    t.is(failure.code, 'storage')
    t.true(failure.message.includes(`${path} was moved, removed or replaced`), failure.message)
    t.is((await client.write('still relaying').take(14)).toString(), 'still relaying')
    await client.finish().gone()
    await relay.stop()
    t.deepEqual(problems, [failure.message])
    t.deepEqual(failures, [failure.message])
    if (name === 'removed') return
    t.true(failure.message.endsWith('stopped; where it was moved to, it holds everything up to now'), failure.message)
    const moved = opening(t, `${path}.old`)
    t.deepEqual([...moved.segments()].map(({ direction, bytes }) => `${direction} ${bytes.toString()}`).sort(), ['down x', 'up x'])
  })
}

test('where a reader is in the way of what a moved recording lacks, it is told where that is', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  const { relay, client } = await echoing(t, path)
  await client.write('x').take(1)
  const reading = new Sqlite(path, { readonly: true })
  t.teardown(() => reading.close())
  await until(() => reading.prepare('SELECT 1 FROM connection WHERE bytes_down = 1').get() !== undefined, 'the bytes to be recorded')
  // A read that goes on needs the log as it is.
  const rows = reading.prepare('SELECT * FROM relay UNION ALL SELECT * FROM relay').iterate()
  rows.next()
  await client.write('y').take(1)
  await until(() => relay.stats().bytesDown === 2, 'the bytes to pass')
  renameSync(path, `${path}.old`)
  const failure = await until(() => relay.failure, 'the loss to be noticed')
  t.true(failure.message.endsWith(`stopped; the newest records are in ${path}-wal: where it was moved to, put that beside it, named after it`), failure.message)
  rows.return?.()
  reading.close()
  renameSync(`${path}-wal`, `${path}.old-wal`)
  t.is([...opening(t, `${path}.old`).connections()].length, 1)
})
