import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openRecording, WiretapeError } from 'wiretape'
import { checkCondition, nearest } from '../../src/recording/filter.js'
import { connectTo, peerServer } from '../real/peer.js'
import { opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

let sample: Promise<Buffer> | undefined

/** A finished recording with a few exchanges, made once and copied for each test. */
async function record(t: ExecutionContext): Promise<Buffer> {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  for (const [path, status] of [['/a;b', 200], ['/(c)', 404], ['/it\'s', 503]] as const) {
    client.write(`GET ${path}?--x HTTP/1.1\r\nHost: h\r\n\r\n`)
    await served.through('\r\n\r\n')
    served.write(`HTTP/1.1 ${status} R\r\nContent-Length: 0\r\n\r\n`)
    await client.through('\r\n\r\n')
  }
  client.finish()
  served.finish()
  await client.gone()
  await tape.recorded()
  return readFileSync(tape.path)
}

async function copy(t: ExecutionContext): Promise<{ path: string, content: Buffer }> {
  sample ??= record(t)
  const path = join(temporaryFolder(t), 'sample.sqlite')
  writeFileSync(path, await sample)
  return { path, content: await sample }
}

for (const [where, paths] of [
  ['status >= 400', ['/(c)', '/it\'s']],
  ['status = 200 or (status > 500 and method = \'GET\')', ['/a;b', '/it\'s']],
  ['path = \'/a;b\'', ['/a;b']],
  ['path like \'%(%\'', ['/(c)']],
  ['path = \'/it\'\'s\'', ['/it\'s']],
  ['query = \'--x\' and "status" in (200, 404)', ['/a;b', '/(c)']],
  ['[status] = 404 and `path` <> \'/*\'', ['/(c)']],
  ['id in (select id from http_exchange where status = 503)', ['/it\'s']],
  ['duration_ms >= 0 -0 and 1', ['/a;b', '/(c)', '/it\'s']],
  ['path = \'nothing -- of ; this ) exists\'', []],
] as const) {
  test(`a condition: ${where}`, async (t) => {
    const recording = opening(t, (await copy(t)).path)
    t.deepEqual([...recording.exchanges({ where })].map(({ path }) => path), [...paths])
    t.is(checkCondition(where), where)
  })
}

for (const where of [
  '', '   ', '\n\t', '1; DROP TABLE segment', '1;', 'status = 200 -- rest', 'status /* x */ = 200', '(status = 200', 'status = 200)',
  '1) UNION SELECT * FROM connection WHERE (1', ')(', 'path = \'open', 'path = "open', '[status', '`status', 'status = \0',
]) {
  test(`not a condition: ${JSON.stringify(where)}`, async (t) => {
    const error = t.throws(() => checkCondition(where), { instanceOf: WiretapeError })
    t.is(error?.code, 'usage')
    t.regex(error.message, /--where .*expected one SQL condition/s)
    const recording = opening(t, (await copy(t)).path)
    t.throws(() => [...recording.records({ where })], { instanceOf: WiretapeError })
  })
}

for (const where of [
  'status =', 'select 1', 'insert into event values (1)', 'order by id', 'limit 1', 'status = 200 limit 1', 'attach \'x\' as y', 'pragma user_version',
  'no_such_function(1)', 'load_extension(\'x\')', 'json_extract(path, \'$.a\') = 1', 'status = 200 order by id', '?', ':name', '@a = 1',
]) {
  test(`what SQLite cannot read as a condition is bad usage: ${where}`, async (t) => {
    const { path, content } = await copy(t)
    const recording = opening(t, path)
    const error = t.throws(() => [...recording.records({ where })], { instanceOf: WiretapeError })
    t.is(error?.code, 'usage')
    t.true(error.message.startsWith(`--where ${where}: `), error.message)
    t.true(readFileSync(path).equals(content))
  })
}

test('a misspelt column is answered with the nearest there is, and the list of all', async (t) => {
  const recording = opening(t, (await copy(t)).path)
  const error = t.throws(() => [...recording.records({ where: 'statos >= 500' })], { instanceOf: WiretapeError })
  t.is(error?.code, 'usage')
  t.regex(error.message, /there is no column statos \(did you mean status\?\); there are id, protocol, .*status/)
  const far = t.throws(() => [...recording.records({ where: 'xyzzyxyzzy = 1' })], { instanceOf: WiretapeError })
  t.notRegex(far.message, /did you mean/)
})

test('what FTP and DNS call by another name is answered with the timeline\'s', async (t) => {
  const recording = opening(t, (await copy(t)).path)
  const told = (name: string): string => t.throws(() => [...recording.records({ where: `${name} = 'RETR'` })], { instanceOf: WiretapeError }).message
  for (const [name, same] of [['verb', 'method'], ['code', 'status'], ['text', 'reason'], ['argument', 'summary'], ['latency_ms', 'duration_ms'], ['rcode', 'reason']]) {
    t.regex(told(name!), new RegExp(`there is no column ${name} \\(did you mean ${same}\\?\\)`))
  }
  // Of a table that has it, nothing else is meant.
  t.deepEqual([...recording.ftpCommands({ where: `verb = 'RETR'` })], [])
  t.notRegex(t.throws(() => [...recording.records({ where: 'constructor = 1' })], { instanceOf: WiretapeError }).message, /did you mean function/)
})

test('the nearest name is one that differs in at most half of the word', (t) => {
  t.is(nearest('duration', ['duration_ms', 'id', 'time']), 'duration_ms')
  t.is(nearest('STATUS', ['status']), 'status')
  t.is(nearest('pth', ['host', 'path']), 'path')
  t.is(nearest('qqqq', ['status', 'path']), null)
  t.is(nearest('x', []), null)
})

const words = ['status', 'path', '200', '\'', '\'\'', '"', '(', ')', ';', '--', '/*', '*/', '[', ']', '`', ' ', '=', ' and ', ' or ', '\0', '\\',
  'DROP TABLE segment', 'UNION SELECT 1', 'SELECT', 'ATTACH \'/tmp/x\' AS y', 'PRAGMA writable_schema=1', 'VACUUM INTO \'/tmp/y\'', 'x\'00\'', '$1', '\ud800', 'é']
const anyText = fc.oneof(fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join('')), fc.string({ unit: 'binary', maxLength: 40 }))

test('whatever is given as a condition, rows come out or a usage error, and the recording is as it was', async (t) => {
  const { path, content } = await copy(t)
  const recording = openRecording(path)
  t.teardown(() => recording.close())
  const counts = { rows: 0, refused: 0 }
  fc.assert(fc.property(anyText, (where) => {
    try {
      counts.rows += [...recording.exchanges({ where })].length
    } catch (thrown) {
      if (!(thrown instanceof WiretapeError) || thrown.code !== 'usage') throw thrown
      counts.refused++
    }
    return readFileSync(path).equals(content)
  // Chance may make none that is right.
  }), { numRuns: 1500, examples: [['status > 0'], ['status > 0;']] })
  t.true(counts.refused > 0 && counts.rows > 0, JSON.stringify(counts))
  t.is([...recording.exchanges()].length, 3)
  const database = new Sqlite(path, { readonly: true })
  t.is(database.pragma('integrity_check', { simple: true }), 'ok')
  database.close()
})
