import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { importCapture, openRecording, startRelay } from 'wiretape'
import { wiretape } from '../cli/wiretape.js'
import { capture, Frames } from '../formats/importing.js'
import { run, script } from '../real/program.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const asRoot = process.getuid?.() === 0 && process.platform === 'linux' ? test : test.skip

/** A capture of many requests, of some MB. */
function captured(folder: string): string {
  const path = join(folder, 'many.pcap')
  const frames = new Frames(40_000, 80).opens()
  for (let n = 0; n < 4000; n++) frames.up(`GET /${n} HTTP/1.1\r\nHost: h\r\n\r\n`).down(`HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${'b'.repeat(1000)}`)
  writeFileSync(path, capture(frames.closes().list))
  return path
}

/** A recording that a program was changing when it was killed: its old pages are in the journal, and new ones in the file. */
async function halfWritten(t: ExecutionContext, folder: string): Promise<string> {
  const path = join(folder, 'half.sqlite')
  await importCapture(captured(folder), { path })
  const program = `
    const database = new (require(${JSON.stringify(script(import.meta.url, '../../../node_modules/better-sqlite3'))}))(process.argv[1])
    database.pragma('cache_size = 5')
    database.exec("BEGIN IMMEDIATE; UPDATE segment SET kind = 'lost'")
    process.kill(process.pid, 'SIGKILL')`
  t.is((await run(t, process.execPath, ['-e', program, path])).signal, 'SIGKILL')
  t.true(statSync(`${path}-journal`).size > 0)
  return path
}

function sound(t: ExecutionContext, path: string): void {
  const database = new Sqlite(path, { readonly: true })
  t.teardown(() => database.close())
  t.is(database.pragma('integrity_check', { simple: true }), 'ok')
}

test('a recording in the middle of a change that was cut off opens as it was before, to be read, continued and overwritten', async (t) => {
  const path = await halfWritten(t, temporaryFolder(t))
  const copy = (name: string): string => {
    const to = join(temporaryFolder(t), name)
    for (const end of ['', '-journal']) copyFileSync(path + end, to + end)
    return to
  }
  const read = copy('read.sqlite')
  const recording = opening(t, read)
  t.is([...recording.segments({ where: 'kind = \'lost\'' })].length, 0)
  t.is([...recording.exchanges({ where: 'status = 200' })].length, 4000)
  recording.close()
  t.false(existsSync(`${read}-journal`))
  sound(t, read)
  const listed = await wiretape(t, 'ls', copy('ls.sqlite'), '--limit', '1')
  t.like(listed, { code: 0, stderr: '' })
  for (const how of [{ append: true }, { overwrite: true }]) {
    const relay = await startRelay({ tcp: '0=127.0.0.1:9', record: { path: copy('again.sqlite'), ...how } })
    await relay.stop()
    t.is(relay.failure, null)
    t.is([...opening(t, relay.path!).exchanges()].length, how.append ? 4000 : 0)
  }
})

asRoot('mount (as root): where it can\'t be undone, what to do is said', async (t) => {
  const disk = join(temporaryFolder(t), 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', disk])
  t.teardown(() => execFileSync('umount', ['-l', disk]))
  const path = await halfWritten(t, disk)
  execFileSync('mount', ['-o', 'remount,ro', disk])
  t.throws(() => openRecording(path), {
    code: 'storage',
    message: `cannot read ${path}: whoever wrote it was killed in the middle of a change, and undoing that needs to write: make it and ${path}-journal writable, or copy both to where they are`,
  })
})

for (const how of ['import', 'redecode'] as const) {
  test(`after kill -9 in the middle of ${how} the file opens, is sound, and is known to have ended`, async (t) => {
    const folder = temporaryFolder(t)
    let from = captured(folder)
    if (how === 'redecode') from = (await importCapture(from, { path: join(folder, 'whole.sqlite') })).path
    const path = join(folder, 'half.sqlite')
    t.is((await run(t, process.execPath, [script(import.meta.url, './children/killed-writer.js'), how, from, path])).signal, 'SIGKILL')
    const recording = opening(t, path)
    t.is(recording.facts()['finished'], undefined)
    t.true(recording.ended)
    t.true([...recording.exchanges()].length > 0)
    recording.close()
    sound(t, path)
  })
}
