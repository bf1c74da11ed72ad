import { randomBytes } from 'node:crypto'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { definePlugin, redecodeRecording, reply, respond } from 'wiretape'
import type { Recording } from 'wiretape'
import { wiretape } from '../cli/wiretape.js'
import { controlPair } from '../ftp/control-pair.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { dnsServer, question } from '../real/dns-server.js'
import { freePort } from '../real/free-port.js'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { ftpServers } from '../real/ftp/servers.js'
import { http, httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { run, script } from '../real/program.js'
import { opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { Ingesting } from '../recording/ingesting.js'
import { differences } from './differences.js'
import { capture, Frames, importing } from './importing.js'

const ftpServer = ftpServers.find(({ available }) => available)
const where = ftpServer !== undefined && ftplibClient.available ? test : test.skip

const kinds = ['exchanges', 'ftpSessions', 'ftpCommands', 'ftpReplies', 'ftpTransfers', 'datagrams', 'dnsQueries', 'connections', 'events', 'segments', 'records'] as const

const ids: ReadonlySet<string> = new Set(['id', 'messageId', 'connectionId', 'firstSegment', 'lastSegment'])

/** Decodes a recording again. @returns what isn't the same then. */
function changed(t: ExecutionContext, path: string, without?: ReadonlySet<string>): string[] {
  const output = join(temporaryFolder(t), 'again.sqlite')
  t.is(redecodeRecording(path, { output }).path, output)
  const [before, after] = [opening(t, path), opening(t, output)]
  return [...differences('relays', before.relays(), after.relays()), ...kinds.flatMap((kind) => differences(kind, before[kind](), after[kind](), without))]
}

where('a recording that is decoded again has the same records', async (t) => {
  const origin = await httpOrigin(t)
  const names = await dnsServer(t)
  const files = await ftpServer!.start(t)
  writeFileSync(join(files.folder, 'down.bin'), randomBytes(200_000))
  const tape = await taping(t, { http: origin.target, udp: `0=127.0.0.1:${names.port}`, ftp: `0=127.0.0.1:${files.port}`, decode: 'dns' })
  const port = (protocol: string): number => tape.relay.listeners.find((listener) => listener.protocol === protocol)!.port
  for (const size of [0, 10, 300_000]) await (await fetch(`http://127.0.0.1:${port('http')}/${size}`, { method: 'POST', body: Buffer.alloc(size, 'x') })).text()
  const resolver = await datagramPeer(t)
  await resolver.send(question(1, 'www.example'), port('udp'))
  await resolver.take()
  for (const form of ['PASV', 'PORT'] as const) {
    await ftplibClient.download(t, { host: '127.0.0.1', port: port('ftp'), user: files.user, password: files.password, form }, 'down.bin')
  }
  ;(await tape.recorded()).close()
  t.deepEqual(changed(t, tape.path), [])
  t.throws(() => redecodeRecording(tape.path, { output: tape.path, overwrite: true }), { code: 'usage', message: /is the recording itself/ })
})

test('HTTP that plugins changed, answered and sent on by another method', async (t) => {
  const origin = await httpOrigin(t)
  const change = http('change', {
    request(request) {
      if (request.path.startsWith('/respond')) return respond({ status: 503, body: 'injected' })
      if (request.path.startsWith('/method')) request.method = 'PUT'
      request.headers.set('x-added', 'yes')
      return undefined
    },
    requestBody(body) { body.text = `${body.text}!` },
    responseBody(body) { body.text = `${body.text}?` },
  })
  const tape = await taping(t, { http: origin.target, plugins: [change] })
  for (const [path, size] of [['/a', 0], ['/respond', 3], ['/method', 10], ['/large', 90_000], ['/b', 2]] as const) {
    await (await fetch(`http://127.0.0.1:${tape.port}${path}`, { method: 'POST', body: 'x'.repeat(size) })).text()
  }
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ changed: one }) => one), [true, true, true, true, true])
  t.deepEqual(changed(t, tape.path), [])
})

where('FTP that plugins changed and answered', async (t) => {
  const server = await ftpServer!.start(t)
  const change = definePlugin({
    name: 'change', description: 'Answers TYPE, and says hi.', options: {},
    setup: () => ({ ftp: {
      command: ({ verb }) => verb === 'TYPE' ? reply(200, 'fine') : undefined,
      reply: (said) => { if (said.code === 230) said.text = 'hi' },
    } }),
  })
  const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}`, plugins: [change] })
  for (const form of ['PASV', 'PORT'] as const) {
    await ftplibClient.upload(t, { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form }, 'up', randomBytes(20_000))
  }
  const recording = await tape.recorded()
  t.true([...recording.ftpCommands()].some(({ verb, changed: one }) => verb === 'TYPE' && one))
  t.deepEqual(changed(t, tape.path), [])
})

for (const plugin of ['ftp-late-error', 'ftp-refuse:verb=RETR', 'ftp-refuse:verb=PASV', 'ftp-cut:after=4', 'ftp-cut:after=4,how=reset']) {
  where(`FTP with a fault: ${plugin}`, async (t) => {
    const server = await ftpServer!.start(t)
    writeFileSync(join(server.folder, 'down.bin'), 'a few bytes')
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}`, plugins: [plugin] })
    await t.throwsAsync(ftplibClient.download(t, { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form: 'PASV' }, 'down.bin').then((bytes) => {
      if (bytes.length < 11) throw new Error('cut')
    }))
    ;(await tape.recorded()).close()
    t.deepEqual(changed(t, tape.path), [])
  })
}

test('FTP: a data port that could not be had, and a server that ended first', async (t) => {
  const only = await freePort()
  await listeningAt(t, only)
  const pair = await controlPair(t, { ftpDataPorts: `${only}-${only}` })
  await pair.asks('PASV')
  pair.server.write('227 (127,0,0,1,200,1)\r\n')
  t.regex(await pair.client.through('\r\n'), /^425 /)
  await pair.asks('NOOP')
  pair.server.finish()
  await pair.client.over()
  ;(await pair.over()).close()
  t.deepEqual(changed(t, pair.tape.path), [])
})

/** Somebody else has that port. */
async function listeningAt(t: ExecutionContext, port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  t.teardown(() => server.close())
}

test('bytes that were not recorded stay so, and connections that are open stay open', (t) => {
  const ingesting = new Ingesting(t)
  const cut = ingesting.opens('http')
  ingesting.says(cut, 'up', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  ingesting.says(cut, 'down', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome')
  ingesting.loses(cut, 'down', 50)
  ingesting.says(cut, 'down', 'more')
  ingesting.loses(cut, 'up', 7)
  ingesting.closes(cut)
  const opaque = ingesting.opens('tcp')
  ingesting.loses(opaque, 'up', 500)
  ingesting.says(opaque, 'up', 'x')
  ingesting.loses(opaque, 'down', 5)
  ingesting.closes(opaque)
  const control = ingesting.control()
  ingesting.says(control, 'up', 'USER a\r\n')
  ingesting.loses(control, 'up', 5)
  ingesting.says(control, 'up', 'PASS b\r\n')
  ingesting.closes(control)
  const open = ingesting.opens('http')
  ingesting.says(open, 'up', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  ingesting.says(open, 'down', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome')
  ingesting.says(ingesting.control(), 'up', 'USER a\r\n')
  ingesting.opens('tcp')
  ingesting.commits()
  t.is([...ingesting.live().connections({ where: 'closed IS NULL' })].length, 3)
  t.deepEqual(changed(t, ingesting.path), [])
  ingesting.recorded().close()
})

test('what was imported: gaps are those of the capture, and https stays https', async (t) => {
  const holed = new Frames(40_000, 8080).opens().up('GET /a HTTP/1.1\r\nHost: a\r\n\r\n').down('HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n').loses('down', 80).down('0123456789').closes()
  const midway = new Frames(40_001, 8080).up('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  const packets = await importing(t, capture([...holed.list, ...midway.list]))
  // Connections are opened in the order of their times then, and ids are given in it.
  t.deepEqual(changed(t, packets.summary.path, ids).filter((line) => !line.startsWith('events')), [])
  const output = join(temporaryFolder(t), 'again.sqlite')
  redecodeRecording(packets.summary.path, { output })
  const told = (recording: Recording) => [...recording.events()].map(({ kind, text, direction, offset }) => `${kind} ${direction} ${offset} ${text}`).toSorted()
  t.deepEqual(told(opening(t, output)), told(packets.recording))
  t.regex(told(packets.recording)[1]!, /^dropped down 39 80 bytes not in the capture/)
  const entry = { startedDateTime: '2026-01-02T03:04:05Z', request: { method: 'GET', url: 'https://a/b', httpVersion: 'h2' }, response: { status: 200, content: { size: 70 } } }
  const har = await importing(t, Buffer.from(JSON.stringify({ log: { entries: [entry, { ...entry, startedDateTime: '2026-01-02T03:04:06Z' }] } })))
  t.deepEqual([...har.recording.exchanges()].map(({ url }) => url), ['https://a/b', 'https://a/b'])
  t.deepEqual(changed(t, har.summary.path), [])
})

test('bytes that are missing of one connection, told after those of another that began later, take nothing from it', async (t) => {
  const first = new Frames(40_000, 9999).opens().up('abc').loses('up', 20).up('xyz')
  // All that it says is missing.
  const second = new Frames(40_001, 9999).opens().loses('up', 5).loses('down', 7)
  for (let n = 0; n < 5; n++) second.down('').up('')
  const { summary, recording } = await importing(t, capture([...first.list, ...second.closes().list]))
  t.is(summary.missingBytes, 32)
  t.deepEqual([...recording.events()].map(({ offset, text }) => [offset, /^\d+/.exec(text)![0]]), [[0, '5'], [0, '7'], [3, '20']])
  // What was told at the capture's end is told at its time then.
  t.deepEqual(changed(t, summary.path, ids).filter((line) => !line.startsWith('events')), [])
  const output = join(temporaryFolder(t), 'again.sqlite')
  redecodeRecording(summary.path, { output })
  const told = (one: Recording) => [...one.events()].map(({ time, text, direction, offset }) => `${time} ${direction} ${offset} ${text}`).toSorted()
  t.deepEqual(told(opening(t, output)), told(recording))
})

test('the command: the new file beside the old one, or where -o says; what can\'t be is one line', async (t) => {
  const { summary } = await importing(t, capture(new Frames(40_000, 8080).opens().up('GET /a HTTP/1.1\r\nHost: a\r\n\r\n').closes().list))
  const beside = summary.path.replace('.sqlite', '-redecoded.sqlite')
  t.like(await wiretape(t, 'redecode', summary.path), { code: 0, stderr: '', stdout: Buffer.from(`${beside}: 1 record\n`) })
  t.is(statSync(beside).mode & 0o777, 0o600)
  for (const [args, message] of [
    [[summary.path], /exists: choose another name, or --overwrite it$/m], [[summary.path, '-o', summary.path, '--overwrite'], /is the recording itself/], [[`${summary.path}.none`], /there is no/],
    [[join(summary.path, '../capture-0')], /is not a wiretape recording/],
  ] as const) {
    const { code, stderr } = await wiretape(t, 'redecode', ...args)
    t.deepEqual([code, message.test(stderr), stderr.split('\n').length], [2, true, 2], stderr)
  }
  t.is((await wiretape(t, 'redecode', summary.path, '--overwrite')).code, 0)
})

const withBash = installed('bash') ? test : test.skip

withBash('the command on a disk that is full: one line, and nothing is left', async (t) => {
  const { summary } = await importing(t, capture(new Frames(40_000, 8080).opens().up('GET /a HTTP/1.1\r\nHost: a\r\n\r\n').closes().list))
  const folder = temporaryFolder(t)
  // In blocks of 1 KiB, and the signal for it would kill.
  const { stdout, stderr } = await run(t, 'bash', ['-c', `trap '' XFSZ; ulimit -f 50; "$0" "$1" redecode "$2" -o "$3"; echo $?`, process.execPath, script(import.meta.url, '../../src/cli/main.js'), summary.path, join(folder, 'new.sqlite')])
  t.is(stdout.toString(), '1\n')
  t.regex(stderr, /^wiretape: cannot write .*new\.sqlite: [^\n]*\n$/)
  t.deepEqual(readdirSync(folder), [])
})
