import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { importCapture } from 'wiretape'
import type { ImportProgress } from 'wiretape'
import { opening } from '../real/relaying.js'
import { run, script, start } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { capture, Frames } from './importing.js'

/* What is imported while it is written, by another program. */

const main = script(import.meta.url, '../../src/cli/main.js')

const frames = new Frames(40_000, 8080).opens().up('GET / HTTP/1.1\r\nHost: a\r\n\r\n').down('HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n')
for (let n = 0; n < 300; n++) frames.down('x'.repeat(1000))
const file = capture(frames.closes().list)

const inputs = { 'a capture': file, 'one that is gzipped': gzipSync(file) }
for (const [what, bytes] of Object.entries(inputs)) {
  test(`${what} from the standard input`, async (t) => {
    const output = join(temporaryFolder(t), 'piped.sqlite')
    const { code, stderr, stdout } = await run(t, process.execPath, [main, 'import', '-', '-o', output], bytes)
    t.deepEqual([code, stderr], [0, ''])
    t.regex(stdout.toString(), /1 records on 1 connections, from 308 packets/)
    t.like([...opening(t, output).exchanges()][0], { status: 200, responseBodySize: 300_000, error: null })
  })

  test(`${what} from a named pipe, into which pieces of it are written`, async (t) => {
    const folder = temporaryFolder(t)
    const pipe = join(folder, 'pipe')
    writeFileSync(join(folder, 'capture'), bytes)
    t.is((await run(t, 'mkfifo', [pipe])).code, 0)
    start(t, 'bash', ['-c', `(head -c 10; sleep 0.1; head -c 500; sleep 0.1; cat) <${join(folder, 'capture')} >${pipe}`])
    const told: ImportProgress[] = []
    const summary = await importCapture(pipe, { path: join(folder, 'piped.sqlite'), onProgress: (progress) => told.push(progress) })
    t.like(summary, { packets: 308, complete: true })
    t.like(told.at(-1), { total: null, bytes: bytes.length })
    t.is([...opening(t, summary.path).exchanges()][0]?.responseBodySize, 300_000)
  })
}

test('what is no capture, ends early, or isn\'t there', async (t) => {
  const output = join(temporaryFolder(t), 'piped.sqlite')
  const importing = (bytes: Buffer | string) => run(t, process.execPath, [main, 'import', '-', '-o', output], bytes)
  t.like(await importing('hello'), { code: 2, stderr: 'wiretape: the standard input is no capture: it looks like text; pcap, pcapng and HAR can be imported\n' })
  t.like(await importing(''), { code: 2, stderr: 'wiretape: the standard input is no capture: it is empty; pcap, pcapng and HAR can be imported\n' })
  const cut = await importing(file.subarray(0, 10_000))
  t.is(cut.code, 1)
  t.regex(cut.stderr, /^wiretape: -: .*what comes before it is imported\n$/)
})
