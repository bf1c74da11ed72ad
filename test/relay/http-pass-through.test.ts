import test from 'ava'
import { bytesOf, onlyExchange, relaying, taping, textOf } from '../real/relaying.js'
import { connectTo, peerServer } from '../real/peer.js'

const oddities: Record<string, { request: string, response: string }> = {
  'odd case, order and spacing of header fields': {
    request: 'GET /a HTTP/1.1\r\nx-LAST:first\r\nhOsT:   here\t\r\nACCEPT:*/*\r\nx-last: again\r\n\r\n',
    response: 'HTTP/1.1 200   Fine  \r\nseRVer:  x\t \r\nX-A: 1\r\nX-B:2\r\nX-A: 3\r\nCONTENT-length: 2\r\n\r\nok',
  },
  'chunk extensions and trailers': {
    request: 'POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c="d;e"\r\nabc\r\n000002\r\nde\r\n0;last\r\nX-Sum: 5\r\n\r\n',
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\nA ; x\r\n0123456789\r\n0\r\nX-T: t\r\nx-t: u\r\n\r\n',
  },
  'bare LF everywhere': {
    request: 'GET /lf HTTP/1.1\nHost: h\n\n',
    response: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
  },
  'obsolete folding': {
    request: 'GET /fold HTTP/1.1\r\nHost: h\r\nX-Long: one\r\n  two\r\n\tthree\r\n\r\n',
    response: 'HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 0\r\n\r\n',
  },
  'both lengths': {
    request: 'POST /both HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
  },
  'bytes above ASCII in heads and every byte in bodies': {
    request: `POST /\xe9?q=\xff HTTP/1.1\r\nHost: h\r\nX-Name: Ren\xe9 \x80\r\nContent-Length: 256\r\n\r\n${everyByte()}`,
    response: `HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 256\r\n\r\n${everyByte()}`,
  },
  'absolute form and HTTP/1.0': {
    request: 'GET http://other.example:81/p?q HTTP/1.0\r\n\r\n',
    response: 'HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n',
  },
}

function everyByte(): string {
  return String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))
}

for (const [name, { request, response }] of Object.entries(oddities)) {
  test(`byte for byte: ${name}`, async (t) => {
    const server = await peerServer(t)
    const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
    const client = await connectTo(t, tape.port)
    client.write(request)
    const served = await server.next()
    t.is((await served.take(request.length)).toString('latin1'), request)
    served.write(response)
    t.is((await client.take(response.length)).toString('latin1'), response)
    client.finish()
    t.is((await served.rest()).length, 0)
    served.finish()
    t.is((await client.rest()).length, 0)
    await client.gone()
    const recording = await tape.recorded()
    const exchange = onlyExchange(recording)
    t.is(await textOf(recording.message(exchange.id, 'request')), request)
    t.is(await textOf(recording.message(exchange.id, 'response')), response)
    t.is(await textOf(recording.message(exchange.id, 'request', 'sent')), request)
    t.false(exchange.changed)
    t.deepEqual([...recording.segments({ where: 'leg <> \'received\'' })], [])
  })
}

test('a body without a length ends with the connection, and reaches the client whole', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  const body = Buffer.alloc(300_000, 'until the end ')
  served.write('HTTP/1.1 200 OK\r\n\r\n', body).finish()
  const answer = await client.rest()
  t.deepEqual(answer.subarray(answer.indexOf('\r\n\r\n') + 4), body)
  await client.gone()
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.is(exchange.error, null)
  t.is(exchange.responseBodySize, body.length)
  t.deepEqual(await bytesOf(recording.body(exchange.id, 'response')), body)
})

test('nothing waits for a whole message: each byte is passed on as it comes', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, relay.port)
  client.write('P')
  const served = await server.next()
  t.is((await served.take(1)).toString(), 'P')
  client.write('OST / HTTP/1.1\r\nHo')
  t.is(await served.through('Ho'), 'OST / HTTP/1.1\r\nHo')
  client.write('st: h\r\nContent-Length: 10\r\n\r\n12345')
  t.is(await served.through('12345'), 'st: h\r\nContent-Length: 10\r\n\r\n12345')
  served.write('HTTP/1.1 4')
  t.is((await client.take(10)).toString(), 'HTTP/1.1 4')
})

test('103 early hints and 100 continue come before the final response', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const head = 'POST /hints HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n'
  client.write(head)
  const served = await server.next()
  t.is((await served.take(head.length)).toString(), head)
  const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
  served.write(interim)
  t.is((await client.take(interim.length)).toString(), interim)
  client.write('body')
  t.is((await served.take(4)).toString(), 'body')
  const final = 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'
  served.write(final)
  t.is((await client.take(final.length)).toString(), final)
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.deepEqual(exchange.informational, [103, 100])
  t.is(exchange.status, 201)
  t.is(await textOf(recording.message(exchange.id, 'response')), interim + final)
})

for (const [name, request, response, status] of [
  ['CONNECT', 'CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n', 'HTTP/1.1 200 Connection established\r\n\r\n', 200],
  ['101', 'GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n', 101],
] as const) {
  test(`after ${name} the bytes are opaque and flow both ways`, async (t) => {
    const server = await peerServer(t)
    const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
    const client = await connectTo(t, tape.port)
    client.write(request)
    const served = await server.next()
    await served.take(request.length)
    served.write(response, '\x00\x01 from the server')
    t.is((await client.take(response.length + 18)).toString('latin1'), `${response}\x00\x01 from the server`)
    client.write('GET not a request \xff').finish()
    t.is((await served.rest()).toString('latin1'), 'GET not a request \xff')
    served.write('more').finish()
    t.is((await client.rest()).toString(), 'more')
    await client.gone()
    const recording = await tape.recorded()
    const exchange = onlyExchange(recording)
    t.is(exchange.status, status)
    t.is(exchange.error, null)
    t.is(await textOf(recording.message(exchange.id, 'response')), response)
    const opaque = [...recording.segments({ where: 'kind = \'opaque\'' })]
    const textOfDirection = (direction: string): string =>
      Buffer.concat(opaque.filter((segment) => segment.direction === direction).map(({ bytes }) => bytes)).toString('latin1')
    t.is(textOfDirection('up'), 'GET not a request \xff')
    t.is(textOfDirection('down'), '\x00\x01 from the servermore')
    t.deepEqual([...recording.events()], [], 'the protocol asked for it: nothing to report')
  })
}
