import test from 'ava'
import { firstHeader, Http1Decoder, headerValues } from '../../../src/protocols/http1/index.js'
import { down, downEnds, play, spansOf, up } from './harness.js'

const headersOf = (head: string) => {
  for (const event of new Http1Decoder().receive('up', Buffer.from(head, 'latin1'), 0)) {
    if (event.type === 'request') return event.headers
  }
  throw new Error('no request')
}

test('fields keep their order, their case and their repeats', t => {
  const headers = headersOf('GET / HTTP/1.1\r\nhOSt:a\r\nX-A: 1\r\nx-a:  2 \t\r\nEmpty:\r\nColon: a:b\r\nLatin: \xe9\r\n\r\n')
  t.deepEqual(headers, [['hOSt', 'a'], ['X-A', '1'], ['x-a', '2'], ['Empty', ''], ['Colon', 'a:b'], ['Latin', '\xe9']])
  t.deepEqual(headerValues(headers, 'x-a'), ['1', '2'])
  t.deepEqual(headerValues(headers, 'x-b'), [])
  t.is(firstHeader(headers, 'x-a'), '1')
  t.is(firstHeader(headers, 'empty'), '')
  t.is(firstHeader(headers, 'x-b'), undefined)
})

test('lines that go on are joined with one space, and ignored before the first field', t => {
  t.deepEqual(headersOf('GET / HTTP/1.1\r\n X: y\r\nA: b \r\n \t c\r\n\t\r\n d\r\nE:\r\n f\r\n\r\n'), [['A', 'b c d'], ['E', 'f']])
})

test('a name with a space before its colon counts as that name', t => {
  t.is(play(up('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\nhi'))[1], 'up end 0')
  t.deepEqual(spansOf('up', up('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\nhi')).at(-1), 'body 47-49 #0')
})

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

const chunked = (body: string) => [up(GET), down(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`)]

test('chunks, extensions and trailers', t => {
  const steps = chunked('5;a=b;c="d"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nDigest: x\r\nX: y\r\n\r\n')
  t.deepEqual(play(...steps).slice(3), ['down trailers 0: {Digest: x} {X: y}', 'down end 0'])
  t.deepEqual(spansOf('down', ...steps), [
    'head 0-47 #0', 'framing 47-60 #0', 'body 60-65 #0', 'framing 65-72 #0', 'body 72-82 #0', 'framing 82-106 #0',
  ])
})

test('trailers don\'t change how the body was framed, and none at all give no event', t => {
  t.deepEqual(play(...chunked('0\r\nContent-Length: 5\r\n\r\n')).slice(3), ['down trailers 0: {Content-Length: 5}', 'down end 0'])
  t.deepEqual(play(...chunked('0\r\n\r\n')).slice(3), ['down end 0'])
})

test('odd chunk sizes are read as strtol would', t => {
  t.deepEqual(play(...chunked('0x2\r\nab\r\n+2\r\nab\r\n 2 ;x\r\nab\r\n0\n\r\n')).slice(3), [
    'down flag 0: odd-chunk-size at 47',
    'down flag 0: bare-lf-in-chunk at 75',
    'down end 0',
  ])
})

test('each message has its own flags', t => {
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\n\r\n'
  t.deepEqual(play(up(post + post)).filter(line => line.includes(' flag ')), [
    'up flag 0: odd-chunk-size at 56',
    'up flag 1: odd-chunk-size at 118',
  ])
})

test('both framings: Transfer-Encoding wins', t => {
  const head = 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n'
  t.deepEqual(play(up(`${head}1\r\na\r\n0\r\n\r\n`)), [
    'request 0: PUT / 1.1 {Host: a} {Content-Length: 99} {Transfer-Encoding: chunked} '
    + '[content-length-and-transfer-encoding]',
    'up end 0',
  ])
})

test('a response whose last coding isn\'t chunked runs until the connection closes', t => {
  const response = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nabc'
  t.deepEqual(play(up(GET), down(response), downEnds()).slice(2), [
    'response 0: 200 OK 1.1 {Transfer-Encoding: gzip} {Content-Length: 1} '
    + '[content-length-and-transfer-encoding, odd-transfer-encoding]',
    'down end 0',
  ])
})

test('a blank line of bare LFs ends the head, even where a CRLF one follows in the body', t => {
  t.deepEqual(spansOf('up', up('PUT / HTTP/1.1\nHost: a\nContent-Length: 6\n\nab\r\n\r\n')), ['head 0-42 #0', 'body 42-48 #0'])
  t.deepEqual(spansOf('up', up('PUT / HTTP/1.1\nHost: a\nContent-Length: 6\n\r\nab\r\n\r\n')), ['head 0-43 #0', 'body 43-49 #0'])
  t.deepEqual(spansOf('up', up('GET / HTTP/1.0\n\nGET / HTTP/1.0\r\n\r\n')), ['head 0-16 #0', 'head 16-34 #1'])
})
