import test from 'ava'
import { Http1Decoder } from '../../../src/protocols/http1/index.js'
import { down, downEnds, play, playTo, type Step, spansOf, up, upEnds } from './harness.js'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'

test('a request and its response', t => {
  t.deepEqual(play(up(GET), down(OK)), [
    'request 0: GET / 1.1 {Host: a}',
    'up end 0',
    'response 0: 200 OK 1.1 {Content-Length: 2}',
    'down end 0',
  ])
  t.deepEqual(spansOf('up', up(GET)), ['head 0-27 #0'])
  t.deepEqual(spansOf('down', up(GET), down(OK)), ['head 0-38 #0', 'body 38-40 #0'])
})

test('events carry offsets, times and the raw head', t => {
  const decoder = new Http1Decoder()
  decoder.receive('up', Buffer.from('\r\nPOST / HT'), 1_000)
  const events = decoder.receive('up', Buffer.from('TP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'), 2_000)
  const raw = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n')
  t.deepEqual(events, [
    { type: 'span', direction: 'up', kind: 'head', start: 11, end: 49, message: 0 },
    {
      type: 'request', message: 0, start: 2, end: 49, startedAt: 1_000, at: 2_000, method: 'POST', target: '/',
      version: '1.1', headers: [['Host', 'a'], ['Content-Length', '2']], flags: [], raw,
    },
    { type: 'span', direction: 'up', kind: 'body', start: 49, end: 51, message: 0 },
    { type: 'end', direction: 'up', message: 0, at: 2_000, complete: true, error: null },
  ])
})

test('raw stays intact while the rest of the call is read', t => {
  const decoder = new Http1Decoder()
  decoder.receive('up', Buffer.from(GET.slice(0, 10)), 0)
  const events = decoder.receive('up', Buffer.from(GET.slice(10) + get('/another/and/longer').slice(0, 30)), 0)
  const request = events.find(event => event.type === 'request')
  t.is(request?.raw.toString(), GET)
})

test('keep-alive: the same heads again are read again', t => {
  t.deepEqual(play(up(GET), down(OK), up(GET), down(OK)), [
    'request 0: GET / 1.1 {Host: a}',
    'up end 0',
    'response 0: 200 OK 1.1 {Content-Length: 2}',
    'down end 0',
    'request 1: GET / 1.1 {Host: a}',
    'up end 1',
    'response 1: 200 OK 1.1 {Content-Length: 2}',
    'down end 1',
  ])
})

test('pipelining: a response belongs to the oldest request without one', t => {
  t.deepEqual(play(up(get('/a') + get('/b') + get('/c')), down(OK + 'HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n')), [
    'request 0: GET /a 1.1 {Host: a}',
    'up end 0',
    'request 1: GET /b 1.1 {Host: a}',
    'up end 1',
    'request 2: GET /c 1.1 {Host: a}',
    'up end 2',
    'response 0: 200 OK 1.1 {Content-Length: 2}',
    'down end 0',
    'response 1: 404  1.1 {Content-Length: 0}',
    'down end 1',
  ])
})

test('outstanding names the requests without a final response', t => {
  const outstandingAfter = (...steps: Step[]) => {
    const decoder = new Http1Decoder()
    playTo(decoder, [up(get('/a') + get('/b') + 'GET /c'), ...steps])
    return decoder.outstanding
  }
  t.deepEqual(outstandingAfter(), [0, 1, 2])
  t.deepEqual(outstandingAfter(down('HTTP/1.1 100 Continue\r\n\r\n')), [0, 1, 2])
  t.deepEqual(outstandingAfter(down(OK)), [1, 2])
})

test('HEAD, 204 and 304 have no body, whatever their length says', t => {
  const next = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
  const head = up('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
  const afterwards = [
    'down end 0',
    'request 1: GET / 1.1 {Host: a}',
    'up end 1',
    'response 1: 200 OK 1.1 {Content-Length: 0}',
    'down end 1',
  ]
  const after = (...steps: Step[]) => play(...steps, up(GET), down(next)).slice(3)
  t.deepEqual(after(head, down('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')), afterwards)
  t.deepEqual(after(head, down('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')), afterwards)
  t.deepEqual(after(up(GET), down('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n')), afterwards)
  t.deepEqual(after(up(GET), down('HTTP/1.1 204 No Content\r\n\r\n')), afterwards)
})

test('a response that runs until the connection closes', t => {
  const response = 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'
  t.deepEqual(play(up(GET), down(response), downEnds()).slice(2), ['response 0: 200 OK 1.1', 'down end 0'])
  t.deepEqual(play(up(GET), down(response), downEnds('cut')).slice(3), [
    "down end 0: body cut after 19 bytes: it lasts until the connection closes, and that didn't close in order",
  ])
  t.deepEqual(spansOf('down', up(GET), down(response)), ['head 0-19 #0', 'body 19-38 #0'])
})

test('a response that nobody asked for gets an ordinal of its own', t => {
  t.deepEqual(play(down('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'), up(GET), down(OK)), [
    'response 0: 408 Request Timeout 1.1 {Content-Length: 0} [unrequested]',
    'down end 0',
    'request 1: GET / 1.1 {Host: a}',
    'up end 1',
    'response 1: 200 OK 1.1 {Content-Length: 2}',
    'down end 1',
  ])
})

test('an answer to a request whose head is still on its way belongs to it', t => {
  const timeout = down('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')
  t.deepEqual(play(up('GET / HT'), timeout, up('TP/1.1\r\nHost: a\r\n\r\n')), [
    'response 0: 408 Request Timeout 1.1 {Content-Length: 0}',
    'down end 0',
    'request 0: GET / 1.1 {Host: a}',
    'up end 0',
  ])
})

const EXPECT = 'PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n'
const EXPECT_LINE = 'request 0: PUT / 1.1 {Host: a} {Expect: 100-continue} {Content-Length: 2}'

test('Expect: 100-continue, and the server says go on', t => {
  t.deepEqual(play(up(EXPECT), down('HTTP/1.1 100 Continue\r\n\r\n'), up('hi'), down(OK)), [
    EXPECT_LINE,
    'response 0: 100 Continue 1.1 [informational]',
    'up end 0',
    'response 0: 200 OK 1.1 {Content-Length: 2}',
    'down end 0',
  ])
})

test('Expect: 100-continue, and the server answers at once; the body comes or is never sent', t => {
  const refused = down('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n')
  const answer = [EXPECT_LINE, 'response 0: 417 No 1.1 {Content-Length: 0}', 'down end 0']
  t.deepEqual(play(up(EXPECT), refused, up('hi' + GET)), [...answer, 'up end 0', 'request 1: GET / 1.1 {Host: a}', 'up end 1'])
  t.deepEqual(play(up(EXPECT), refused, upEnds()), [...answer, 'up end 0: body cut at 0 of 2 bytes'])
})

test('103 Early Hints come before the final response, any number of them', t => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'
  t.deepEqual(play(up(GET), down(hints + hints + OK)).slice(2), [
    'response 0: 103 Early Hints 1.1 {Link: </a.css>} [informational]',
    'response 0: 103 Early Hints 1.1 {Link: </a.css>} [informational]',
    'response 0: 200 OK 1.1 {Content-Length: 2}',
    'down end 0',
  ])
})

test('a final response before the request body is complete', t => {
  t.deepEqual(play(up('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab'), down(OK), up('cd' + GET)), [
    'request 0: POST / 1.1 {Host: a} {Content-Length: 4}',
    'response 0: 200 OK 1.1 {Content-Length: 2}',
    'down end 0',
    'up end 0',
    'request 1: GET / 1.1 {Host: a}',
    'up end 1',
  ])
})

test('Connection: close and HTTP/1.0 do not stop the reading', t => {
  t.deepEqual(play(up('GET / HTTP/1.0\r\nConnection: close\r\n\r\n' + GET)), [
    'request 0: GET / 1.0 {Connection: close}',
    'up end 0',
    'request 1: GET / 1.1 {Host: a}',
    'up end 1',
  ])
})

test('empty lines before a request are framing that belongs to no message', t => {
  t.deepEqual(spansOf('up', up('\r\n\r\n' + GET)), ['framing 0-4 #-1', 'head 4-31 #0'])
})

test('a message that is cut says how far it got', t => {
  t.deepEqual(play(up('GET / HTTP/1.1\r\nHost: a'), upEnds('cut')), ['up end 0: head cut after 23 bytes'])
  t.deepEqual(play(up('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n0123456789'), upEnds()).slice(1), [
    'up end 0: body cut at 10 of 20 bytes',
  ])
  t.deepEqual(play(up(GET), down('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel'), downEnds()).slice(3), [
    'down end 0: chunked body cut before its last chunk',
  ])
  t.deepEqual(play(up(GET), down('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b'), downEnds()).slice(3), [
    'down end 0: chunked body cut in its trailer section',
  ])
  t.deepEqual(play(up(GET), upEnds(), upEnds('cut'), downEnds()), ['request 0: GET / 1.1 {Host: a}', 'up end 0'])
})

test('bytes after the end of a direction are opaque', t => {
  t.deepEqual(spansOf('up', up(GET), upEnds(), up(GET)), ['head 0-27 #0', 'opaque 27-54 #-1'])
})

test('the options are checked', t => {
  t.throws(() => new Http1Decoder({ headLimit: 63 }), { instanceOf: RangeError, message: /headLimit.*64.*63/ })
  t.throws(() => new Http1Decoder({ headLimit: 100.5 }), { instanceOf: RangeError })
  t.notThrows(() => new Http1Decoder({ headLimit: 64 }))
})
