import { createHash } from 'node:crypto'
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { close, delay, drop, respond } from 'wiretape'
import { until } from '../real/deadline.js'
import { http, httpOrigin } from '../real/http-origin.js'
import { connectTo, peerServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { onlyExchange, relaying, taping, textOf } from '../real/relaying.js'

const post = (fields: string, body: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`

for (const [what, change] of [
  ['whole', http('change', { responseBody: (body) => { body.text = `${body.text} and more` } })],
  ['as a stream', http('change', {
    response: (response) => response.transformBody(async function* (chunks) {
      yield* chunks
      yield ' and more'
    }),
  })],
] as const) {
  test(`codings in several lines are undone and done again around a body that is changed ${what}`, async (t) => {
    const server = await httpOrigin(t, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': ['gzip', 'deflate'] }).end(deflateSync(gzipSync('words')))
    })
    const relay = await relaying(t, { http: server.target, plugins: [change] })
    const { stdout } = await run(t, 'curl', ['-s', `http://127.0.0.1:${relay.port}/`])
    t.is(gunzipSync(inflateSync(stdout)).toString(), 'words and more')
  })
}

test('gzipped JSON is changed as JSON, and goes on gzipped, in both directions', async (t) => {
  const server = await httpOrigin(t, (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece)).on('end', () => {
      const asked = JSON.parse(gunzipSync(Buffer.concat(pieces)).toString()) as object
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
      response.end(gzipSync(JSON.stringify({ asked, length: request.headers['content-length'] })))
    })
  })
  const change = http('change', {
    requestBody(body) { body.json = { n: (body.json as { n: number }).n + 1 } },
    async responseBody(body, response) {
      await Promise.resolve()
      response.headers.set('x-changed', 'yes')
      body.json = { ...(body.json as object), added: true }
    },
  })
  const tape = await taping(t, { http: server.target, plugins: [change] })
  const url = `http://127.0.0.1:${tape.port}/`
  const { stdout } = await run(t, 'curl', ['-s', '--compressed', '-D', '-', '-H', 'Content-Encoding: gzip', '-H', 'Content-Type: application/json', '--data-binary', '@-', url], gzipSync('{"n":1}'))
  const [head = '', body = ''] = stdout.toString().split('\r\n\r\n')
  t.regex(head, /Content-Encoding: gzip/)
  t.regex(head, /Content-Length: \d+/)
  t.notRegex(head, /Transfer-Encoding/)
  t.regex(head, /x-changed: yes/)
  t.like(JSON.parse(body) as object, { asked: { n: 2 }, added: true })
  const recording = await tape.recorded()
  const { id, changed } = onlyExchange(recording)
  t.true(changed)
  const sent = await textOf(recording.message(id, 'response', 'sent'))
  t.is(gunzipSync(Buffer.from(sent.slice(sent.indexOf('\r\n\r\n') + 4), 'latin1')).toString(), body)
  t.deepEqual([...recording.events({ where: 'hook is not null' })].map(({ hook }) => hook), ['http.requestBody', 'http.responseBody'])
})

test('what is recorded as sent is what was on the wire: lengths, chunks, trailers', async (t) => {
  const server = await peerServer(t)
  const change = http('change', {
    requestBody(body) { body.text = `<${body.text}>` },
    responseBody(body) { body.text = body.text.toUpperCase() },
  })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [change] })
  const client = await connectTo(t, tape.port)
  const served = server.next()
  const wire = { up: '', down: '' }
  const turn = async (request: string, sentOn: string, response: string, sentBack: string): Promise<void> => {
    client.write(request)
    t.is((await (await served).take(sentOn.length)).toString(), sentOn)
    ;(await served).write(response)
    t.is((await client.take(sentBack.length)).toString(), sentBack)
    wire.up += sentOn
    wire.down += sentBack
  }
  await turn(post('Content-Length: 3', 'abc'), post('Content-Length: 5', '<abc>'),
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHELLO')
  await turn(post('transfer-encoding: chunked', '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n'), post('transfer-encoding: chunked', '5\r\n<abc>\r\n0\r\nX-T: 1\r\n\r\n'),
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  client.write('GET / HTTP/1.0\r\n\r\n')
  t.is(await (await served).through('\r\n\r\n'), 'GET / HTTP/1.0\r\n\r\n')
  ;(await served).write('HTTP/1.0 200 OK\r\n\r\nuntil the end').finish()
  const last = 'HTTP/1.0 200 OK\r\nContent-Length: 13\r\n\r\nUNTIL THE END'
  t.is((await client.rest()).toString(), last)
  client.finish()
  const recording = await tape.recorded()
  const [connection] = [...recording.connections()]
  t.is(await textOf(recording.stream(connection!.id, 'up', 'sent')), `${wire.up}GET / HTTP/1.0\r\n\r\n`)
  t.is(await textOf(recording.stream(connection!.id, 'down', 'sent')), wire.down + last)
  let up = ''
  let down = ''
  for (const { id, error } of recording.exchanges()) {
    t.is(error, null)
    up += await textOf(recording.message(id, 'request', 'sent'))
    down += await textOf(recording.message(id, 'response', 'sent'))
  }
  t.is(up, `${wire.up}GET / HTTP/1.0\r\n\r\n`)
  t.is(down, wire.down + last)
})

test('a body that no plugin changed goes on byte for byte, though it was waited for', async (t) => {
  const server = await peerServer(t)
  const look = http('look', { requestBody: () => delay(10), responseBody: async () => {} })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  const request = 'POST / HTTP/1.1\r\nhOST:a\r\ntransfer-ENCODING:chunked\r\n\r\n003;x=y\r\nabc\r\n0\r\nT:  1\r\n\r\n'
  client.write(request)
  const served = await server.next()
  t.is((await served.take(request.length)).toString(), request)
  const response = 'HTTP/1.1 200  Odd\r\ncontent-LENGTH:   2\r\ncontent-encoding: gzip\r\n\r\nhi'
  served.write(response)
  t.is((await client.take(response.length)).toString(), response)
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  t.false(onlyExchange(recording).changed)
  t.deepEqual([...recording.segments({ where: 'leg = \'sent\'' })], [])
  t.deepEqual([...recording.events({ where: 'hook is not null' })].map(({ kind }) => kind), ['delayed', 'body-undecodable'])
})

test('a body beyond the limit goes on unchanged, known by its length or found out on the way', async (t) => {
  const server = await httpOrigin(t)
  let called = 0
  const limited = http('limited', { requestBody() { called++ } }, { bodyLimit: 1000 })
  const tape = await taping(t, { http: server.target, plugins: [limited] })
  const url = `http://127.0.0.1:${tape.port}/`
  const body = 'x'.repeat(200_000)
  for (const fields of [[], ['-H', 'Transfer-Encoding: chunked']]) {
    const { stdout } = await run(t, 'curl', ['-s', '--data-binary', '@-', ...fields, url], body)
    t.is((JSON.parse(stdout.toString()) as { body: string }).body, body)
  }
  t.is(called, 0)
  const recording = await tape.recorded()
  t.deepEqual([...recording.events({ where: 'hook is not null' })].map(({ kind, source }) => `${kind} ${source}`), ['body-too-large limited', 'body-too-large limited'])
  t.deepEqual([...recording.exchanges()].map(({ changed }) => changed), [false, false])
})

test('Expect: 100-continue: the relay itself says go on where a body is held', async (t) => {
  const server = await httpOrigin(t)
  const change = http('change', { requestBody(body) { body.text = body.text.replace('a', 'b') } })
  const tape = await taping(t, { http: server.target, plugins: [change] })
  const { stdout } = await run(t, 'curl', ['-s', '-H', 'Expect: 100-continue', '--expect100-timeout', '30', '-d', 'aa', `http://127.0.0.1:${tape.port}/`])
  const seen = JSON.parse(stdout.toString()) as { body: string, headers: Record<string, string> }
  t.is(seen.body, 'ba')
  t.is(seen.headers['expect'], undefined)
  const recording = await tape.recorded()
  t.regex(await textOf(recording.message(onlyExchange(recording).id, 'response', 'sent')), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/)
  t.is(onlyExchange(recording).error, null)
})

test('a body hook may answer, and may cut', async (t) => {
  const server = await httpOrigin(t)
  const guard = http('guard', {
    requestBody: (body) => body.text === 'bad' ? respond({ status: 403, body: 'no' }) : undefined,
    responseBody: (body) => body.text.includes('secret') ? respond({ status: 502, body: 'hidden' }) : body.text.includes('cut') ? close() : undefined,
  })
  const tape = await taping(t, { http: server.target, plugins: [guard] })
  const url = `http://127.0.0.1:${tape.port}/`
  const { stdout } = await run(t, 'curl', ['-s', '-w', ' %{http_code} %{num_connects};', '-d', 'bad', url, '--next', '-s', '-w', ' %{http_code} %{num_connects};', '-d', 'secret', url])
  t.is(stdout.toString(), 'no 403 1;hidden 502 0;')
  t.is((await run(t, 'curl', ['-s', '-d', 'cut', url])).code, 52)
  t.is(server.served(), 2)
  const recording = await tape.recorded()
  const sent: string[] = []
  for (const { id } of recording.exchanges()) sent.push((await textOf(recording.message(id, 'response', 'sent'))).replace(/^[^]*\r\n\r\n/, ''))
  t.deepEqual(sent, ['no', 'hidden', ''])
})

test('a body is transformed as a stream, its coding undone and done again', async (t) => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n}\n`).join('')
  const server = await httpOrigin(t, (_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Type': 'text/plain' })
    response.end(gzipSync(lines))
  })
  const shout = http('shout', {
    response(response) {
      response.transformBody(async function* (chunks) {
        for await (const chunk of chunks) yield chunk.toString().toUpperCase()
        yield 'the end'
      })
    },
  })
  const tape = await taping(t, { http: server.target, plugins: [shout] })
  const url = `http://127.0.0.1:${tape.port}/`
  const { stdout } = await run(t, 'curl', ['-s', '--compressed', '-w', '%{num_connects}', url, url])
  const expected = `${lines.toUpperCase()}the end`
  t.is(stdout.toString(), `${expected}1${expected}0`)
  const recording = await tape.recorded()
  for (const { id, error } of recording.exchanges()) {
    t.is(error, null)
    const sent = Buffer.from(await textOf(recording.message(id, 'response', 'sent')), 'latin1')
    t.is(gunzipSync(unchunked(sent.subarray(sent.indexOf('\r\n\r\n') + 4))).toString(), expected)
  }
})

test('a request is transformed as a stream, and one of HTTP/1.0 with a length', async (t) => {
  const server = await httpOrigin(t)
  const shout = http('shout', {
    request(request) {
      request.transformBody(async function* (chunks) { for await (const chunk of chunks) yield chunk.toString().toUpperCase() }, { decode: false })
    },
  })
  const tape = await taping(t, { http: server.target, plugins: [shout] })
  const url = `http://127.0.0.1:${tape.port}/`
  const { stdout } = await run(t, 'curl', ['-s', '-d', 'hello', url, '-w', '\n', '--next', '-s', '-0', '-d', 'hello', url])
  const [first, second] = stdout.toString().split('\n').map((line) => JSON.parse(line) as { body: string, headers: Record<string, string> })
  t.like(first, { body: 'HELLO' })
  t.is(first!.headers['transfer-encoding'], 'chunked')
  t.like(second, { body: 'HELLO' })
  t.is(second!.headers['content-length'], '5')
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ error, changed }) => [error, changed]), [[null, true], [null, true]])
})

test('a stream of a plugin comes to its end when the client leaves', async (t) => {
  const server = await peerServer(t)
  let finished = false
  const watch = http('watch', {
    request(request) {
      request.transformBody(async function* (chunks) {
        try {
          yield* chunks
        } finally {
          finished = true
        }
      })
    },
  })
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, log: () => {}, plugins: [watch] })
  const client = await connectTo(t, relay.port)
  client.write(post('Content-Length: 100', 'half'))
  await (await server.next()).through('half')
  client.reset()
  await until(() => finished, 'the body to be over')
  t.pass()
})

test('a request whose body hook drops it goes nowhere, and the client waits until it leaves', async (t) => {
  const server = await httpOrigin(t)
  const tape = await taping(t, { http: server.target, plugins: [http('drop', { requestBody: () => drop() })] })
  const client = await connectTo(t, tape.port)
  client.write(post('Content-Length: 3', 'abc'))
  await sleep(100)
  t.is(client.ending, null)
  client.finish()
  t.is((await client.rest()).length, 0)
  const recording = await tape.recorded()
  t.is(await textOf(recording.message(onlyExchange(recording).id, 'request', 'sent')), '')
  t.is(server.served(), 0)
})

test('a large body streams through with bounded memory, exactly as it came', async (t) => {
  const megabytes = 64
  const block = Buffer.alloc(1 << 20, 'abcdefghijklmnop')
  const server = await httpOrigin(t, (_request, response) => {
    let left = megabytes
    const more = (): void => {
      while (left-- > 0) if (!response.write(block)) { response.once('drain', more); return }
      response.end()
    }
    more()
  })
  const pass = http('pass', {
    response(response) { response.transformBody(async function* (chunks) { yield* chunks }) },
  })
  const relay = await relaying(t, { http: server.target, plugins: [pass] })
  const { stdout } = await run(t, 'curl', ['-s', `http://127.0.0.1:${relay.port}/`])
  const expected = createHash('sha256')
  for (let n = 0; n < megabytes; n++) expected.update(block)
  t.is(createHash('sha256').update(stdout).digest('hex'), expected.digest('hex'))
})

test('trailers are changed where they stand, the chunks before them stay', async (t) => {
  const server = await peerServer(t)
  const change = http('change', { trailers(trailers) { trailers.set('x-t', 'changed') } })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [change] })
  const client = await connectTo(t, tape.port)
  const head = 'POST / HTTP/1.1\r\nhost:a\r\nTransfer-Encoding: chunked\r\n\r\n003;ext\r\nabc\r\n'
  client.write(`${head}00;last\r\nX-T: 1\r\n\r\n`)
  const served = await server.next()
  const expected = `${head}00;last\r\nX-T: changed\r\n\r\n`
  t.is((await served.take(expected.length)).toString(), expected)
  const ok = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n'
  served.write(ok)
  t.is((await client.take(ok.length)).toString(), ok)
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  t.is(await textOf(recording.message(onlyExchange(recording).id, 'request', 'sent')), expected)
})

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16)
    if (size === 0) return Buffer.concat(pieces)
    pieces.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 4 + size
  }
}
