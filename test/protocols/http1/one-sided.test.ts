import test from 'ava'
import { Http1Decoder } from '../../../src/protocols/http1/index.js'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'

function types(events: readonly { type: string, message?: number }[]): string[] {
  return events.filter(({ type }) => type !== 'span').map(({ type, message }) => `${type} ${message}`)
}

test('responses alone are read by the methods that were expected, and nothing is left of them', t => {
  const decoder = new Http1Decoder()
  for (let message = 0; message < 1000; message++) {
    decoder.expect(message % 2 === 0 ? 'HEAD' : 'GET')
    const bytes = message % 2 === 0 ? ok.slice(0, -2) : ok
    t.deepEqual(types(decoder.receive('down', Buffer.from(bytes), 0)), [`response ${message}`, `end ${message}`])
  }
  t.deepEqual(decoder.outstanding, [])
})

test('requests alone are answered by whoever holds the decoder, and nothing is left of them', t => {
  const decoder = new Http1Decoder()
  for (let message = 0; message < 1000; message++) {
    decoder.receive('up', Buffer.from(get), 0)
    t.deepEqual(decoder.outstanding, [message])
    decoder.answered(200)
  }
  t.deepEqual(decoder.outstanding, [])
  decoder.answered(200)
})

test('an answer from elsewhere moves the pairing on to the next request', t => {
  const decoder = new Http1Decoder()
  decoder.receive('up', Buffer.from(get + get), 0)
  decoder.answered(404)
  t.deepEqual(types(decoder.receive('down', Buffer.from(ok), 0)), ['response 1', 'end 1'])
})

test('a CONNECT refused from elsewhere is followed by HTTP', t => {
  const decoder = new Http1Decoder()
  decoder.receive('up', Buffer.from('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'), 0)
  decoder.answered(403)
  t.deepEqual(types(decoder.receive('up', Buffer.from(get), 0)), ['request 1', 'end 1'])
})

test('a request sent with another method has its response framed for that one', t => {
  const decoder = new Http1Decoder()
  decoder.receive('up', Buffer.from(get), 0)
  decoder.sentAs(0, 'HEAD')
  t.deepEqual(types(decoder.receive('down', Buffer.from(ok.slice(0, -2)), 0)), ['response 0', 'end 0'])
})

test('trailers say where they stand', t => {
  const decoder = new Http1Decoder()
  const body = '2\r\nhi\r\n0;x\r\nA: b\r\n\r\n'
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  decoder.expect('GET')
  const events = Array.from(`${head}${body}`).flatMap(byte => decoder.receive('down', Buffer.from(byte), 0))
  const trailers = events.find(event => event.type === 'trailers')
  t.is((head + body).slice(trailers?.start, trailers?.end), 'A: b\r\n\r\n')
})
