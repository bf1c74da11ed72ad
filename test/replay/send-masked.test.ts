import { request } from 'node:http'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import { compareRecordings, definePlugin, openRecording, redecodeRecording, sendRecording } from 'wiretape'
import type { SendOptions, SendResult } from 'wiretape'
import { http, httpOrigin } from '../real/http-origin.js'
import { ftpClients } from '../real/ftp/clients.js'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { connectTo } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { lineServer } from './line-server.js'

function sending(t: ExecutionContext, file: string, to: string, options: Partial<SendOptions> = {}): Promise<SendResult> {
  return sendRecording(file, { to, record: join(temporaryFolder(t), 'now.sqlite'), onProblem: (message) => t.log(message), ...options })
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** One after another, on a connection each time, or on one that is kept. */
async function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers }, (response) => response.resume().on('end', resolve)).on('error', reject).end(body)
  })
}

/** `METHOD target headers body`, as the server got it. */
async function listener(t: ExecutionContext): Promise<{ readonly url: string, readonly target: string, readonly got: string[] }> {
  const got: string[] = []
  const { port, target } = await httpOrigin(t, (incoming, response) => {
    const pieces: Buffer[] = []
    incoming.on('data', (piece: Buffer) => pieces.push(piece))
    incoming.on('end', () => {
      got.push(`${incoming.method} ${incoming.url} ${incoming.headers.authorization ?? ''}${incoming.headers['x-note'] as string | undefined ?? ''} ${Buffer.concat(pieces).toString()}`)
      response.end('ok')
    })
  })
  return { url: `http://127.0.0.1:${port}`, target, got }
}

const card = '4111111111111111'

async function recorded(t: ExecutionContext, target: string): Promise<string> {
  const taped = await taping(t, { http: target, plugins: ['redact:patterns=[0-9]{16}'] })
  const { port } = taped
  await ask(port, '/query?a=b&token=hunter2&c=d')
  await ask(port, '/short?token=h')
  await ask(port, `/path/${card}/x`)
  await ask(port, '/note', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: `pay by ${card}, please` })
  await ask(port, '/form', { method: 'POST', body: 'user=me&secret=ab' })
  await ask(port, '/json', { method: 'POST', body: '{"user":"me","password": "x"}' })
  await ask(port, '/part', { headers: { 'x-note': `card ${card} it is` } })
  await ask(port, '/whole', { headers: { authorization: 'Basic abcdef' } })
  await ask(port, '/stars?rating=*****&token=')
  await ask(port, '/typed', { method: 'POST', body: '{"hint":"****"} stars=***' })
  await taped.relay.stop()
  return taped.path
}

const notSent = [
  'GET /query?a=b&token=*******&c=d: its target has a masked value (token)', 'GET /short?token=*: its target has a masked value (token)', 'GET /path/****************/x: its target has a masked value',
  'POST /note: its body has a masked value', 'POST /form: its body has a masked value (secret)', 'POST /json: its body has a masked value (password)', 'GET /part: a part of its x-note header is masked',
]

test('what was masked anywhere in a request keeps it from being sent; asterisks of its own do not', async (t) => {
  const origin = await listener(t)
  const file = await recorded(t, origin.target)
  origin.got.length = 0
  const { skipped, notes, sent, comparison, path } = await sending(t, file, origin.url)
  t.deepEqual(skipped.map(({ asked, reason }) => `${asked}: ${reason}`), notSent)
  t.deepEqual(origin.got, ['GET /whole ************ ', 'GET /stars?rating=*****&token=  ', 'POST /typed  {"hint":"****"} stars=***'])
  t.is(sent, 3)
  t.is(comparison.differenceCount, 0)
  const later = await compareRecordings(file, path)
  t.deepEqual([later.notSent, later.onlyA, later.differenceCount], [notSent.length, 0, 0])
  t.true(notes.includes('1 request has a masked authorization header, and is sent with it: a plugin can put the true value in'))
})

test('so it is in a recording that was decoded again', async (t) => {
  const origin = await listener(t)
  const file = await recorded(t, origin.target)
  const again = join(temporaryFolder(t), 'again.sqlite')
  redecodeRecording(file, { output: again })
  const { skipped } = await sending(t, again, origin.url)
  t.deepEqual(skipped.map(({ asked, reason }) => `${asked}: ${reason}`), notSent)
})

test('with plugins that put the true values in, such requests are sent', async (t) => {
  const origin = await listener(t)
  const file = await recorded(t, origin.target)
  const before = origin.got.splice(0)
  const { skippedCount } = await sending(t, file, origin.url, { masked: 'send', plugins: [http('truth', {
    request(request) {
      request.target = request.target.replace('token=*******', 'token=hunter2').replace(/token=\*$/, 'token=h').replace(/\*{16}/, card)
      if (request.headers.has('authorization')) request.headers.set('authorization', 'Basic abcdef')
      if (request.headers.has('x-note')) request.headers.set('x-note', `card ${card} it is`)
    },
    requestBody(body) {
      body.text = body.text.replace(/\*{16}/, card).replace('secret=**', 'secret=ab').replace('"password": "*"', '"password": "x"')
    },
  })] })
  t.is(skippedCount, 0)
  t.deepEqual(origin.got, before)
})

test('what a plugin changed is sent as the server got it, and not where that was masked', async (t) => {
  const origin = await listener(t)
  const taped = await taping(t, { http: origin.target, plugins: ['redact', http('signs', {
    request(request) {
      if (request.path === '/signed') request.target = '/signed?token=hunter2'
      if (request.path === '/cleaned') request.target = '/cleaned'
    },
  })] })
  await ask(taped.port, '/signed')
  await ask(taped.port, '/cleaned?token=hunter2')
  await taped.relay.stop()
  origin.got.length = 0
  const { skipped } = await sending(t, taped.path, origin.url)
  t.deepEqual(skipped.map(({ reason }) => reason), ['its target has a masked value (token)'])
  t.deepEqual(origin.got, ['GET /cleaned  '])
})

test('answers that had secrets: that they are not masked by now is said, and with the plugin they are', async (t) => {
  const { port, target } = await httpOrigin(t, (_, response) => response.setHeader('content-type', 'application/json').end('{"token":"hunter2"}'))
  const taped = await taping(t, { http: target, plugins: ['redact'] })
  await ask(taped.port, '/')
  await taped.relay.stop()
  const plain = await sending(t, taped.path, `http://127.0.0.1:${port}`)
  t.deepEqual(plain.comparison.differences.map(({ field, was, now }) => `${field}: ${was} → ${now}`), ['body $.token: "*******" → "hunter2"'])
  t.is(plain.notes.length, 1)
  t.regex(plain.notes[0]!, /^answers in .* have secrets masked by redact: .* has as it came: --plugin redact masks it too$/)
  const masked = await sending(t, taped.path, `http://127.0.0.1:${port}`, { plugins: ['redact'] })
  t.deepEqual(masked.notes, [])
  t.true(masked.equal)
})

test('recordings of earlier versions do not tell: what looks masked is taken for it', async (t) => {
  const origin = await listener(t)
  const file = await recorded(t, origin.target)
  const database = new Sqlite(file)
  database.exec(`DELETE FROM event WHERE kind = 'masked'; DELETE FROM recording WHERE key = 'masks'`)
  database.close()
  const { skipped } = await sending(t, file, origin.url)
  t.deepEqual(skipped.map(({ asked }) => asked), ['GET /query?a=b&token=*******&c=d', 'GET /short?token=*', 'GET /part', 'GET /stars?rating=*****&token=', 'POST /typed'])
})

test('TCP: a connection on which something was masked is not sent; another with asterisks is', async (t) => {
  const heard: string[] = []
  const server = await lineServer(t, (line) => {
    heard.push(line)
    return `${line.length}\n`
  })
  const taped = await taping(t, { tcp: `0=127.0.0.1:${server}`, plugins: ['redact'] })
  for (const line of ['{"password":"hunter2"}', 'a *** b']) {
    const client = await connectTo(t, taped.port)
    await client.write(`${line}\n`).finish().rest()
  }
  await taped.relay.stop()
  heard.length = 0
  const { skipped, comparison } = await sending(t, taped.path, `127.0.0.1:${server}`)
  t.deepEqual(skipped.map(({ reason }) => reason), ['what its client said has a masked value (at offset 13)'])
  t.deepEqual(heard, ['a *** b'])
  t.is(comparison.differenceCount, 0)
})

test('TCP: a recording of an earlier version that masked something does not tell where, and that is said', async (t) => {
  const server = await lineServer(t, (line) => `${line.length}\n`)
  const taped = await taping(t, { tcp: `0=127.0.0.1:${server}`, plugins: ['redact'] })
  const client = await connectTo(t, taped.port)
  await client.write('a\n').finish().rest()
  await taped.relay.stop()
  const database = new Sqlite(taped.path)
  database.exec(`DELETE FROM recording WHERE key = 'masks'`)
  database.close()
  const { notes } = await sending(t, taped.path, `127.0.0.1:${server}`)
  t.is(notes[0], `${taped.path} has secrets masked by redact, and is of an earlier version that did not tell where: what was masked is sent with asterisks`)
})

test('UDP: a session in which something was masked is not sent', async (t) => {
  const echo = await datagramEcho(t)
  const taped = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: ['redact'] })
  for (const last of ['{"password":"hunter2"}', 'a *** b']) {
    const client = await datagramPeer(t)
    for (const text of ['Cookie: ', last]) {
      await client.send(text, taped.port)
      await client.text()
    }
  }
  await taped.relay.stop()
  const { skipped, comparison } = await sending(t, taped.path, `127.0.0.1:${echo.port}`)
  t.deepEqual(skipped.map(({ reason }) => reason), ['what its client said has a masked value (at offset 21)'])
  t.is(comparison.same, 1)
})

const curl = ftpClients[0]!
const withPyftpdlib = pyftpdlib.available && curl.available ? test.serial : test.serial.skip

withPyftpdlib('FTP: a session in which a plugin masked a command or an upload is not sent; a password is asked for', async (t) => {
  const server = await pyftpdlib.start(t)
  writeFileSync(join(server.folder, `${card}.txt`), 'x')
  const taped = await taping(t, { ftp: `0=127.0.0.1:${server.port}`, plugins: ['redact:patterns=[0-9]{16}'] })
  const place = { host: '127.0.0.1', port: taped.port, user: server.user, password: server.password, form: 'EPSV' as const }
  await curl.download(t, place, `${card}.txt`)
  await curl.upload(t, place, 'up.txt', Buffer.from(`card: ${card}\n`))
  await curl.list(t, place)
  await taped.relay.stop()
  const { skipped, sent } = await sending(t, taped.path, `127.0.0.1:${server.port}`, { password: server.password })
  t.deepEqual(skipped.map(({ reason }) => reason.replace(': /', ': ')), ['a command of it has a masked value (SIZE)', 'an upload has a masked value: up.txt'])
  t.is(sent, 1)
})

test('each masked place is told with where it is', async (t) => {
  const origin = await listener(t)
  const file = await recorded(t, origin.target)
  using recording = openRecording(file)
  let masked = 0
  for (const { connectionId, direction, offset, bytes, source } of recording.events({ where: `kind = 'masked'` })) {
    const stream = Buffer.concat([...recording.streamPieces(connectionId!, direction!)].map((piece) => piece.bytes))
    t.regex(stream.subarray(offset!, offset! + bytes!).toString(), /^\*+$/)
    t.is(source, 'recorder')
    masked++
  }
  t.is(masked, 8)
  t.is(recording.facts()['masks'], 'told')
})

test('a mask of one\'s own need not write asterisks', async (t) => {
  const origin = await listener(t)
  const taped = await taping(t, { http: origin.target, plugins: [definePlugin({ name: 'cross', description: '', setup: () => ({
    recording: () => ({ take: (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('hunter2', 'xxxxxxx'), 'latin1'), end: () => Buffer.alloc(0) }),
  }) })] })
  await ask(taped.port, '/a?key=hunter2')
  await ask(taped.port, '/b')
  await taped.relay.stop()
  const { skipped } = await sending(t, taped.path, origin.url)
  t.deepEqual(skipped.map(({ asked, reason }) => `${asked}: ${reason}`), ['GET /a?key=xxxxxxx: its target has a masked value (key)'])
})

test('what a recording tells of requests that were not sent has their ids and the reason, and nothing of what they asked', async (t) => {
  const origin = await listener(t)
  const taped = await taping(t, { http: origin.target })
  for (const path of ['/a', '/upgrade?token=TOPSECRET1', '/other?token=TOPSECRET2']) await ask(taped.port, path, path === '/a' ? {} : { method: 'POST', body: '1' })
  await taped.relay.stop()
  const database = new Sqlite(taped.path)
  database.exec("UPDATE http_exchange_row SET status = 101 WHERE path LIKE '/upgrade%' OR path LIKE '/other%'")
  database.close()
  const { skipped, path } = await sending(t, taped.path, origin.url, { plugins: ['redact'], where: "coalesce(query, '') <> 'token=TOPSECRET2'" })
  t.deepEqual(skipped.map(({ asked }) => asked), ['POST /upgrade?token=TOPSECRET1'])
  using now = openRecording(path)
  const told = [...now.events({ where: "kind = 'not-sent'" })]
  t.deepEqual(told.map(({ text, parameters }) => `${text}: ${parameters}`), [`it switched to another protocol (101): [${skipped[0]!.id}]`])
  t.is(readFileSync(path).indexOf('TOPSECRET'), -1, 'neither in the condition')
  const later = await compareRecordings(taped.path, path)
  t.deepEqual([later.same, later.notSent, later.onlyA, later.differenceCount], [1, 1, 0, 0])
})
