import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import Sqlite from 'better-sqlite3'
import type { TimelineRecord } from 'wiretape'
import { connectTo, echoServer, peerServer } from '../real/peer.js'
import { installed } from '../real/installed.js'
import { opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { printableJson } from '../../src/cli/escape.js'
import { startWiretape, wiretape } from './wiretape.js'

test('ls lists the demo, and --where picks', async (t) => {
  const file = join(temporaryFolder(t), 'demo.sqlite')
  const demo = await wiretape(t, 'demo', '-o', file)
  t.is(demo.code, 0)
  t.regex(demo.stdout.toString(), /GET \/books → 200[\s\S]*POST \/orders → 201[\s\S]*404/)
  const all = (await wiretape(t, 'ls', file, '--json')).stdout.toString().trim().split('\n').map((line) => JSON.parse(line) as TimelineRecord)
  t.is(all.filter(({ protocol }) => protocol === 'http' || protocol === 'tcp').length, 5)
  t.deepEqual(all.map((record) => record.id), all.map((record) => record.id).toSorted((a, b) => a - b))
  const some = (await wiretape(t, 'ls', file, '--where', `status >= 400 and path = '/nowhere'`)).stdout.toString()
  t.is(some.trim().split('\n').length, 1)
  t.regex(some, /GET \/nowhere\?from=demo → 404/)
})

test('--json has the same text as the records that the library reads, whatever is in them', async (t) => {
  const file = join(temporaryFolder(t), 'demo.sqlite')
  await wiretape(t, 'demo', '-o', file)
  const database = new Sqlite(file)
  // Durations of 0, of whole milliseconds, of parts, and of months; text that JSON, terminals or UTF-8 have a word about.
  database.exec('UPDATE http_exchange_row SET ended = started + CASE (SELECT count(*) FROM http_exchange_row earlier WHERE earlier.id < http_exchange_row.id) % 4 WHEN 0 THEN 0 WHEN 1 THEN 5000 WHEN 2 THEN 1 ELSE 12345678901234 END')
  database.prepare('UPDATE http_exchange_row SET path = ?, error = ? WHERE status >= 400').run('/"\\\n\r\t\b\f\0\u0001\u007f\u202e\u2028é→😀', 'odd "error"')
  database.close()
  const lines = (await wiretape(t, 'ls', file, '--json')).stdout.toString().split('\n')
  const recording = opening(t, file)
  t.deepEqual(lines, [...Array.from(recording.records(), (record) => printableJson(record)), ''])
  t.true(lines.some((line) => line.includes('"durationMs":5,')) && lines.some((line) => line.includes('"durationMs":0.001,')))
})

for (const [where, pattern] of [
  ['stauts = 1', /did you mean status\?/],
  ['1; drop table segment', /";"/],
  ['1) union select 1 -- ', /"\)" without/],
  ['status =', /--where status =/],
  ['', /empty/],
  ['status = load_extension(\'x\')', /--where/],
] as const) {
  test(`a condition that isn't one is one line and exit 2: ${where}`, async (t) => {
    const file = join(temporaryFolder(t), 'demo.sqlite')
    await wiretape(t, 'demo', '-o', file)
    const { code, stderr, stdout } = await wiretape(t, 'ls', file, '--where', where)
    t.is(code, 2)
    t.is(stdout.toString(), '')
    t.regex(stderr, /^wiretape: [^\n]+\n$/)
    t.regex(stderr, pattern)
  })
}

test('what is not a recording is one line and exit 2', async (t) => {
  const folder = temporaryFolder(t)
  const text = join(folder, 'notes.txt')
  writeFileSync(text, 'this is only a text, and a long enough one to have a header\n'.repeat(40))
  for (const [file, pattern] of [[text, /not a wiretape recording/], [join(folder, 'none'), /there is no/], [folder, /is not a file/]] as const) {
    const { code, stderr } = await wiretape(t, 'ls', file)
    t.is(code, 2)
    t.regex(stderr, pattern)
    t.is(stderr.trim().split('\n').length, 1)
  }
})

test('--follow prints records as they end, also those that began before others, and ends with the recording', async (t) => {
  const server = await peerServer(t)
  const taped = await taping(t, { tcp: `0=127.0.0.1:${server.port}` })
  const following = startWiretape(t, 'ls', taped.path, '--follow', '--json')
  const first = await connectTo(t, taped.port)
  const firstBehind = await server.next()
  const second = await connectTo(t, taped.port)
  const secondBehind = await server.next()
  second.write('second').finish()
  await secondBehind.rest()
  secondBehind.finish()
  const one = JSON.parse((await following.lines.next(/.+/))[0]) as TimelineRecord
  t.is(one.bytes, 6)
  first.write('the first').finish()
  await firstBehind.rest()
  firstBehind.finish()
  const two = JSON.parse((await following.lines.next(/.+/))[0]) as TimelineRecord
  t.is(two.bytes, 9)
  t.true(two.id < one.id)
  await taped.relay.stop()
  t.is((await following.ended).code, 0)
})

test('a reader that has enough is no failure', async (t) => {
  const taped = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  for (let n = 0; n < 50; n++) {
    const peer = await connectTo(t, taped.port)
    peer.finish()
    await peer.gone()
  }
  await taped.relay.stop()
  const main = new URL('../../src/cli/main.js', import.meta.url).pathname
  t.notThrows(() => execFileSync('bash', ['-o', 'pipefail', '-c', `"${process.execPath}" "${main}" ls "${taped.path}" | head -1 >/dev/null; test \${PIPESTATUS[0]} = 0`]))
})

const withSqlite = installed('sqlite3') ? test : test.skip
withSqlite('any SQLite client reads the views (sqlite3)', async (t) => {
  const file = join(temporaryFolder(t), 'demo.sqlite')
  await wiretape(t, 'demo', '-o', file)
  const ask = (sql: string): string => execFileSync('sqlite3', [file, sql]).toString().trim()
  t.is(ask(`select method, status from http_exchange where path = '/orders'`), 'POST|201')
  t.is(ask(`select value from http_header h join http_exchange e on e.id = h.exchange_id where e.path = '/orders' and name = 'Location'`), '/orders/17')
  t.is(ask(`select count(*) from record where protocol in ('http', 'tcp')`), '5')
})
