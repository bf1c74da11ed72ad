import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { until } from '../real/deadline.js'
import { installed } from '../real/installed.js'
import { connectTo, echoServer } from '../real/peer.js'
import { Lines, run, script, start } from '../real/program.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { startWiretape } from './wiretape.js'

const withPython = installed('python3') ? test : test.skip
const withNohup = installed('nohup') && installed('bash') ? test : test.skip

const main = script(import.meta.url, '../../src/cli/main.js')

test('SIGHUP ends a recording in order, as SIGTERM does', async (t) => {
  const file = join(temporaryFolder(t), 'x.sqlite')
  const running = startWiretape(t, 'record', '-o', file, '--grace', '0', '--tcp', `0=127.0.0.1:${await echoServer(t)}`, '--json')
  const { port } = JSON.parse((await running.lines.next(/.*listening.*/))[0]) as { port: number }
  await running.lines.next(/.*recording.*/)
  await (await connectTo(t, port)).write('hello').take(5)
  running.signal('SIGHUP')
  t.deepEqual(await running.ended, { code: 0, signal: null })
  const recording = opening(t, file)
  t.true(Number(recording.facts()['finished']) > 0)
  t.like([...recording.records()][0], { bytes: 10, outcome: 'relay stopped' })
})

withPython('python3: a recording whose terminal is closed ends in order', async (t) => {
  const file = join(temporaryFolder(t), 'x.sqlite')
  // A terminal of its own, which is closed once there is something on it; then what the program in it ended with.
  const terminal = `
import os, pty, signal, sys
pid, master = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
said = b''
while b'recording to' not in said or b' open ' not in said: said += os.read(master, 1000)
os.close(master)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGHUP)`
  const ended = await run(t, 'python3', ['-c', terminal, process.execPath, main, 'record', '-o', file, '--tcp', `0=127.0.0.1:${await echoServer(t)}`])
  t.is(ended.stdout.toString(), 'True\n', ended.stderr)
  t.true(Number(opening(t, file).facts()['finished']) > 0)
})

withNohup('nohup: the end of the terminal is no reason to stop', async (t) => {
  const file = join(temporaryFolder(t), 'x.sqlite')
  const target = await echoServer(t)
  const child = start(t, 'bash', ['-c', 'nohup "$0" "$@" & echo "pid $!"; wait $!; echo "ended $?"', process.execPath, main, 'record', '-o', file, '--tcp', `0=127.0.0.1:${target}`])
  const lines = new Lines(child.stdout)
  const pid = Number((await lines.next(/^pid (\d+)$/))[1])
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended, as it should.
    }
  })
  const port = Number((await lines.next(/^tcp +127\.0\.0\.1:(\d+) /))[1])
  await lines.next(/^recording to/)
  process.kill(pid, 'SIGHUP')
  const peer = await connectTo(t, port)
  t.is((await peer.write('still there').take(11)).toString(), 'still there')
  await peer.finish().gone()
  process.kill(pid, 'SIGTERM')
  await lines.next(/^ended 0$/)
  t.is([...opening(t, file).connections()].length, 1)
})

test('a signal while it starts, before there is a file, leaves none', async (t) => {
  const folder = temporaryFolder(t)
  const plugin = join(folder, 'stops.mjs')
  writeFileSync(plugin, `
    const heard = new Promise((resolve) => process.once('SIGINT', resolve))
    process.kill(process.pid, 'SIGINT')
    const waiting = setInterval(() => {}, 1000)
    await heard
    clearInterval(waiting)
    export default { name: 'stops', description: 'Stops.', setup: () => ({ stream: () => undefined }) }`)
  const running = startWiretape(t, 'record', '-o', join(folder, 'x.sqlite'), '--tcp', `0=127.0.0.1:${await echoServer(t)}`, '--plugin', plugin)
  t.deepEqual(await running.ended, { code: 0, signal: null }, running.stderr())
  t.is(running.stderr(), '')
  t.deepEqual(readdirSync(folder), ['stops.mjs'])
})

test('a signal just after the file was made leaves none, or a recording that has ended', async (t) => {
  const target = await echoServer(t)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const folder = temporaryFolder(t)
    const file = join(folder, 'x.sqlite')
    const running = startWiretape(t, 'record', '-o', file, '--tcp', `0=127.0.0.1:${target}`)
    await until(() => existsSync(file), 'the file')
    running.signal(name)
    t.deepEqual(await running.ended, { code: 0, signal: null }, running.stderr())
    t.is(running.stderr(), '')
    if (existsSync(file)) t.true(Number(opening(t, file).facts()['finished']) > 0, readFileSync(file).length.toString())
    else t.deepEqual(readdirSync(folder), [])
  }
})

test('a second signal ends a start that hangs', async (t) => {
  const folder = temporaryFolder(t)
  const plugin = join(folder, 'hangs.mjs')
  writeFileSync(plugin, `
    console.log('hanging')
    process.once('SIGINT', () => console.log('heard'))
    await new Promise((resolve) => setTimeout(resolve, 2 ** 30))
    export default {}`)
  const running = startWiretape(t, 'record', '-o', join(folder, 'x.sqlite'), '--tcp', '0=127.0.0.1:9', '--plugin', plugin)
  await running.lines.next(/^hanging$/)
  running.signal('SIGINT')
  await running.lines.next(/^heard$/)
  running.signal('SIGINT')
  t.deepEqual(await running.ended, { code: 130, signal: null })
})
