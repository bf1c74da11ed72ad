import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import { importCapture, openRecording, startRelay } from 'wiretape'
import { newestRecording } from '../../src/recording/recording-path.js'
import { capture, Frames } from '../formats/importing.js'
import { echoServer } from '../real/peer.js'
import { relaying } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const asRoot = process.getuid?.() === 0 && process.platform === 'linux' ? test : test.skip

async function recorded(path: string): Promise<void> {
  const relay = await startRelay({ tcp: '0=127.0.0.1:9', record: path })
  await relay.stop()
}

/** What is left where a recorder was killed as it began: nothing at all, or a database that has no tables yet, in its file or in its log alone. */
const stubs: Readonly<Record<string, (path: string) => void>> = {
  'without a byte': (path) => writeFileSync(path, ''),
  'without tables': (path) => {
    const database = new Sqlite(path)
    database.pragma('page_size = 16384')
    database.pragma('journal_mode = WAL')
    database.close()
  },
}

for (const [name, make] of Object.entries(stubs)) {
  test(`a file ${name} is told to be empty, and overwritten`, async (t) => {
    const path = join(temporaryFolder(t), 'x.sqlite')
    make(path)
    t.throws(() => openRecording(path), { code: 'not-a-recording', message: `${path} is not a wiretape recording: it is empty; put ${path}-wal beside it where that was left behind as it was moved, else recording was cut off as it began: remove it or --overwrite it` })
    const relay = await startRelay({ tcp: '0=127.0.0.1:9', record: { path, overwrite: true } })
    await relay.stop()
    openRecording(path).close()
  })
}

test('the newest recording is looked for among recordings', async (t) => {
  const folder = temporaryFolder(t)
  const old = join(folder, 'old.sqlite')
  await recorded(old)
  const later = new Date(Date.now() + 60_000)
  const others = { ...stubs, 'text': (path: string) => writeFileSync(path, 'Just some text, longer than a header. '.repeat(10)), 'folder': (path: string) => mkdirSync(path) }
  for (const [name, make] of Object.entries(others)) {
    const path = join(folder, `${name}.sqlite`)
    make(path)
    utimesSync(path, later, later)
  }
  t.is(newestRecording(folder), old)
  // One that has just begun has nothing in its file yet, and all in its log.
  const begun = join(folder, 'begun.sqlite')
  await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, record: begun })
  for (const end of ['', '-wal']) utimesSync(begun + end, later, later)
  t.is(newestRecording(folder), begun)
  const none = temporaryFolder(t)
  writeFileSync(join(none, 'empty.sqlite'), '')
  t.throws(() => newestRecording(none), { code: 'not-found' })
})

test('a start that is ended while the recording is made leaves none', async (t) => {
  const path = join(temporaryFolder(t), 'made', 'x.sqlite')
  const ending = new AbortController()
  // Between what makes the file and the first word of the thread that fills it.
  const look = (): void => {
    if (existsSync(path)) ending.abort(new Error('no more'))
    else setImmediate(look)
  }
  look()
  await t.throwsAsync(startRelay({ tcp: '0=127.0.0.1:9', record: path, signal: ending.signal }), { message: 'no more' })
  t.deepEqual(readdirSync(join(path, '..')), [])
})

test('a start that is ended leaves a recording that was there, with what it had', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  await recorded(path)
  const ending = new AbortController()
  const starting = startRelay({ tcp: '0=127.0.0.1:9', record: { path, append: true }, signal: ending.signal })
  ending.abort(new Error('no more'))
  await t.throwsAsync(starting, { message: 'no more' })
  const recording = openRecording(path)
  t.is(recording.relays().length, 1)
  recording.close()
})

asRoot('mount (as root): a recording or import that can\'t even begin leaves no file', async (t) => {
  const folder = temporaryFolder(t)
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
  t.teardown(() => execFileSync('umount', ['-l', disk]))
  const path = join(disk, 'x.sqlite')
  await t.throwsAsync(startRelay({ tcp: '0=127.0.0.1:9', record: path }), { code: 'storage' })
  t.deepEqual(readdirSync(disk), [])
  const from = join(folder, 'one.pcap')
  writeFileSync(from, capture(new Frames(40_000, 80).opens().closes().list))
  await t.throwsAsync(importCapture(from, { path }), { code: 'storage' })
  t.deepEqual(readdirSync(disk), [])
})
