import { join } from 'node:path'
import test from 'ava'
import Sqlite from 'better-sqlite3'
import { compareRecordings, sendRecording } from 'wiretape'
import type { SendOptions } from 'wiretape'
import { http, httpOrigin } from '../real/http-origin.js'
import { connectTo, serve } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { datagramVisit } from './datagram-visit.js'
import { ftpVisit, scriptedFtp } from './ftp-script.js'
import { lineServer } from './line-server.js'
import { sendTo, told } from './send-again.js'

/*
 * What send tells, and that diff tells the same of its recording later.
 */

test('what was not sent is no difference, neither then nor later', async (t) => {
  const origin = await httpOrigin(t, (request, response) => { request.resume().on('end', () => response.setHeader('Content-Type', 'text/plain').end(request.url)) })
  const other = await httpOrigin(t)
  const taped = await taping(t, { http: [origin.target, other.target], plugins: ['redact'] })
  const [port, unrelated] = taped.relay.listeners.map((listener) => listener.port)
  const url = `http://127.0.0.1:${port}`
  for (const path of ['/a', '/b', '/c']) await (await fetch(url + path)).text()
  await (await fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ password: '1234' }) })).text()
  await (await fetch(`http://127.0.0.1:${unrelated}/elsewhere`)).text()
  await taped.relay.stop()
  const to = `http://127.0.0.1:${origin.port}`
  const all = await sendTo(t, taped.path, 0, { to, relay: `127.0.0.1:${origin.port}` })
  t.is(all.sent, 3)
  t.deepEqual(all.skipped.map(({ asked }) => asked), ['POST /login'])
  t.deepEqual(all.comparison.differences.map(told), [])
  t.is(all.comparison.notSent, 1)
  t.true(all.equal)
  t.false((await sendTo(t, taped.path, 0, { to, relay: `127.0.0.1:${origin.port}`, strict: true })).equal)
  const some = await sendTo(t, taped.path, 0, { to, relay: `127.0.0.1:${origin.port}`, where: "path <> '/b'" })
  t.is(some.sent, 2)
  t.deepEqual(some.comparison.differences.map(told), [])
  // Another recording than the one that was repeated is compared as a whole.
  const unlike = await taping(t, { http: origin.target })
  await (await fetch(`http://127.0.0.1:${unlike.port}/a`)).text()
  await (await fetch(`http://127.0.0.1:${unlike.port}/b`)).text()
  await unlike.relay.stop()
  t.is((await compareRecordings(unlike.path, some.path)).onlyA, 1)
})

test('a run that is ended half-way: what was not begun is no difference', async (t) => {
  const origin = await httpOrigin(t, (request, response) => response.setHeader('Content-Type', 'text/plain').end(request.url))
  const taped = await taping(t, { http: origin.target })
  for (const path of ['/a', '/b', '/c', '/d']) await (await fetch(`http://127.0.0.1:${taped.port}${path}`)).text()
  await taped.relay.stop()
  const interruption = new AbortController()
  const half = await httpOrigin(t, (request, response) => {
    if (request.url === '/c') response.write('a part', () => interruption.abort())
    else response.setHeader('Content-Type', 'text/plain').end(request.url)
  })
  const { comparison, sent, planned } = await sendTo(t, taped.path, 0, { to: `http://127.0.0.1:${half.port}`, signal: interruption.signal })
  t.is(planned, 4)
  t.is(comparison.notSent, 1)
  t.is(sent, 3)
  t.is(comparison.same, 2)
  t.deepEqual(comparison.differences.map(({ asked, field, now }) => `${asked} ${field} ${now}`), ['GET /c answer the run was ended'])
})

test('a recording of a run is repeated itself: it is compared later as it was at once', async (t) => {
  const origin = await httpOrigin(t, (request, response) => response.setHeader('Content-Type', 'text/plain').end(request.url))
  const taped = await taping(t, { http: origin.target })
  await (await fetch(`http://127.0.0.1:${taped.port}/old`)).text()
  await taped.relay.stop()
  const to = `http://127.0.0.1:${origin.port}`
  const renaming = http('renaming', { request(request) { request.path = request.path.replace('old', 'new') } })
  const { path } = await sendRecording(taped.path, { to, record: join(temporaryFolder(t), 'first.sqlite'), plugins: [renaming] })
  const { comparison } = await sendTo(t, path, 0, { to })
  t.is(comparison.same, 1)
})

test('what a recording says of the run that made it is never run as SQL', async (t) => {
  const origin = await httpOrigin(t, (request, response) => response.setHeader('Content-Type', 'text/plain').end(request.url))
  const taped = await taping(t, { http: origin.target })
  for (const path of ['/a', '/b']) await (await fetch(`http://127.0.0.1:${taped.port}${path}`)).text()
  await taped.relay.stop()
  const { path } = await sendTo(t, taped.path, 0, { to: `http://127.0.0.1:${origin.port}`, where: "path = '/a'" })
  const database = new Sqlite(path)
  database.exec(`INSERT OR REPLACE INTO recording VALUES ('repeats-where', 'no SQL at all')`)
  database.exec(`INSERT INTO event (time, kind, source, text, parameters) VALUES (0, 'not-sent', 'send', '', 'no JSON'), (0, 'not-chosen', 'send', '', '{"a":1}'), (0, 'not-chosen', 'send', '', NULL)`)
  database.close()
  const later = await compareRecordings(taped.path, path)
  t.deepEqual([later.same, later.onlyA, later.onlyB, later.notSent], [1, 0, 0, 0])
})

test('a target that resets each connection at once: every request failed, however far it came', async (t) => {
  const origin = await httpOrigin(t, (request, response) => response.setHeader('Content-Type', 'text/plain').end(request.url))
  const taped = await taping(t, { http: origin.target })
  for (let n = 0; n < 20; n++) await (await fetch(`http://127.0.0.1:${taped.port}/${n}`)).text()
  await taped.relay.stop()
  const { port } = await serve(t, (socket) => socket.resetAndDestroy())
  const { comparison } = await sendTo(t, taped.path, 0, { to: `http://127.0.0.1:${port}` })
  t.is(comparison.failed, 20, comparison.differences.map(told).join('\n'))
  t.is(comparison.onlyA, 0)
  t.true(comparison.differences.every(({ field, now }) => field === 'answer' && /reset|ECONNRESET/.test(now!)), comparison.differences.map(told).join('\n'))
})

test('what a recording lacks is told by send as by diff; unknown options and files that exist are refused', async (t) => {
  const origin = await httpOrigin(t, (request, response) => response.setHeader('Content-Type', 'text/plain').end(request.url))
  const taped = await taping(t, { http: origin.target, record: { facts: { imported: 'a capture' } } })
  await (await fetch(`http://127.0.0.1:${taped.port}/a`)).text()
  await taped.relay.stop()
  const { path, comparison } = await sendTo(t, taped.path, 0, { to: `http://127.0.0.1:${origin.port}` })
  t.deepEqual(comparison.notes, [`${taped.path} was imported from a capture: it has what was captured there`])
  t.deepEqual((await compareRecordings(taped.path, path)).notes, comparison.notes)
  const to = `http://127.0.0.1:${origin.port}`
  t.is((await t.throwsAsync(sendRecording(taped.path, { to, record: path }))).message, `${path} exists: choose another name, or --overwrite it`)
  t.regex((await t.throwsAsync(sendRecording(taped.path, { to, speeed: 1 } as SendOptions))).message, /^send: there is no option speeed \(did you mean speed\?\); there are to, /)
})

test('an option that the protocol has no use for is refused in one line', async (t) => {
  const tcp = await taping(t, { tcp: `0=127.0.0.1:${await lineServer(t, (line) => line)}` })
  await (await connectTo(t, tcp.port)).write('one\n').finish().rest()
  await tcp.relay.stop()
  const udp = await datagramVisit(t)
  const ftp = await ftpVisit(t, await scriptedFtp(t))
  for (const [protocol, file, options, message] of [
    ['tcp', tcp.path, { host: 'recorded' }, '--host recorded: only HTTP requests have a Host header; tcp is sent as recorded'],
    ['udp', udp, { host: 'target' }, '--host target: only HTTP requests have a Host header; udp is sent as recorded'],
    ['ftp', ftp, { host: 'target' }, '--host target: only HTTP requests have a Host header; ftp is sent as recorded'],
    ['tcp', tcp.path, { connections: 2 }, '--connections 2: only HTTP requests can be dealt out; tcp is sent as recorded'],
    ['udp', udp, { password: 'x' }, '--password: only FTP has PASS; udp is sent as recorded'],
    ['ftp', ftp, { insecure: true }, '--insecure: only an https:// target has a certificate; ftp is sent as recorded'],
  ] as [string, string, Partial<SendOptions>, string][]) {
    const error = await t.throwsAsync(sendRecording(file, { to: '127.0.0.1:1', record: join(temporaryFolder(t), 'now.sqlite'), ...options }), undefined, protocol)
    t.is(error?.message, message)
    t.is((error as { code?: string }).code, 'usage')
  }
})

for (const [after, silentAt, sent, left] of [['the login', 'USER', ['USER'], 5], ['the greeting', '', [], 6], ['a command', 'NOOP', ['USER', 'PASS', 'NOOP'], 3]] as const) {
  test(`FTP: a server that falls silent after ${after} is left, and nothing more is sent to it`, async (t) => {
    const file = await ftpVisit(t, await scriptedFtp(t))
    const heard: string[] = []
    const { port } = await serve(t, (socket) => {
      if (silentAt !== '') socket.write('220 ready\r\n')
      socket.on('data', (bytes) => {
        for (const line of bytes.toString().split('\r\n').slice(0, -1)) {
          heard.push(line.slice(0, 4))
          // Late, its reply would be one to the next command.
          const reply = line.startsWith('USER') ? '331 password' : line.startsWith('PASS') ? '230 in' : '200 yes'
          if (heard.includes(silentAt)) setTimeout(() => socket.write(`${reply}\r\n`), 4_000)
          else socket.write(`${reply}\r\n`)
        }
      })
    })
    const { comparison, notes, equal } = await sendTo(t, file, port, { patience: 1_500 })
    t.false(equal)
    t.deepEqual(heard, [...sent])
    t.is(comparison.failed, 1)
    const differences = comparison.differences.map(told)
    t.true(differences.some((one) => /^answer: complete → silent for \S+ s, left$/.test(one)), differences.join('\n'))
    t.is(differences.at(-1), `after that: ${left} commands → not comparable`)
    t.regex(notes.join(), new RegExp(`^session \\d+: silent for \\S+ s, left: ${left} commands after it weren't sent, and aren't compared$`))
  })
}

test('FTP: a login that fails is told once, and what comes after it is counted', async (t) => {
  const file = await ftpVisit(t, await scriptedFtp(t))
  const heard: string[] = []
  const port = await scriptedFtp(t, (line, { reply }) => {
    heard.push(line)
    if (line.startsWith('PASS')) reply('530 no')
    return line.startsWith('PASS')
  })
  const { comparison, notes } = await sendTo(t, file, port)
  t.deepEqual(comparison.differences.map((one) => `${one.asked} ${told(one)}`), ['PASS reply: 230 in → 530 no', 'session of anonymous after the login: 4 commands → not comparable'])
  t.deepEqual(notes.map((note) => note.replace(/^session \d+/, 'session')), ["session: the login failed: 4 commands after it weren't sent, and aren't compared"])
  t.is(comparison.different + comparison.failed, 1)
  t.deepEqual(heard.map((line) => line.split(' ')[0]), ['USER', 'PASS'])
})
