import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { compareRecordings, openRecording, respond, sendRecording } from 'wiretape'
import type { AnswerDifference, SendOptions, SendResult } from 'wiretape'
import { selfSigned } from '../real/certificate.js'
import { within } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { http, httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { connectTo, peerServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { shop, tourLength, tourRecording } from './shop.js'

function sending(t: ExecutionContext, file: string, options: SendOptions): Promise<SendResult> {
  return sendRecording(file, { record: join(temporaryFolder(t), 'now.sqlite'), onProblem: (message) => t.log(message), ...options })
}

function told({ asked, field, was, now }: AnswerDifference): string {
  return `${asked} ${field}: ${was} → ${now}`
}

const at = 'json:$.at'

for (const [words, options] of [
  ['as recorded', {}], ['dealt out to 3 connections', { connections: 3 }], ['at the recorded speed', { speed: 'recorded' }], ['at 100 times the speed', { speed: '100x' }],
] as const) {
  test(`against the same server there is no difference: ${words}`, async (t) => {
    const origin = await shop(t)
    const file = await tourRecording(t, origin.target)
    const result = await sending(t, file, { to: origin.url, ignore: [at], ...options })
    t.deepEqual(result.comparison.differences, [])
    t.true(result.equal)
    t.is(result.sent, tourLength)
    t.is(result.skippedCount, 0)
    t.is(result.comparison.same, tourLength)
    t.is(result.comparison.latency.a?.count, tourLength)
    t.is(result.comparison.latency.b?.count, tourLength)
    t.is(result.drift?.count ?? 0, 'speed' in options ? tourLength : 0)
    t.is(origin.served(), 2 * tourLength)
    t.deepEqual(origin.asked.slice(tourLength).map((line) => line.replace(/ 127\.\S+/, '')).toSorted(), origin.asked.slice(0, tourLength).map((line) => line.replace(/ 127\.\S+/, '')).toSorted())
    t.true(origin.asked.slice(tourLength).every((line) => line.includes(`127.0.0.1:${origin.port}`)), 'Host is the target')
    t.true((await compareRecordings(file, result.path, { ignore: [at] })).differenceCount === 0)
  })
}

test('connections and order are as recorded', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const { path } = await sending(t, file, { to: origin.url })
  const shape = (name: string): (number | string | null)[][] => {
    using recording = openRecording(name)
    const places = [...recording.connections()].map(({ id }) => id)
    return [...recording.exchanges()].map(({ connectionId, method, path: asked }) => [places.indexOf(connectionId), method, asked])
  }
  t.deepEqual(shape(path), shape(file))
})

test('against a server changed in a known way there is exactly that difference', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const differences = async (changed: Parameters<typeof shop>[1]): Promise<string[]> => {
    const other = await shop(t, changed)
    const result = await sending(t, file, { to: other.url, ignore: [at] })
    t.false(result.equal)
    t.is(result.comparison.same + result.comparison.different, tourLength)
    t.deepEqual((await compareRecordings(file, result.path, { ignore: [at] })).differences, result.comparison.differences)
    return result.comparison.differences.map(told)
  }
  t.deepEqual(await differences({ price: 6 }), [
    'GET /items body $.items[2].price: 5 → 6', 'GET /packed body $.price: 5 → 6', 'GET /items body $.items[2].price: 5 → 6',
  ])
  t.deepEqual(await differences({ text: 'zwei' }), ['GET /text body line 2: two → zwei'])
  t.deepEqual(await differences({ status: 503 }), ['POST /order status: 200 → 503', 'POST /order status: 200 → 503'])
  const [pixel] = await differences({ pixel: 1 })
  t.regex(pixel!, /^GET \/pixels body offset 200: c8 c9 .* \(300 bytes, sha-256 [0-9a-f]{12}…\) → c9 c9 .* \(300 bytes, sha-256 [0-9a-f]{12}…\)$/)
  t.is((await differences({ server: 'shop/2' })).length, tourLength)
})

test('what changes by the moment is a difference until it is ignored', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const { comparison } = await sending(t, file, { to: origin.url })
  t.deepEqual(comparison.differences.map(({ asked, field }) => `${asked} ${field}`), ['GET /items body $.at', 'GET /items body $.at'])
})

test('only what a condition takes is sent and compared', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const { sent, comparison } = await sending(t, file, { to: origin.url, where: "method = 'POST'" })
  t.is(sent, 2)
  t.is(comparison.same, 2)
  t.is(comparison.onlyA + comparison.onlyB, 0)
  t.deepEqual(origin.asked.slice(tourLength).map((line) => line.split(' ')[3]), ['book=1', 'book=2'])
})

test('the recorded Host is sent where that is asked for', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  await sending(t, file, { to: origin.url, host: 'recorded' })
  const hosts = origin.asked.map((line) => line.split(' ')[2])
  t.deepEqual(hosts.slice(tourLength), hosts.slice(0, tourLength))
  t.not(hosts[0], `127.0.0.1:${origin.port}`)
})

/** Gives a token that is good for this run of the server alone. */
async function guarded(t: ExecutionContext) {
  const token = `t${Math.random()}`
  return httpOrigin(t, (request, response) => {
    if (request.url === '/login') response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token }))
    else response.writeHead(request.headers.authorization === `Bearer ${token}` ? 200 : 401).end('what is kept')
  })
}

/** The example in docs/send.md, as it stands there. */
function carryToken(t: ExecutionContext): string {
  const text = readFileSync(fileURLToPath(new URL('../../../docs/send.md', import.meta.url)), 'utf8')
  const path = join(temporaryFolder(t), 'carry-token.ts')
  writeFileSync(path, /```ts\n(\/\/ carry-token\.ts\n.*?)```/s.exec(text)![1]!)
  return path
}

test('a token is carried from an answer into later requests by a plugin', async (t) => {
  const origin = await guarded(t)
  const taped = await taping(t, { http: origin.target })
  const { token } = await (await fetch(`http://127.0.0.1:${taped.port}/login`)).json() as { token: string }
  t.is((await fetch(`http://127.0.0.1:${taped.port}/kept`, { headers: { authorization: `Bearer ${token}` } })).status, 200)
  await taped.relay.stop()
  const later = await guarded(t)
  const to = `http://127.0.0.1:${later.port}`
  const without = await sending(t, taped.path, { to, ignore: ['json:$.token'] })
  t.deepEqual(without.comparison.differences.map(told), ['GET /kept status: 200 → 401'])
  const withPlugin = await sending(t, taped.path, { to, plugins: [carryToken(t)], ignore: ['json:$.token'] })
  t.deepEqual(withPlugin.comparison.differences, [])
  t.is(withPlugin.comparison.same, 2)
  t.is((await compareRecordings(taped.path, withPlugin.path, { ignore: ['json:$.token'] })).differenceCount, 0, 'also when it is compared later')
})

test('requests side by side of an agent with several connections', async (t) => {
  const origin = await httpOrigin(t)
  const taped = await taping(t, { http: origin.target })
  const agent = new Agent({ keepAlive: true, maxSockets: 5 })
  await Promise.all(Array.from({ length: 60 }, (_, n) => new Promise<void>((resolve, reject) => {
    get({ port: taped.port, path: `/${n}`, agent, headers: { host: 'always.example' } }, (response) => response.resume().once('end', resolve)).once('error', reject)
  })))
  agent.destroy()
  await taped.relay.stop()
  for (const options of [{}, { connections: 2 }] as const) {
    const result = await sending(t, taped.path, { to: `http://127.0.0.1:${origin.port}`, host: 'recorded', ...options })
    t.deepEqual(result.comparison.differences, [])
    t.is(result.comparison.same, 60)
    using now = openRecording(result.path)
    t.is([...now.connections()].length, 'connections' in options ? 2 : 5)
  }
  await t.throwsAsync(within(sending(t, taped.path, { to: `http://127.0.0.1:${await freePort()}` }), 'the refusal'), { message: /refused the connection/ })
})

const withPython = installed('python3') ? test : test.skip

withPython('Python: an upload in chunks as the client makes them, and requests on one connection', async (t) => {
  const origin = await httpOrigin(t)
  const taped = await taping(t, { http: origin.target })
  const { code, stderr } = await run(t, 'python3', ['-c', `
import http.client, sys
c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
c.request('PUT', '/up', body=iter([b'a' * 70000, b'b', b'c' * 100000]), encode_chunked=True, headers={'Transfer-Encoding': 'chunked', 'Host': 'x.example'})
c.getresponse().read()
c.request('POST', '/form', body='a=1', headers={'Host': 'x.example'})
c.getresponse().read()
`, String(taped.port)])
  t.is(code, 0, stderr)
  await taped.relay.stop()
  const result = await sending(t, taped.path, { to: `http://127.0.0.1:${origin.port}`, host: 'recorded' })
  t.deepEqual(result.comparison.differences, [])
  t.is(result.comparison.same, 2)
  const wire = (path: string): string[] => {
    using recording = openRecording(path)
    return [...recording.exchanges()].map(({ id }) => createHash('sha256').update(Buffer.concat([...recording.messagePieces(id, 'request')].map(({ bytes }) => bytes))).digest('hex'))
  }
  t.deepEqual(wire(result.path), wire(taped.path), 'byte for byte')
})

test('a server that closes between two requests is dialled again', async (t) => {
  const origin = await httpOrigin(t)
  const taped = await taping(t, { http: origin.target })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let n = 0; n < 4; n++) {
    await new Promise<void>((resolve) => { get({ port: taped.port, path: `/${n}`, agent, headers: { host: 'x.example' } }, (response) => response.resume().once('end', resolve)) })
  }
  agent.destroy()
  await taped.relay.stop()
  // It says nothing of closing, and does it after every second answer.
  let answered = 0
  const closing = await httpOrigin(t, (request, response) => {
    const body = JSON.stringify({ method: request.method, url: request.url, headers: request.headers, trailers: {}, body: '' })
    response.setHeader('Content-Type', 'application/json')
    const { socket } = request
    if (++answered % 2 === 0) response.once('finish', () => socket.end())
    response.end(body)
  })
  const result = await sending(t, taped.path, { to: `http://127.0.0.1:${closing.port}`, host: 'recorded' })
  t.deepEqual(result.comparison.differences, [])
  t.is(result.comparison.same, 4)
  t.is((await compareRecordings(taped.path, result.path)).differenceCount, 0)
})

test('an answer that is cut, or that does not come, is a failure', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const other = await httpOrigin(t, (request, response) => {
    if (request.url === '/order') request.socket.resetAndDestroy()
    else if (request.url === '/pixels') {
      response.writeHead(200, { 'Content-Type': 'image/x-pixels', 'Server': 'shop/1', 'Content-Length': 300 })
      response.write(Buffer.alloc(100), () => request.socket.destroy())
    } else response.writeHead(404).end()
  })
  const { comparison } = await sending(t, file, { to: `http://127.0.0.1:${other.port}`, where: "path in ('/order', '/pixels')" })
  t.is(comparison.failed, 3)
  t.is(comparison.same + comparison.different, 0)
  t.deepEqual(comparison.differences.filter(({ field }) => field === 'answer').map(({ asked, was }) => `${asked} ${was}`), ['POST /order complete', 'POST /order complete', 'GET /pixels complete'])
})

test('a server that never answers is waited for as long as patience lasts', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const deaf = await httpOrigin(t, () => {})
  const { comparison } = await sending(t, file, { to: `http://127.0.0.1:${deaf.port}`, where: "path = '/text'", patience: 300 })
  t.is(comparison.failed, 1)
})

test('a target that refuses is told in one line, and leaves no recording', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const record = join(temporaryFolder(t), 'now.sqlite')
  const port = await freePort()
  const error = await t.throwsAsync(sending(t, file, { to: `http://127.0.0.1:${port}`, record }))
  t.is(error?.message, `nothing could be sent: http://127.0.0.1:${port} refused the connection`)
  t.is((error as { code?: string }).code, 'connect')
  t.false(existsSync(record))
})

test('what cannot be sent is told, and not sent', async (t) => {
  const server = await peerServer(t)
  const taped = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: ['redact'] })
  const client = await connectTo(t, taped.port)
  const peer = await (async () => {
    client.write('POST /login HTTP/1.1\r\nHost: x\r\nAuthorization: Basic abcdef\r\nContent-Length: 21\r\n\r\npassword=1234&user=me')
    return server.next()
  })()
  const answer = async (): Promise<void> => {
    await peer.through('\r\n\r\n')
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    await client.through('\r\n\r\n')
  }
  await answer()
  client.write('GET /plain HTTP/1.1\r\nHost: x\r\nAuthorization: Basic abcdef\r\n\r\n')
  await answer()
  client.write('POST /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this')
  await peer.through('only this')
  client.finish()
  peer.finish()
  await client.gone()
  const other = await connectTo(t, taped.port)
  other.write('GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  const switching = await server.next()
  await switching.through('\r\n\r\n')
  switching.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbinary').finish()
  await other.through('binary')
  other.finish()
  await taped.relay.stop()
  const origin = await httpOrigin(t, (_request, response) => response.end())
  const { sent, skipped, notes } = await sending(t, taped.path, { to: `http://127.0.0.1:${origin.port}` })
  t.is(sent, 1)
  t.is(origin.served(), 1)
  t.deepEqual(skipped.map(({ asked, reason }) => `${asked}: ${reason.replace(/: .*/, '')}`), [
    'POST /login: its body has a masked value (password)', 'POST /cut: its request was not recorded whole', 'GET /socket: it switched to another protocol (101)',
  ])
  t.deepEqual(notes, ['1 request has a masked authorization header, and is sent with it: a plugin can put the true value in'])
})

test('a stream that the client left is left again where the client had left it', async (t) => {
  const origin = await httpOrigin(t, (request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const timer = setInterval(() => response.write('data: tick\n\n'), 5)
    request.socket.on('close', () => clearInterval(timer))
  })
  const taped = await taping(t, { http: origin.target })
  const client = await connectTo(t, taped.port)
  client.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
  for (let n = 0; n < 3; n++) await client.through('tick')
  client.reset()
  await taped.relay.stop()
  const { comparison } = await sending(t, taped.path, { to: `http://127.0.0.1:${origin.port}` })
  t.deepEqual(comparison.differences, [])
  t.is(comparison.same, 1)
})

test('what a plugin changed while it was recorded is sent as the server got it; what it answered itself is not sent', async (t) => {
  const asked: string[] = []
  const origin = await httpOrigin(t, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['x-seen'] as string | undefined}`)
    response.setHeader('Content-Type', 'text/plain').end('as it is')
  })
  const taped = await taping(t, { http: origin.target, plugins: [http('meddles', {
    request(request) {
      if (request.path === '/own') return respond({ status: 418, body: 'by the plugin' })
      if (request.path !== '/old') return
      request.target = '/new'
      request.method = 'PUT'
      request.headers.set('x-seen', 'yes')
    },
    responseBody(body) {
      body.text = 'changed'
    },
  })] })
  for (const path of ['/own', '/old', '/plain']) await (await fetch(`http://127.0.0.1:${taped.port}${path}`)).text()
  await taped.relay.stop()
  const { comparison, skipped } = await sending(t, taped.path, { to: `http://127.0.0.1:${origin.port}` })
  t.deepEqual(asked, ['PUT /new yes', 'GET /plain undefined', 'PUT /new yes', 'GET /plain undefined'])
  t.deepEqual(skipped.map(({ asked, reason }) => `${asked}: ${reason}`), ['GET /own: it never reached its server'])
  t.deepEqual(comparison.differences, [])
  t.is(comparison.same, 2)
})

test('bad input: an empty recording, another protocol, relays that could be meant', async (t) => {
  const origin = await shop(t)
  const empty = await taping(t, { http: origin.target })
  await empty.relay.stop()
  await t.throwsAsync(sending(t, empty.path, { to: origin.url }), { message: `${empty.path} has nothing to send: nothing was recorded` })
  const file = await tourRecording(t, origin.target)
  await t.throwsAsync(sending(t, file, { to: origin.url, protocol: 'ftp' }), { message: /^--protocol ftp: .* has no such traffic, only http-\d+ \(http 127\.0\.0\.1:\d+ → http:\/\/127\.0\.0\.1:\d+\)$/ })
  await t.throwsAsync(sending(t, file, { to: origin.url, where: 'status = 999' }), { message: `${file} has no http requests to send where status = 999` })
  await t.throwsAsync(sending(t, file, { to: origin.url, where: 'state = 1' }), { message: /there is no column state/ })
  for (const wrong of [{ speed: 'slow' as 'max' }, { connections: 0 }, { host: 'x' as 'target' }, { ignore: ['json:nothing'] }, { patience: 0 }, { to: 'ftp://x' }, { to: '' }]) {
    const error = await t.throwsAsync(sending(t, file, { to: origin.url, ...wrong }))
    t.is((error as { code?: string }).code, 'usage', error?.message)
  }
  const itself = await t.throwsAsync(sending(t, file, { to: origin.url, record: { path: file, overwrite: true } }))
  t.is(itself?.message, `-o ${file}: that is the recording that is sent: name another`)
  t.is((await sending(t, file, { to: origin.url })).sent, tourLength, 'and it is whole')
  const other = await shop(t)
  const two = await taping(t, { http: [origin.target, other.target] })
  for (const { port } of two.relay.listeners) await (await fetch(`http://127.0.0.1:${port}/text`)).text()
  await two.relay.stop()
  await t.throwsAsync(sending(t, two.path, { to: origin.url }), { message: /has traffic of several relays: name one by --relay, by its name or its target: http-\d+ .*, http-\d+ / })
  const { sent } = await sending(t, two.path, { to: origin.url, relay: `127.0.0.1:${other.port}` })
  t.is(sent, 1)
})

test('progress is told up to the end', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const told: number[] = []
  await sending(t, file, { to: origin.url, onProgress: ({ done, total }) => {
    t.is(total, tourLength)
    told.push(done)
  } })
  t.is(told[0], 0)
  t.is(told.at(-1), tourLength)
})

const withOpenssl = installed('openssl') ? test : test.skip

withOpenssl('a target with TLS, whose certificate nobody vouches for', async (t) => {
  const origin = await httpOrigin(t, (request, response) => response.end(request.url))
  const taped = await taping(t, { http: origin.target })
  t.is(await (await fetch(`http://127.0.0.1:${taped.port}/a`)).text(), '/a')
  await taped.relay.stop()
  const hosts: (string | undefined)[] = []
  const secure = createSecureServer(selfSigned(temporaryFolder(t)), (request, response) => {
    hosts.push(request.headers.host)
    response.end(request.url)
  })
  secure.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => { secure.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    secure.closeAllConnections()
    secure.close()
  })
  const { port } = secure.address() as AddressInfo
  const to = `https://localhost:${port}`
  await t.throwsAsync(sending(t, taped.path, { to }), { message: /^nothing could be sent: .*certificate.*--insecure accepts it unverified/ })
  const { comparison } = await sending(t, taped.path, { to, insecure: true })
  t.deepEqual(comparison.differences, [])
  t.deepEqual(hosts, [`localhost:${port}`])
})
