import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openRecording } from 'wiretape'
import type { Recording } from 'wiretape'
import { basicFtpClient } from '../real/ftp/basic-ftp.js'
import { curlClient } from '../real/ftp/curl.js'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { lftp, lftpClient } from '../real/ftp/lftp.js'
import { ftpSrv } from '../real/ftp/ftp-srv.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import type { FtpClient, Place } from '../real/ftp/client.js'
import type { FtpServer } from '../real/ftp/server.js'
import { connectTo, peerServer } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { wiretape } from './wiretape.js'

interface Session {
  readonly server: FtpServer
  readonly place: Place
  /** Ends the recording, and gives its path. */
  done(): Promise<string>
}

async function relayed(t: ExecutionContext, kind = ftpSrv, form: Place['form'] = 'PASV'): Promise<Session> {
  const server = await kind.start(t)
  const taped = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  return {
    server, place: { host: '127.0.0.1', port: taped.port, user: server.user, password: server.password, form },
    done: async () => {
      await taped.relay.stop()
      return taped.path
    },
  }
}

async function out(t: ExecutionContext, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await wiretape(t, ...words)
  t.is(code, 0, stderr)
  t.is(stderr, '')
  return stdout.toString()
}

function reading<T>(file: string, read: (recording: Recording) => T): T {
  using recording = openRecording(file)
  return read(recording)
}

const content = Buffer.from('first line\nsecond line\n')

for (const [client, form, server] of [
  [curlClient, 'EPSV', pyftpdlib], [curlClient, 'PORT', pyftpdlib], [ftplibClient, 'PASV', pyftpdlib], [lftpClient, 'PASV', pyftpdlib], [basicFtpClient, 'EPSV', ftpSrv],
] as readonly [FtpClient, Place['form'], typeof ftpSrv][]) {
  const run = client.available && server.available ? test : test.skip
  run(`a download is drawn from its command to its reply, beside its data connection: ${client.name} by ${form}`, async (t) => {
    const { server: { folder }, place, done } = await relayed(t, server, form)
    writeFileSync(join(folder, 'a.txt'), content)
    t.deepEqual(await client.download(t, place, 'a.txt'), content)
    const file = await done()
    const text = await out(t, 'ftp', file)
    t.regex(text, /→ USER tester[^]*← 331/)
    // A connection whose first byte comes with it is one step, and a server may connect before its reply to PORT is heard.
    const steps = form === 'PORT' ? `(?:prepared by PORT[^]*)?(?:server connects, by PORT|┌ ↓)` : `prepared by ${form}[^]*(?:client connects, by ${form}|┌ ↓)`
    t.regex(text, new RegExp(`→ ${form}[^]*${steps}`))
    t.regex(text, /→ RETR (\/)?a\.txt[^]*← 226/)
    t.regex(text, /[└┆] .*23 B/)
    t.regex(text, /session over: /)
    t.false(text.includes('never used'))
    t.true(text.split('\n').every((line) => line.length <= 80), text)
    // oxlint-disable-next-line no-control-regex
    t.notRegex(text, /\u001b/)
  })
}

test('show: a command with its replies, a transfer with its content, a session; and the exact bytes of each', async (t) => {
  const { server: { folder }, place, done } = await relayed(t)
  writeFileSync(join(folder, 'a.txt'), content)
  await basicFtpClient.download(t, place, 'a.txt')
  const file = await done()
  const [command, transfer, session] = reading(file, (recording) => [
    [...recording.ftpCommands({ where: 'verb = \'RETR\'' })][0]!, [...recording.ftpTransfers()][0]!, [...recording.ftpSessions()][0]!,
  ] as const)
  t.regex(await out(t, 'show', file, `${command.id}`), /→ RETR a\.txt\n← 150 .*after .*\n← 226 .*after /)
  const shown = await out(t, 'show', file, `${transfer.id}`)
  t.regex(shown, new RegExp(`transfer ${transfer.id} [^]*completed\nRETR ↓ /a\\.txt → 226`))
  t.true(shown.includes(transfer.sha256!))
  t.true(shown.endsWith('\nfirst line\nsecond line\n'))
  t.regex(await out(t, 'show', file, `${session.id}`), /session \d+ · tester[^]*greeting +220/)
  for (const words of [['--body', 'response'], ['--body', 'request'], ['--raw']]) {
    t.deepEqual((await wiretape(t, 'show', file, `${transfer.id}`, ...words)).stdout, content)
  }
  t.regex(await out(t, 'show', file, `${command.id}`, '--raw'), /^RETR a\.txt\r\n150[^]*\r\n226[^]*\r\n$/)
  t.is(await out(t, 'show', file, `${command.id}`, '--raw', '--body', 'request'), 'RETR a.txt\r\n')
  t.regex(await out(t, 'show', file, `${session.id}`, '--raw', '--body', 'request'), /^(?:OPTS [^]*)?USER tester\r\nPASS \*{6}\r\n/)
  const json = JSON.parse(await out(t, 'show', file, `${command.id}`, '--json')) as { replies: { code: number }[] }
  t.deepEqual(json.replies.map(({ code }) => code), [150, 226])
  const bodyless = await wiretape(t, 'show', file, `${command.id}`, '--body', 'response')
  t.is(bodyless.code, 2)
  t.regex(bodyless.stderr, /^wiretape: --body: record \d+ is a command, [^\n]+\n$/)
})

test('show: a listing is a table, binary a hex dump', async (t) => {
  const { server: { folder }, place, done } = await relayed(t)
  writeFileSync(join(folder, 'wörld.bin'), Buffer.from([0, 1, 2, 255]))
  mkdirSync(join(folder, 'sub'))
  t.deepEqual((await basicFtpClient.list(t, place)).toSorted(), ['sub', 'wörld.bin'])
  await basicFtpClient.download(t, place, 'wörld.bin')
  const file = await done()
  const [listing, binary] = reading(file, (recording) => [...recording.ftpTransfers()])
  const table = await out(t, 'show', file, `${listing!.id}`)
  t.regex(table, /\ntype +size +modified +name\n/)
  t.regex(table, /\nfile +4 .* wörld\.bin\n/)
  t.regex(table, /\ndirectory .* sub\n/)
  t.regex(await out(t, 'show', file, `${binary!.id}`), /00000000 {2}00 01 02 ff/)
})

test('--json has one object a session, with all that belongs to it', async (t) => {
  const { server: { folder }, place, done } = await relayed(t)
  writeFileSync(join(folder, 'a.txt'), content)
  await basicFtpClient.download(t, place, 'a.txt')
  await basicFtpClient.upload(t, place, 'b.txt', content)
  const file = await done()
  const sessions = (await out(t, 'ftp', file, '--json')).trim().split('\n').map((line) => JSON.parse(line) as {
    id: number, user: string, replies: { code: number }[], commands: { verb: string, replies: { code: number }[] }[], transfers: { bytes: number, direction: string }[], dataConnections: object[]
  })
  t.deepEqual(sessions.map(({ user }) => user), ['tester', 'tester'])
  t.deepEqual(sessions.map(({ transfers }) => transfers.map(({ bytes, direction }) => [bytes, direction])), [[[23, 'down']], [[23, 'up']]])
  t.deepEqual(sessions.map(({ dataConnections }) => dataConnections.length), [1, 1])
  t.deepEqual(sessions[0]!.replies.map(({ code }) => code), [220])
  t.deepEqual(sessions[1]!.commands.find(({ verb }) => verb === 'STOR')?.replies.map(({ code }) => code), [150, 226])
})

test('SESSION may be any id of the session; several sessions are drawn with a heading each, many are a list', async (t) => {
  const { server: { folder }, place, done } = await relayed(t)
  writeFileSync(join(folder, 'a.txt'), content)
  for (let n = 0; n < 2; n++) await basicFtpClient.download(t, place, 'a.txt')
  const file = await done()
  const [first, second] = reading(file, (recording) => [...recording.ftpSessions()])
  const both = await out(t, 'ftp', file)
  t.regex(both, new RegExp(`^session +time[^]*\nsession ${first!.id} · [^]*\nsession ${second!.id} · `))
  const one = await out(t, 'ftp', file, `${second!.id}`)
  t.true(one.startsWith(`session ${second!.id} · tester`))
  t.false(one.includes(`session ${first!.id} · `))
  const [, transfer] = reading(file, (recording) => [...recording.ftpTransfers()])
  for (const id of [transfer!.id, second!.connectionId]) t.is(await out(t, 'ftp', file, `${id}`), one)
})

test('many sessions are a list on one time axis, and a number finds one', async (t) => {
  const { place, done } = await relayed(t)
  for (let n = 0; n < 6; n++) {
    const socket = createConnection(place.port, place.host)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.end('QUIT\r\n').resume()
    await new Promise((resolve) => socket.once('close', resolve))
  }
  const text = await out(t, 'ftp', await done())
  t.is(text.match(/━/g) === null, false)
  t.is(text.trim().split('\n').length, 8)
  t.regex(text, /one of them: wiretape ftp .* \d+\n$/)
})

const mirroring = lftpClient.available && pyftpdlib.available ? test : test.skip
mirroring('lftp mirrors 60 files over one connection: the picture is short, --full has each', async (t) => {
  const { server: { folder }, place, done } = await relayed(t, pyftpdlib)
  for (let n = 0; n < 60; n++) writeFileSync(join(folder, `file-${n}`), content)
  await lftp(t, place, `mirror . ${temporaryFolder(t)}/copy`)
  const file = await done()
  t.regex(await out(t, 'ftp', file), /· \d+ transfers, \d+ commands, all well/)
  t.is((await out(t, 'ftp', file, '--full')).match(/→ RETR/g)?.length, 60)
})

test('--svg writes a picture for its owner alone, and overwrites only when told to', async (t) => {
  const { server: { folder }, place, done } = await relayed(t)
  writeFileSync(join(folder, 'a.txt'), content)
  await basicFtpClient.download(t, place, 'a.txt')
  const file = await done()
  const svg = join(temporaryFolder(t), 'report.svg')
  t.is(await out(t, 'ftp', file, '--svg', svg), `1 session drawn in ${svg}\n`)
  t.regex(readFileSync(svg, 'utf8'), /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*RETR a\.txt[^]*<\/svg>\n$/)
  t.is(statSync(svg).mode & 0o777, 0o600)
  writeFileSync(svg, 'mine')
  const again = await wiretape(t, 'ftp', file, '--svg', svg)
  t.is(again.code, 2)
  t.is(again.stderr, `wiretape: ${svg} exists: choose another name, or --overwrite it\n`)
  t.is(readFileSync(svg, 'utf8'), 'mine')
  await out(t, 'ftp', file, '--svg', svg, '--overwrite')
  t.true(readFileSync(svg, 'utf8').startsWith('<svg'))
})

test('control characters from the wire never reach the output raw', async (t) => {
  const { place, done } = await relayed(t)
  const client = await connectTo(t, place.port)
  await client.through('\r\n')
  client.write('USER \x1b]0;owned\x07\x9b31m\r\nSITE \x1b[2J\u202e\r\n\x1b[31m\rX\r\nQUIT\r\n')
  await client.rest()
  const file = await done()
  const ids = reading(file, (recording) => [...recording.records()].map(({ id }) => `${id}`))
  const svg = join(temporaryFolder(t), 'x.svg')
  for (const words of [['ftp', file], ['ftp', file, '--json'], ['ftp', file, '--svg', svg], ...ids.map((id) => ['show', file, id])]) {
    // oxlint-disable-next-line no-control-regex
    t.notRegex(await out(t, ...words), /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
  }
  // oxlint-disable-next-line no-control-regex
  t.notRegex(readFileSync(svg, 'utf8'), /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
})

test('the demo shows FTP', async (t) => {
  const text = await out(t, 'demo', '-o', join(temporaryFolder(t), 'demo.sqlite'))
  t.regex(text, /RETR catalogue\.csv → 226/)
  t.regex(text, /→ STOR too-large\.bin[^]*← 552[^]*session over: quit/)
})

for (const [words, pattern, exit] of [
  [['FILE', '99999'], /there is no FTP session 99999 in .*; there are 2\n/, 2], [['FILE', 'first'], /SESSION first: expected/, 2],
  [['FILE', '2', '3'], /at most two/, 2], [['FILE', '--json', '--svg', 'x'], /exclude each other/, 2],
  [['FILE', '--svg', '/nowhere/x.svg'], /cannot write \/nowhere/, 1], [['nofile.sqlite'], /there is no nofile\.sqlite/, 2],
] as const) {
  test(`what can't be drawn is one line and exit ${exit}: ftp ${words.join(' ')}`, async (t) => {
    const server = await peerServer(t)
    const taped = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
    const client = await connectTo(t, taped.port)
    const peer = await server.next()
    peer.write('421 not now\r\n').finish()
    await client.rest()
    client.finish()
    await taped.relay.stop()
    const { code, stdout, stderr } = await wiretape(t, 'ftp', ...words.map((word) => word === 'FILE' ? taped.path : word))
    t.is(code, exit)
    t.is(stdout.toString(), '')
    t.regex(stderr, pattern)
    t.regex(stderr, /^wiretape: [^\n]+\n$/)
  })
}

test('a recording without FTP has nothing to draw', async (t) => {
  const taped = await taping(t, { tcp: '0=127.0.0.1:9' })
  await taped.relay.stop()
  const { code, stderr } = await wiretape(t, 'ftp', taped.path)
  t.is(code, 2)
  t.regex(stderr, /^wiretape: there is no FTP session in [^\n]+\n$/)
  t.is(await out(t, 'ftp', taped.path, '--json'), '')
})
