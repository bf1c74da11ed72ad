import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { CORPUS, requestFor } from '../protocols/http1/corpus.js'
import { http } from '../real/http-origin.js'
import { connectTo, peerServer } from '../real/peer.js'
import { taping, textOf } from '../real/relaying.js'

const look = http('look', { request: () => {}, response: () => {} })

/** What each sample's message is followed by: a server that saw another boundary would see something else here. */
const smuggled = 'GET /after HTTP/1.1\r\nHost: a\r\n\r\n'

test('no request reaches the server with a boundary that the recording does not have', async (t) => {
  const requests = CORPUS.filter(({ kind }) => kind === 'request')
  const seen = new Map<number, string[]>()
  const server = createServer((request, response) => {
    let length = 0
    request.on('data', (piece: Buffer) => length += piece.length)
    request.on('end', () => {
      const at = seen.get(request.socket.remotePort!) ?? []
      seen.set(request.socket.remotePort!, at)
      at.push(`${request.method} ${request.url!.replace('http://a', '')} ${length}`)
      response.end('ok')
    })
  })
  server.keepAliveTimeout = 600_000
  // Node's own server answers CONNECT by closing.
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${(server.address() as AddressInfo).port}`, plugins: [look] })
  const clients = new Map<number, string>()
  for (const { name, bytes } of requests) {
    const client = await connectTo(t, tape.port)
    clients.set(client.socket.localPort!, name)
    client.write(bytes, smuggled)
    await sleep(5)
    client.finish()
    await client.over()
  }
  const recording = await tape.recorded()
  for (const connection of recording.connections()) {
    const name = clients.get(connection.client!.port)!
    const exchanges = [...recording.exchanges({ where: `connection_id = ${connection.id}` })]
    const served = connection.dial === null ? [] : seen.get(connection.dial.port) ?? []
    // What the record says was answered by the server, in its order; the rest was refused, or never completed.
    const recorded = exchanges.filter(({ status, changed, error }) => status === 200 && !changed && error === null)
      .map(({ method, path, query, requestBodySize }) => `${method} ${path}${query === null ? '' : `?${query}`} ${requestBodySize}`)
    t.deepEqual(served, recorded, name)
  }
})

const ambiguous = ['length and chunked', 'length twice, equal', 'length twice, different', 'length list', 'length with plus', 'coding xchunked', 'chunked twice', 'space before colon',
  'folded value', 'NUL in value', 'bare CR in value', 'bare LF lines', 'two hosts', 'chunk size with 0x', 'chunk lines with bare LF', 'no version', 'TLS hello', 'empty name', 'chunked 1.0']

for (const name of ambiguous) {
  test(`refused with 400: ${name}`, async (t) => {
    const server = await peerServer(t)
    const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
    const client = await connectTo(t, tape.port)
    client.write(CORPUS.find((sample) => sample.kind === 'request' && sample.name === name)!.bytes, smuggled)
    t.regex((await client.rest()).toString('latin1'), /^HTTP\/1.1 400 Bad Request\r\n(?:.|\r\n)*Connection: close\r\n(?:.|\r\n)*does not pass this request on/)
    client.finish()
    const recording = await tape.recorded()
    const [exchange] = [...recording.exchanges()]
    t.like(exchange, { status: 400, changed: true })
    const [event] = [...recording.events({ where: 'kind like \'%-refused\'' })]
    t.is(event?.messageId, exchange!.id)
    const sent = await textOf(recording.stream([...recording.connections()][0]!.id, 'up', 'sent'))
    t.false(sent.includes('/after'), sent)
  })
}

for (const name of ['length and chunked', 'length twice, different', 'bare LF lines', 'folded value', 'coding xchunked', 'no status line', '204 with length', 'two digits']) {
  test(`a response refused with 502: ${name}`, async (t) => {
    const server = await peerServer(t)
    const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
    const client = await connectTo(t, tape.port)
    const sample = CORPUS.find((one) => one.kind === 'response' && one.name === name)!
    client.write(requestFor(sample))
    const served = await server.next()
    await served.through('\r\n\r\n')
    served.write(sample.bytes)
    t.regex((await client.rest()).toString(), /^HTTP\/1.1 502 Bad Gateway\r\n/)
    client.finish()
    await served.over()
    const recording = await tape.recorded()
    const [exchange] = [...recording.exchanges()]
    t.true(exchange!.changed)
    t.regex(await textOf(recording.message(exchange!.id, 'response', 'sent')), /^HTTP\/1.1 502 Bad Gateway\r\n(?:.|\r\n)*on: .*\n$/)
  })
}

test('a head beyond the limit is refused with 431', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`)
  t.regex(await client.through('\r\n\r\n'), /^HTTP\/1.1 431 /)
})

test('what a server says beyond its response is not taken for the next one', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  served.write(`${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)
  t.is((await client.rest()).toString(), ok)
  const recording = await tape.recorded()
  t.is([...recording.events({ where: 'kind = \'unsolicited\'' })].length, 1)
})

test('what an idle server says is not passed on, and the next request gets a connection of its own', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  const ask = async (): Promise<void> => {
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const served = await server.next()
    await served.through('\r\n\r\n')
    served.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    await client.through('ok')
    served.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')
    await served.over()
  }
  await ask()
  await ask()
  client.finish()
  await client.gone()
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ status, error }) => [status, error]), [[200, null], [200, null]])
})
