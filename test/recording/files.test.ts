import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openRecording, startRelay, WiretapeError } from 'wiretape'
import type { ErrorCode, RecorderOptions } from 'wiretape'
import { installed } from '../real/installed.js'
import { connectTo, echoServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { opening, relaying, textOf } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const withSqlite = installed('sqlite3') ? test : test.skip

/** Records one connection that says these words to an echo server. */
async function say(t: ExecutionContext, words: string, record: RecorderOptions): Promise<void> {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, record })
  const client = await connectTo(t, relay.port)
  client.write(words).finish()
  await client.rest()
  await client.gone()
  await relay.stop()
}

async function refusedToRecord(t: ExecutionContext, record: RecorderOptions, code: ErrorCode): Promise<string> {
  const error = await t.throwsAsync(
    startRelay({ tcp: '0=127.0.0.1:9', record }).then((relay) => relay.stop({ grace: 0 })), { instanceOf: WiretapeError })
  t.is(error?.code, code, error?.message)
  return error.message
}

function refusedToOpen(t: ExecutionContext, path: string, code: ErrorCode): string {
  const error = t.throws(() => openRecording(path).close(), { instanceOf: WiretapeError })
  t.is(error?.code, code, error?.message)
  return error.message
}

test('a recording and the folder made for it are for their owner alone, also while it is written', async (t) => {
  const folder = join(temporaryFolder(t), 'made', 'for-it')
  const path = join(folder, 'x.sqlite')
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, record: path })
  const client = await connectTo(t, relay.port)
  await client.write('x').take(1)
  for (const name of readdirSync(folder)) t.is(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  t.is(statSync(folder).mode & 0o777, 0o700)
  await client.finish().gone()
  await relay.stop()
  t.deepEqual(readdirSync(folder), ['x.sqlite'])
  t.is(statSync(path).mode & 0o777, 0o600)
})

test('a folder that was there keeps its mode', async (t) => {
  const folder = temporaryFolder(t)
  chmodSync(folder, 0o755)
  await say(t, 'x', { path: join(folder, 'x.sqlite') })
  t.is(statSync(folder).mode & 0o777, 0o755)
})

test('a file that is there is refused and stays as it was', async (t) => {
  const path = join(temporaryFolder(t), 'notes.txt')
  writeFileSync(path, 'my notes')
  const message = await refusedToRecord(t, { path }, 'exists')
  t.true(message.includes(path) && message.includes('--overwrite') && message.includes('--append'), message)
  t.is(readFileSync(path, 'utf8'), 'my notes')
})

test('overwrite starts the file anew', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  await say(t, 'old', { path })
  await say(t, 'new', { path, overwrite: true })
  const recording = opening(t, path)
  t.deepEqual(await Promise.all([...recording.connections()].map(({ id }) => textOf(recording.stream(id, 'up')))), ['new'])
})

test('append goes on in the same file, with ids that go on', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  await say(t, 'first', { path, facts: { label: '1' } })
  const before = opening(t, path)
  const first = [...before.records()].at(-1)!.id
  const firstSegment = [...before.segments()].at(-1)!.id
  before.close()
  await say(t, 'second', { path, append: true, facts: { label: '2' } })
  await say(t, 'third', { path, append: true })
  const recording = opening(t, path)
  const connections = [...recording.connections()]
  t.deepEqual(await Promise.all(connections.map(({ id }) => textOf(recording.stream(id, 'up')))), ['first', 'second', 'third'])
  t.is(connections[0]!.id, first)
  t.true(connections[1]!.id > first && connections[2]!.id > connections[1]!.id)
  t.true([...recording.segments()].every(({ id, connectionId }) => connectionId === connections[0]!.id || id > firstSegment))
  t.is(recording.relays().length, 3)
  t.deepEqual(connections.map(({ relayId }) => relayId), recording.relays().map(({ id }) => id))
  t.is(recording.facts()['label'], '2')
})

test('append needs a recording that is there, and isn\'t overwrite', async (t) => {
  const folder = temporaryFolder(t)
  await refusedToRecord(t, { path: join(folder, 'none.sqlite'), append: true }, 'not-found')
  await refusedToRecord(t, { append: true }, 'usage')
  await refusedToRecord(t, { path: join(folder, 'none.sqlite'), append: true, overwrite: true }, 'usage')
  t.deepEqual(readdirSync(folder), [])
})

test('a path that cannot be made is an error that names it', async (t) => {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, '')
  const path = join(file, 'x.sqlite')
  t.true((await refusedToRecord(t, { path }, 'storage')).includes(path))
})

test('what isn\'t a recording is refused for reading and for continuing, and stays as it was', async (t) => {
  const folder = temporaryFolder(t)
  const other = join(folder, 'other.sqlite')
  const database = new Sqlite(other)
  database.exec('CREATE TABLE connection (id INTEGER PRIMARY KEY)')
  database.close()
  const files = { 'text.txt': 'Just some text, longer than a header. '.repeat(10), 'short.txt': 'x', 'empty.sqlite': '' }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  for (const name of ['other.sqlite', ...Object.keys(files)]) {
    const path = join(folder, name)
    const content = readFileSync(path)
    t.true(refusedToOpen(t, path, 'not-a-recording').includes(path))
    t.true((await refusedToRecord(t, { path, append: true }, 'not-a-recording')).includes(path))
    t.true(readFileSync(path).equals(content), name)
  }
  refusedToOpen(t, folder, 'not-a-recording')
  refusedToOpen(t, join(folder, 'none.sqlite'), 'not-found')
  t.false(existsSync(join(folder, 'none.sqlite')))
})

test('a recording of a newer version is refused for reading and for continuing', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  await say(t, 'x', { path })
  const database = new Sqlite(path)
  const version = database.pragma('user_version', { simple: true }) as number
  database.pragma(`user_version = ${version + 1}`)
  database.close()
  const content = readFileSync(path)
  t.regex(refusedToOpen(t, path, 'newer-recording'), new RegExp(`schema ${version + 1}`))
  await refusedToRecord(t, { path, append: true }, 'newer-recording')
  t.true(readFileSync(path).equals(content))
})

test('a finished recording is one plain file that opens where nothing can be written', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'x.sqlite')
  await say(t, 'x', { path })
  const database = new Sqlite(path, { readonly: true })
  t.is(database.pragma('journal_mode', { simple: true }), 'delete')
  t.is(database.pragma('integrity_check', { simple: true }), 'ok')
  database.close()
  t.true(Number(opening(t, path).facts()['finished']) > 0)
  chmodSync(folder, 0o500)
  t.teardown(() => chmodSync(folder, 0o700))
  t.is([...opening(t, path).connections()].length, 1)
})

test('somebody reading along doesn\'t keep a recording from ending', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, record: path })
  const reader = opening(t, path)
  const reading = reader.connections()
  const client = await connectTo(t, relay.port)
  client.write('x').finish()
  await client.rest()
  reading.next()
  await relay.stop()
  t.is(relay.failure, null)
  reading.return?.()
  t.is([...reader.connections()].length, 1)
})

withSqlite('sqlite3: any SQLite client reads the views', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  await say(t, 'plain', { path })
  const query = 'SELECT protocol, kind, bytes_up, outcome FROM record; SELECT CAST(bytes AS TEXT) FROM segment ORDER BY id LIMIT 1'
  const sqlite = await run(t, 'sqlite3', ['-readonly', path, query])
  t.is(sqlite.stdout.toString(), 'tcp|connection|5|client closed\nplain\n', sqlite.stderr)
})

test('a recording that is being written is not overwritten', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  const relay = await startRelay({ tcp: '0=127.0.0.1:9', record: path })
  t.teardown(() => relay.stop({ grace: 0 }))
  const message = await refusedToRecord(t, { path, overwrite: true }, 'exists')
  t.is(message, `${path} is being recorded by process ${process.pid}: overwrite it when that has ended, or choose another name`)
  await relay.stop()
  await say(t, 'new', { path, overwrite: true })
})
