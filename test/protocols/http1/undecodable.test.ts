import test from 'ava'
import { Http1Decoder } from '../../../src/protocols/http1/index.js'
import { down, play, playTo, spansOf, up } from './harness.js'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

test('a request that can\'t be read uses its ordinal, and the 400 is its answer', t => {
  const refusal = down('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
  t.deepEqual(play(up(GET), down('HTTP/1.1 204\r\n\r\n'), up('GET /a b c\r\n' + GET), refusal).slice(4), [
    'up opaque 1 from 27: request line not understood: "GET /a b c"',
    'response 1: 400 Bad Request 1.1 {Content-Length: 0}',
    'down end 1',
  ])
  t.deepEqual(spansOf('up', up(GET + 'GET'), up(' /a b c\r\n' + GET)), ['head 0-27 #0', 'opaque 27-66 #1'])
})

const refused = (bytes: string) => play(up(bytes)).join('\n')
const refusedDown = (bytes: string) => play(up(GET), down(bytes)).slice(2).join('\n')

test('other protocols are named on their first bytes', t => {
  t.is(refused('\x16\x03\x01\x02'), 'up opaque 0 from 0: this looks like TLS, not HTTP: "\\x16\\x03"')
  t.is(refused('PRI * HTTP/2.0\r\n'), 'up opaque 0 from 0: HTTP/2 preface: only HTTP/1 is read here')
  t.is(refused('GET / HTTP/3.0\r\n'), 'up opaque 0 from 0: HTTP/3.0 is not HTTP/1: "GET / HTTP/3.0"')
  t.is(refused('GET /\r\n'), 'up opaque 0 from 0: HTTP/0.9 request, which has no version: "GET /"')
  t.is(refused('\x00\x01'), 'up opaque 0 from 0: request line not understood: "\\x00\\x01"')
  t.is(refusedDown('<html>\n'), 'down opaque 0 from 0: no status line (not HTTP, or an HTTP/0.9 response): "<html>\\n"')
  t.is(refusedDown('HTTP/2.0 200\r\n'), 'down opaque 0 from 0: HTTP/2.0 is not HTTP/1: "HTTP/2.0 200"')
  t.is(refusedDown('\x15\x03\x01'), 'down opaque 0 from 0: this looks like TLS, not HTTP: "\\x15\\x03"')
})

test('a start line is refused before the head is complete, and quoted in part', t => {
  t.is(refused(`GET ${'a'.repeat(60)}\r\n`), `up opaque 0 from 0: request line not understood: "GET ${'a'.repeat(36)}…"`)
  t.is(refused('G"T / HTTP/1.1\r\n'), 'up opaque 0 from 0: request line not understood: "G\\"T / HTTP/1.1\\r"')
  t.is(refused('GET / http/1.1\r\n'), 'up opaque 0 from 0: request line not understood: "GET / http/1.1"')
  t.is(refused('GET HTTP/1.1\r\n'), 'up opaque 0 from 0: request line not understood: "GET HTTP/1.1"')
  t.is(refused(' GET / HTTP/1.1\r\n'), 'up opaque 0 from 0: request line not understood: " GET / HTTP/1.1"')
  t.is(refused('A'.repeat(40)), `up opaque 0 from 0: request line not understood: "${'A'.repeat(40)}"`)
  t.is(refusedDown('HTTP/1.1 20 OK\r\n'), 'down opaque 0 from 0: status line not understood: "HTTP/1.1 20 OK"')
  t.is(refusedDown('HTTP/1.1 2000\r\n'), 'down opaque 0 from 0: status line not understood: "HTTP/1.1 2000"')
  t.is(refusedDown('HTTP/1.1200 OK\r\n'), 'down opaque 0 from 0: status line not understood: "HTTP/1.1200 OK"')
})

test('a line without a colon', t => {
  t.is(refused('GET / HTTP/1.1\r\nHost a\r\n\r\n'), 'up opaque 0 from 0: field line without a colon: "Host a"')
})

test('a head beyond the limit', t => {
  const head = (length: number) => `GET / HTTP/1.1\r\nHost: ${'a'.repeat(length - 26)}\r\n\r\n`
  const limited = (...pieces: string[]) => playTo(new Http1Decoder({ headLimit: 100 }), pieces.map(up)).events.at(-1)
  const reason = 'up opaque 0 from 0: head longer than 100 bytes'
  t.is(limited(head(100)), 'up end 0')
  t.is(limited(head(101)), reason)
  t.is(limited(head(100).slice(0, 50), head(100).slice(50)), 'up end 0')
  t.is(limited(head(101).slice(0, 50), head(101).slice(50)), reason)
  t.is(limited(head(101).slice(0, 100)), reason)
  t.is(limited(`GET ${'a'.repeat(96)}`), reason)
})

test('a chunk size or line end that is none: the message is cut and the rest is opaque', t => {
  const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  const failure = (body: string) => play(up(chunked + body)).slice(1)
  t.deepEqual(failure('3\r\nabc\r\nxyz\r\n'), [
    'up end 0: chunk size not understood: "xyz"',
    'up opaque 0 from 64: chunk size not understood: "xyz"',
  ])
  t.deepEqual(failure('3\r\nabcd\r\n').slice(1), ['up opaque 0 from 62: chunk data isn\'t followed by a line end but by "d"'])
  t.deepEqual(failure('3\r\nabc\rd').slice(1), ['up opaque 0 from 62: chunk data isn\'t followed by a line end but by "\\rd"'])
  t.deepEqual(failure('\r\n').slice(1), ['up opaque 0 from 56: chunk size not understood: ""'])
  t.deepEqual(failure('-1\r\n').slice(1), ['up opaque 0 from 56: chunk size not understood: "-1"'])
  t.deepEqual(failure('5 5\r\n').slice(1), ['up opaque 0 from 56: chunk size not understood: "5 5"'])
  t.deepEqual(failure('00000000000000001\r\n').slice(1), ['up opaque 0 from 56: chunk size too large: "00000000000000001"'])
  t.deepEqual(failure('ffffffffffffffff\r\n').slice(1), ['up opaque 0 from 56: chunk size too large: "ffffffffffffffff"'])
  t.deepEqual(failure('0\r\nno colon\r\n\r\n').slice(1), [
    'up opaque 0 from 59: in the trailer section: field line without a colon: "no colon"',
  ])
  t.deepEqual(failure(`1;${'a'.repeat(65536)}`).slice(1), ['up opaque 0 from 56: chunk-size line longer than 65536 bytes'])
  t.deepEqual(failure(`0\r\nA: ${'a'.repeat(65536)}`).slice(1), ['up opaque 0 from 59: trailer section longer than 65536 bytes'])
  t.deepEqual(spansOf('up', up(chunked + '3\r\nabc\r\nx'), up('yz\r\n')), [
    'head 0-56 #0', 'framing 56-59 #0', 'body 59-62 #0', 'framing 62-64 #0', 'opaque 64-69 #0',
  ])
})

test('a body whose end can\'t be known: the head is given, the rest is opaque', t => {
  t.deepEqual(play(up('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello')).slice(1), [
    'up end 0: the end of the body can\'t be known: Content-Length "5, 6"',
    'up opaque 0 from 66: the end of the body can\'t be known: Content-Length "5, 6"',
  ])
  t.deepEqual(play(up('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nhello')).slice(2), [
    'up opaque 0 from 53: the end of the body can\'t be known: Transfer-Encoding "gzip" doesn\'t end in chunked',
  ])
  t.deepEqual(play(up(GET), down('HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello')).slice(4), [
    'down opaque 0 from 41: the end of the body can\'t be known: Content-Length "five"',
  ])
})

test('one direction undecodable leaves the other one readable', t => {
  t.deepEqual(play(up(GET), down('oops\n'), up(GET)).slice(3), ['request 1: GET / 1.1 {Host: a}', 'up end 1'])
})

test('requests aren\'t kept for answers that can\'t come any more', t => {
  const decoder = new Http1Decoder()
  playTo(decoder, [up(GET), down('oops\n'), up(GET.repeat(100))])
  t.deepEqual(decoder.outstanding, [0])
})
