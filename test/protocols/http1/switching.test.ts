import test from 'ava'
import { Http1Decoder } from '../../../src/protocols/http1/index.js'
import { down, downEnds, play, playTo, spansOf, up, upEnds } from './harness.js'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const CONNECT = 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'
const CONNECTED = ['request 0: CONNECT a:443 1.1 {Host: a:443}', 'up end 0']
const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

test('CONNECT and 200: both directions are a tunnel after the heads', t => {
  const steps = [up(CONNECT), down('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'), up('\x16\x03\x01'), down('\x16\x03\x03')]
  t.deepEqual(play(...steps), [
    ...CONNECTED,
    'response 0: 200 OK 1.1 {Content-Length: 5} [unexpected-framing]',
    'down end 0',
    'down opaque 0 from 38',
    'up opaque 0 from 39',
  ])
  t.deepEqual(spansOf('up', ...steps), ['head 0-39 #0', 'opaque 39-42 #0'])
  t.deepEqual(spansOf('down', ...steps), ['head 0-38 #0', 'opaque 38-41 #0'])
})

test('CONNECT: bytes sent before the answer are the tunnel\'s', t => {
  const steps = [up(CONNECT + '\x16\x03'), up('\x01'), down('HTTP/1.1 200\r\n\r\n')]
  t.deepEqual(play(...steps).at(-1), 'up opaque 0 from 39')
  t.deepEqual(spansOf('up', ...steps), ['head 0-39 #0', 'opaque 39-42 #0'])
})

test('CONNECT refused: HTTP goes on at the next byte', t => {
  const refused = down('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
  t.deepEqual(play(up(CONNECT), refused, up(CONNECT)), [
    ...CONNECTED,
    'response 0: 407 Proxy Authentication Required 1.1 {Content-Length: 0}',
    'down end 0',
    'request 1: CONNECT a:443 1.1 {Host: a:443}',
    'up end 1',
  ])
  t.deepEqual(spansOf('up', up(CONNECT + 'early'), refused, up(GET)), ['head 0-39 #0', 'opaque 39-44 #0', 'head 44-71 #1'])
})

test('CONNECT behind other requests waits for its own answer', t => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
  t.deepEqual(play(up(GET + CONNECT), down(ok), up('x'), down('HTTP/1.1 200 OK\r\n\r\n')).slice(4), [
    'response 0: 200 OK 1.1 {Content-Length: 0}',
    'down end 0',
    'response 1: 200 OK 1.1',
    'down end 1',
    'down opaque 1 from 57',
    'up opaque 1 from 66',
  ])
})

test('CONNECT has no body, and an interim response doesn\'t open the tunnel', t => {
  const connect = up('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 3\r\n\r\n')
  t.deepEqual(play(connect, down('HTTP/1.1 100 Continue\r\n\r\n'), downEnds(), upEnds()), [
    'request 0: CONNECT a:1 1.1 {Host: a:1} {Content-Length: 3} [unexpected-framing]',
    'up end 0',
    'response 0: 100 Continue 1.1 [informational]',
  ])
})

test('CONNECT that was answered before its head was complete opens no tunnel', t => {
  const refused = down('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')
  t.deepEqual(play(up(CONNECT.slice(0, 9)), refused, up(CONNECT.slice(9) + GET)), [
    'response 0: 408 Request Timeout 1.1 {Content-Length: 0}',
    'down end 0',
    ...CONNECTED,
    'request 1: GET / 1.1 {Host: a}',
    'up end 1',
  ])
})

test('101: both directions are opaque after the response head', t => {
  const steps = [up(UPGRADE), down(SWITCHING + '\x81\x02hi'), up('\x81\x80')]
  t.deepEqual(play(...steps).slice(2), [
    'response 0: 101 Switching Protocols 1.1 {Upgrade: websocket} {Connection: Upgrade}',
    'down end 0',
    'down opaque 0 from 77',
    'up opaque 0 from 72',
  ])
  t.deepEqual(spansOf('down', ...steps), ['head 0-77 #0', 'opaque 77-81 #0'])
  t.deepEqual(spansOf('up', ...steps), ['head 0-72 #0', 'opaque 72-74 #0'])
})

test('101 takes a head in progress back from its start', t => {
  const steps = [up(UPGRADE + 'HELLO'), down(SWITCHING), up('WORLD')]
  t.is(play(...steps).at(-1), 'up opaque 0 from 72')
  t.deepEqual(spansOf('up', ...steps), ['head 0-72 #0', 'opaque 72-82 #0'])
  const decoder = new Http1Decoder()
  playTo(decoder, steps)
  t.deepEqual(decoder.outstanding, [])
  t.is(decoder.bufferedBytes, 0)
})

test('101 lets the body of its own request finish first', t => {
  const upgrade = 'POST / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\nab'
  const steps = [up(upgrade), down(SWITCHING), up('cdNEW')]
  t.deepEqual(play(...steps).slice(-2), ['up end 0', 'up opaque 0 from 63'])
  t.deepEqual(spansOf('up', ...steps), ['head 0-59 #0', 'body 59-63 #0', 'opaque 63-66 #0'])
})

test('101 cuts the body of a later request', t => {
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab'
  t.deepEqual(play(up(UPGRADE + post), down(SWITCHING)).slice(-2), [
    'up end 1: body cut: the connection switched to another protocol',
    'up opaque 0 from 121',
  ])
})
