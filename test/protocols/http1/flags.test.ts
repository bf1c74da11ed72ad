import test from 'ava'
import { FLAGS, type Flag } from '../../../src/protocols/http1/index.js'
import { down, play, up } from './harness.js'

const flagsIn = (line: string | undefined): string[] => /\[(.*)\]$/.exec(line ?? '')?.[1]?.split(', ') ?? []

const ofRequest = (head: string) => flagsIn(play(up(head))[0])
const withHeader = (header: string) => ofRequest(`GET / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`)
const ofResponse = (head: string) => flagsIn(play(up('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), down(head))[2])
const ofChunks = (body: string) => play(up(`PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`))
  .flatMap(line => /^up flag 0: (\S+) at/.exec(line)?.[1] ?? [])

/** What raises each flag, and what comes near it but doesn't. */
const CASES: Record<Flag, { raised: string[][], other: string[][] }> = {
  'content-length-and-transfer-encoding': {
    raised: [withHeader('Content-Length: 5\r\nTransfer-Encoding: chunked')],
    other: [withHeader('Transfer-Encoding: chunked'), withHeader('Content-Length: 5')],
  },
  'repeated-content-length': {
    raised: [withHeader('Content-Length: 5\r\ncontent-length: 5'), withHeader('Content-Length: 5, 5')],
    other: [withHeader('Content-Length: 5'), withHeader('Content-Length: 5\r\nContent-Length: 6')],
  },
  'conflicting-content-length': {
    raised: [withHeader('Content-Length: 5\r\nContent-Length: 6'), withHeader('Content-Length: 5, 6')],
    other: [withHeader('Content-Length: 5\r\nContent-Length: 05')],
  },
  'invalid-content-length': {
    raised: ['+5', '0x5', '-1', '', '5 5', '1e3', '9007199254740992', '5\x0b', '5,']
      .map(value => withHeader(`Content-Length: ${value}`)),
    other: [withHeader('Content-Length:\t5 '), withHeader('Content-Length: 0'), withHeader('Content-Length: 9007199254740991')],
  },
  'space-before-colon': { raised: [withHeader('A : b'), withHeader('A\t: b')], other: [withHeader('A:b')] },
  'odd-field-name': {
    raised: [withHeader('A b: c'), withHeader(': c'), withHeader('A\xe9: c')],
    other: [withHeader("!#$%&'*+-.^_`|~9: c")],
  },
  'odd-transfer-encoding': {
    raised: [
      ...['xchunked', 'chunked, chunked', 'chunked, gzip', '"chunked"', '\x0bchunked', 'chunked;q=1', ', chunked', '', 'identity']
        .map(value => withHeader(`Transfer-Encoding: ${value}`)),
      withHeader('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
      ofRequest('GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'),
      ofResponse('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
    ],
    other: ['Chunked', 'gzip, chunked', '\tchunked '].map(value => withHeader(`Transfer-Encoding:${value}`)),
  },
  'unexpected-framing': {
    raised: [
      ofRequest('CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n'),
      ofResponse('HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n'),
      ofResponse('HTTP/1.1 100 Go\r\nTransfer-Encoding: chunked\r\n\r\n'),
      ofResponse('HTTP/1.1 101 Go\r\nContent-Length: 5\r\n\r\n'),
    ],
    other: [ofResponse('HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n'), ofResponse('HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n')],
  },
  'bare-lf': {
    raised: [
      ofRequest('GET / HTTP/1.1\nHost: a\r\n\r\n'), ofRequest('GET / HTTP/1.1\r\nHost: a\n\r\n'),
      ofRequest('GET / HTTP/1.1\r\nHost: a\r\n\n'),
      ofRequest('\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'), ofChunks('0\r\nA: b\n\r\n'),
    ],
    other: [ofRequest('\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')],
  },
  'bare-cr': {
    raised: [
      withHeader('A: b\rc'), withHeader('A: b\r'), ofRequest('GET /\r HTTP/1.1\r\nHost: a\r\n\r\n'),
      ofRequest('\rGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
      ofRequest('\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'), ofChunks('0;a\rb\r\n\r\n'),
    ],
    other: [withHeader('A: b')],
  },
  'obs-fold': { raised: [withHeader('A: b\r\n c'), withHeader('A: b\r\n\t')], other: [withHeader('A: b \t')] },
  'nul': { raised: [withHeader('A: \0'), ofRequest('GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n')], other: [withHeader('A: \x01')] },
  'control-character': {
    raised: [withHeader('A: \x0b'), withHeader('A: \x7f'), ofRequest('GET /\x1b HTTP/1.1\r\nHost: a\r\n\r\n')],
    other: [withHeader('A: \xe9\t\x80')],
  },
  'whitespace-before-first-header': {
    raised: [ofRequest('GET / HTTP/1.1\r\n A: b\r\n C: d\r\nHost: a\r\n\r\n'), ofRequest('GET / HTTP/1.1\r\n \r\n\r\n')],
    other: [withHeader(' A: b')],
  },
  'repeated-host': { raised: [withHeader('host: a')], other: [withHeader('Hosts: a')] },
  'missing-host': {
    raised: [ofRequest('GET / HTTP/1.1\r\n\r\n'), ofRequest('GET / HTTP/1.2\r\n\r\n')],
    other: [ofRequest('GET / HTTP/1.0\r\n\r\n'), ofRequest('GET / HTTP/1.1\r\nHost:\r\n\r\n')],
  },
  'odd-start-line': {
    raised: [
      ...['GET  / HTTP/1.1', 'GET /  HTTP/1.1', 'GET\t/ HTTP/1.1', 'GET / HTTP/1.1 ', 'GET /a b HTTP/1.1', 'GET /a\tb HTTP/1.1']
        .map(line => ofRequest(`${line}\r\nHost: a\r\n\r\n`)),
      ofResponse('HTTP/1.1  204 No\r\n\r\n'), ofResponse('HTTP/1.1\t204 No\r\n\r\n'), ofResponse('HTTP/1.1 204\tNo\r\n\r\n'),
    ],
    other: [ofResponse('HTTP/1.1 204\r\n\r\n'), ofResponse('HTTP/1.1 204 \r\n\r\n'), ofResponse('HTTP/1.1 204 Not at all\r\n\r\n')],
  },
  'odd-version': {
    raised: [
      ofRequest('GET / HTTP/1.2\r\nHost: a\r\n\r\n'), ofRequest('GET / HTTP/0.9\r\nHost: a\r\n\r\n'),
      ofResponse('HTTP/1.3 204 No\r\n\r\n'),
    ],
    other: [ofRequest('GET / HTTP/1.0\r\n\r\n')],
  },
  'blank-line-before-status': {
    raised: [ofResponse('\r\nHTTP/1.1 204 No\r\n\r\n')],
    other: [ofResponse('HTTP/1.1 204 No\r\n\r\n'), ofRequest('\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')],
  },
  'odd-chunk-size': {
    raised: ['0x0', '+0', ' 0', '0 ', '0\t', '0 ;a'].map(size => ofChunks(`${size}\r\n\r\n`)),
    other: ['0', '000', '0;a', '0; a=" b"'].map(size => ofChunks(`${size}\r\n\r\n`)),
  },
  'bare-lf-in-chunk': {
    raised: [ofChunks('0\n\r\n'), ofChunks('1\r\na\n0\r\n\r\n')],
    other: [ofChunks('1\r\n\n\r\n0\r\n\r\n')],
  },
}

for (const flag of FLAGS) {
  test(`flag ${flag}`, t => {
    const { raised, other } = CASES[flag]
    raised.forEach((flags, index) => t.true(flags.includes(flag), `raised[${index}] has ${JSON.stringify(flags)}`))
    other.forEach((flags, index) => t.false(flags.includes(flag), `other[${index}] has ${JSON.stringify(flags)}`))
  })
}

test('an ordinary message has no flags', t => {
  t.deepEqual(withHeader('Content-Length: 5'), [])
  t.deepEqual(ofResponse('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'), [])
  t.deepEqual(ofChunks('3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n'), [])
})

test('a flag is given once a message, even where its reason repeats', t => {
  t.deepEqual(ofRequest('GET / HTTP/1.1\nHost: a\nA: b\n\n'), ['bare-lf'])
  t.deepEqual(ofChunks('1 \r\na\r\n1 \r\na\r\n0\r\n\r\n'), ['odd-chunk-size'])
})
