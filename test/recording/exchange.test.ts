import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { HttpExchange, Recording } from 'wiretape'
import { until } from '../real/deadline.js'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { onlyExchange, opening, taping } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

async function talking(t: ExecutionContext): Promise<{ tape: Taped, client: Peer, server: Peer }> {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  return { tape, client, server: await server.next() }
}

/** One request and its response, to the end of the connection. */
async function exchanged(t: ExecutionContext, request: string, response: string): Promise<{ exchange: HttpExchange, recording: Recording }> {
  const { tape, client, server } = await talking(t)
  client.write(request)
  await server.take(request.length)
  server.write(response)
  await client.take(response.length)
  client.finish()
  server.finish()
  await client.gone()
  const recording = await tape.recorded()
  return { exchange: onlyExchange(recording), recording }
}

test('the facts of an exchange: who asked what, and what came', async (t) => {
  const { exchange, recording } = await exchanged(t,
    'POST /a/b%20c?x=1&y=%26 HTTP/1.1\r\nHost: shop.example:8080\r\nX-One: 1\r\ncookie: a=b\r\nx-one: 2\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}',
    'HTTP/1.1 422 Not So Fine\r\nset-cookie: a\r\nContent-type: text/plain\r\nSet-Cookie: b\r\nContent-Length: 5\r\n\r\nwrong')
  t.is(exchange.method, 'POST')
  t.is(exchange.scheme, 'http')
  t.is(exchange.host, 'shop.example:8080')
  t.is(exchange.path, '/a/b%20c')
  t.is(exchange.query, 'x=1&y=%26')
  t.is(exchange.url, 'http://shop.example:8080/a/b%20c?x=1&y=%26')
  t.is(exchange.status, 422)
  t.is(exchange.reason, 'Not So Fine')
  t.is(exchange.requestVersion, '1.1')
  t.is(exchange.responseVersion, '1.1')
  t.deepEqual(exchange.requestHeaders, [
    ['Host', 'shop.example:8080'], ['X-One', '1'], ['cookie', 'a=b'], ['x-one', '2'],
    ['Content-Type', 'application/json; charset=utf-8'], ['Content-Length', '2'],
  ])
  t.deepEqual(exchange.responseHeaders, [
    ['set-cookie', 'a'], ['Content-type', 'text/plain'], ['Set-Cookie', 'b'], ['Content-Length', '5'],
  ])
  t.is(exchange.requestType, 'application/json; charset=utf-8')
  t.is(exchange.responseType, 'text/plain')
  t.is(exchange.requestBodySize, 2)
  t.is(exchange.responseBodySize, 5)
  t.is(exchange.error, null)
  t.deepEqual(exchange.framingFlags, [])
  t.deepEqual(exchange.informational, [])
  t.false(exchange.changed)
  const record = recording.record(exchange.id)
  t.is(record.summary, 'POST /a/b%20c?x=1&y=%26 → 422')
  t.is(record.outcome, 'complete')
  t.is(record.bytes, 7)
})

test('times are in order: request, first byte, end, within the connection\'s', async (t) => {
  const before = Date.now() * 1000
  const { tape, client, server } = await talking(t)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await server.through('\r\n\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  server.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
  await client.through('ab')
  await new Promise((resolve) => setTimeout(resolve, 50))
  server.write('cd')
  await client.take(2)
  client.finish()
  server.finish()
  await client.gone()
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  const { opened, closed } = recording.connection(exchange.connectionId)
  const order = [opened, exchange.started, exchange.firstByte!, exchange.ended!, closed!]
  t.deepEqual(order, order.toSorted((a, b) => a - b))
  t.true(order.every(Number.isInteger))
  // Sleeping may end a little early on the wall clock, not this much.
  t.true(exchange.firstByteMs! >= 40, `${exchange.firstByteMs}`)
  t.true(exchange.durationMs! >= exchange.firstByteMs! + 40, `${exchange.durationMs}`)
  t.is(exchange.durationMs, (exchange.ended! - exchange.started) / 1000)
  t.true(opened >= before - 10_000_000 && closed! <= Date.now() * 1000 + 10_000_000, 'microseconds since the epoch')
})

test('chunked bodies are counted without their framing, trailers are kept', async (t) => {
  const { exchange } = await exchanged(t,
    'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: up\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: a\r\nx-sum: b\r\n\r\n')
  t.is(exchange.requestBodySize, 5)
  t.is(exchange.responseBodySize, 4)
  t.deepEqual(exchange.requestTrailers, [['X-Sum', 'up']])
  t.deepEqual(exchange.responseTrailers, [['X-Sum', 'a'], ['x-sum', 'b']])
})

test('absolute-form names the host itself', async (t) => {
  const { exchange } = await exchanged(t,
    'GET http://proxied.example/x?y HTTP/1.1\r\nHost: other.example\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n')
  t.is(exchange.host, 'proxied.example')
  t.is(exchange.path, '/x')
  t.is(exchange.query, 'y')
})

for (const [flag, request] of [
  ['content-length-and-transfer-encoding', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['repeated-content-length', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx'],
  ['space-before-colon', 'GET / HTTP/1.1\r\nHost: h\r\nX-Odd : 1\r\n\r\n'],
  ['bare-lf', 'GET / HTTP/1.1\nHost: h\n\n'],
  ['obs-fold', 'GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n'],
  ['missing-host', 'GET / HTTP/1.1\r\n\r\n'],
  ['odd-chunk-size', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n'],
] as const) {
  test(`framing that two parsers could read differently is flagged on the record: ${flag}`, async (t) => {
    const { exchange, recording } = await exchanged(t, request, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    t.deepEqual(exchange.framingFlags, [flag])
    t.is([...recording.records({ where: `framing_flags like '%${flag}%'` })].length, 1)
  })
}

test('several exchanges on one connection, one after another and pipelined', async (t) => {
  const { tape, client, server } = await talking(t)
  for (const path of ['/1', '/2']) {
    client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)
    await server.through('\r\n\r\n')
    server.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${path}`)
    await client.through(path)
  }
  client.write('GET /3 HTTP/1.1\r\nHost: h\r\n\r\nHEAD /4 HTTP/1.1\r\nHost: h\r\n\r\nGET /5 HTTP/1.1\r\nHost: h\r\n\r\n')
  await server.through('GET /5 HTTP/1.1\r\nHost: h\r\n\r\n')
  server.write('HTTP/1.1 203 OK\r\nContent-Length: 1\r\n\r\n3HTTP/1.1 204 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n')
  await client.through('304 Not Modified\r\nContent-Length: 5\r\n\r\n')
  client.finish()
  server.finish()
  await client.gone()
  const recording = await tape.recorded()
  const exchanges = [...recording.exchanges()]
  t.deepEqual(exchanges.map(({ method, path, status, responseBodySize, error }) => [method, path, status, responseBodySize, error]), [
    ['GET', '/1', 200, 2, null], ['GET', '/2', 200, 2, null], ['GET', '/3', 203, 1, null], ['HEAD', '/4', 204, 0, null],
    ['GET', '/5', 304, 0, null],
  ])
  t.is(new Set(exchanges.map(({ connectionId }) => connectionId)).size, 1)
  const starts = exchanges.map(({ started }) => started)
  t.deepEqual(starts, starts.toSorted((a, b) => a - b))
  t.is(recording.connection(exchanges[0]!.connectionId).messages, 5)
  t.is([...recording.records()].length, 5, 'the messages tell the connection\'s story')
})

test('a response that is cut short says how much is missing', async (t) => {
  const { tape, client, server } = await talking(t)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await server.through('\r\n\r\n')
  server.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789').finish()
  await client.rest()
  await client.gone()
  const exchange = onlyExchange(await tape.recorded())
  t.is(exchange.status, 200)
  t.is(exchange.responseBodySize, 10)
  t.regex(exchange.error ?? '', /^response .*10 of 100 bytes/)
})

for (const [name, leave] of [
  ['closes', (server: Peer) => void server.finish()], ['resets', (server: Peer) => server.reset()],
] as const) {
  test(`a server that ${name} instead of answering leaves an exchange without a response`, async (t) => {
    const { tape, client, server } = await talking(t)
    client.write('GET /gone HTTP/1.1\r\nHost: h\r\n\r\n')
    await server.through('\r\n\r\n')
    leave(server)
    await client.gone()
    const recording = await tape.recorded()
    const exchange = onlyExchange(recording)
    t.is(exchange.path, '/gone')
    t.is(exchange.status, null)
    t.is(exchange.firstByte, null)
    t.regex(exchange.error ?? '', /^no response: server/)
    t.is(recording.record(exchange.id).outcome, exchange.error!)
  })
}

test('connections and exchanges that are still open can be read from the file while they are', async (t) => {
  const { tape, client, server } = await talking(t)
  client.write('POST /open HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
  await server.through('half')
  // Generous: a second is promised, the machine may be busy.
  const recording = opening(t, tape.path)
  const exchange = await until(() => [...recording.exchanges()][0], 'the open exchange in the file')
  t.is(exchange.path, '/open')
  t.is(exchange.ended, null)
  t.is(exchange.error, null)
  t.is(recording.record(exchange.id).outcome, 'open')
  const connection = await until(() => [...recording.connections({ where: 'bytes_up > 0' })][0], 'the open connection in the file')
  t.is(connection.closed, null)
  t.is(connection.endReason, null)
  client.write('second')
  await server.through('second')
  server.write('HTTP/1.1 200 OK\r\n\r\nuntil the end')
  await client.through('until the end')
  await until(() => [...recording.exchanges({ where: 'status = 200 and request_body_size = 10 and response_body_size = 13' })][0],
    'what came since in the file', 10_000)
  t.is(recording.exchange(exchange.id).ended, null)
})

test('an exchange whose answer comes before its request is over is open until that is', async (t) => {
  const { tape, client, server } = await talking(t)
  client.write('POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
  await server.through('half')
  server.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  await client.through('ok')
  const recording = opening(t, tape.path)
  const exchange = await until(() => [...recording.exchanges({ where: 'response_body_size = 2' })][0], 'the answer in the file')
  t.is(exchange.ended, null)
  t.is(recording.record(exchange.id).outcome, 'open')
  client.write('second')
  await server.through('second')
  const over = await until(() => [...recording.exchanges({ where: 'ended IS NOT NULL' })][0], 'the end of the exchange in the file')
  t.is(over.error, null)
  t.is(over.requestBodySize, 10)
  t.is(recording.record(exchange.id).outcome, 'complete')
  const lastOfRequest = Math.max(...[...recording.segments({ where: `message_id = ${exchange.id} AND direction = 'up'` })].map(({ time }) => time))
  t.is(over.ended, lastOfRequest)
})

test('an exchange whose request is cut after its answer came is open until then, and says so', async (t) => {
  const { tape, client, server } = await talking(t)
  client.write('POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
  await server.through('half')
  server.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  await client.through('ok')
  client.write('more').finish()
  await server.through('more')
  server.finish()
  await client.gone()
  const recording = await tape.recorded()
  const { id, error, status, ended, started } = onlyExchange(recording)
  t.is(status, 200)
  t.is(error, 'request body cut at 8 of 10 bytes')
  t.is(recording.record(id).outcome, error!)
  const last = Math.max(...[...recording.segments({ where: `message_id = ${id}` })].map(({ time }) => time))
  t.true(ended! >= last && ended! >= started)
})
