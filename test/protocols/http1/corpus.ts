/** One message, good or hostile, with what else has to be on the connection for it to mean what it means. */
export interface Sample {
  /** Names the sample in failures and in the table of disagreements. */
  readonly name: string
  readonly kind: 'request' | 'response'
  /** Latin1. */
  readonly bytes: string
  /** A response's request method, GET where it isn't given. */
  readonly method?: string
  /** Whether the message says itself where it ends, so that another one may follow. */
  readonly ends: boolean
}

const HOST = 'Host: a\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

const request = (name: string, bytes: string, ends = true): Sample => ({ name, kind: 'request', bytes, ends })
const response = (name: string, bytes: string, ends = true, method = 'GET'): Sample =>
  ({ name, kind: 'response', bytes, ends, method })
const withHeader = (name: string, header: string, body = '', ends = true) =>
  request(name, `POST / HTTP/1.1\r\n${HOST}${header}\r\n\r\n${body}`, ends)
const withChunks = (name: string, body: string, ends = true) =>
  request(name, `POST / HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${body}`, ends)

export const REQUESTS: readonly Sample[] = [
  request('get', `GET /path?query=1 HTTP/1.1\r\n${HOST}Accept: */*\r\n\r\n`),
  request('get 1.0', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'),
  request('absolute form', `GET http://a/b HTTP/1.1\r\n${HOST}\r\n`),
  request('asterisk form', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`),
  request('unregistered method', `FROB / HTTP/1.1\r\n${HOST}\r\n`),
  request('two pipelined', `GET /a HTTP/1.1\r\n${HOST}\r\nGET /b HTTP/1.1\r\n${HOST}\r\n`),
  request('empty lines first', `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`),
  request('bare LF first', `\nGET / HTTP/1.1\r\n${HOST}\r\n`),
  request('bare CR first', `\rGET / HTTP/1.1\r\n${HOST}\r\n`),
  withHeader('length', 'Content-Length: 5', 'hello'),
  withHeader('length 0', 'Content-Length: 0'),
  withHeader('length with zeros', 'Content-Length: 005', 'hello'),
  withHeader('length with plus', 'Content-Length: +5', 'hello', false),
  withHeader('length negative', 'Content-Length: -1', '', false),
  withHeader('length in hex', 'Content-Length: 0x5', 'hello', false),
  withHeader('length empty', 'Content-Length:', '', false),
  withHeader('length too large', 'Content-Length: 99999999999999999999999', 'hello', false),
  withHeader('length twice, equal', 'Content-Length: 5\r\nContent-Length: 5', 'hello'),
  withHeader('length twice, different', 'Content-Length: 5\r\nContent-Length: 6', 'hello!', false),
  withHeader('length list', 'Content-Length: 5, 5', 'hello'),
  withHeader('length cut', 'Content-Length: 50', 'hello', false),
  withHeader('length and chunked', `Content-Length: 6\r\n${CHUNKED.trimEnd()}`, '0\r\n\r\n'),
  withHeader('gzip then chunked', 'Transfer-Encoding: gzip, chunked', '0\r\n\r\n'),
  withHeader('coding in capitals', 'Transfer-Encoding: CHUNKED', '0\r\n\r\n'),
  withHeader('coding xchunked', 'Transfer-Encoding: xchunked', '0\r\n\r\n', false),
  withHeader('coding quoted', 'Transfer-Encoding: "chunked"', '0\r\n\r\n', false),
  withHeader('chunked twice', 'Transfer-Encoding: chunked, chunked', '0\r\n\r\n'),
  withHeader('chunked not last', 'Transfer-Encoding: chunked, identity', '0\r\n\r\n', false),
  withHeader('coding after vertical tab', 'Transfer-Encoding: \x0bchunked', '0\r\n\r\n', false),
  withHeader('coding folded', 'Transfer-Encoding:\r\n chunked', '0\r\n\r\n'),
  withHeader('coding empty', 'Transfer-Encoding:', '', false),
  request('chunked 1.0', `POST / HTTP/1.0\r\n${CHUNKED}\r\n0\r\n\r\n`),
  withChunks('chunks', '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'),
  withChunks('chunk extensions', '5;a=b;c="d e"\r\nhello\r\n0;z\r\n\r\n'),
  withChunks('chunk trailers', '5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n'),
  withChunks('chunk size with zeros', '0005\r\nhello\r\n000\r\n\r\n'),
  withChunks('chunk size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'),
  withChunks('chunk size with plus', '+5\r\nhello\r\n0\r\n\r\n'),
  withChunks('chunk size then space', '5 \r\nhello\r\n0\r\n\r\n'),
  withChunks('chunk size after space', ' 5\r\nhello\r\n0\r\n\r\n'),
  withChunks('chunk size negative', '-5\r\nhello\r\n0\r\n\r\n', false),
  withChunks('chunk size empty', '\r\nhello\r\n0\r\n\r\n', false),
  withChunks('chunk size too long', '00000000000000005\r\nhello\r\n0\r\n\r\n', false),
  withChunks('chunk size too large', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n', false),
  withChunks('chunk lines with bare LF', '5\nhello\n0\n\n'),
  withChunks('chunk longer than its size', '3\r\nhello\r\n0\r\n\r\n', false),
  withChunks('two CRs after chunk data', '5\r\nhello\r\r\n0\r\n\r\n', false),
  withChunks('bare CR in chunk extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'),
  withChunks('bare LF in trailers', '0\r\nA: b\n\r\n'),
  withChunks('trailer without colon', '0\r\nA\r\n\r\n', false),
  withChunks('chunks cut', '5\r\nhel', false),
  withHeader('space before colon', 'Content-Length : 5', 'hello'),
  withHeader('folded value', 'A: b\r\n c\r\n\td'),
  withHeader('line without colon', 'A', '', false),
  withHeader('empty name', ': b'),
  withHeader('name with space', 'A b: c'),
  withHeader('NUL in value', 'A: b\0c'),
  withHeader('control character in value', 'A: b\x01c'),
  withHeader('bare CR in value', 'A: b\rc'),
  withHeader('bare CR before CRLF', 'A: b\r'),
  withHeader('latin1 in value', 'A: caf\xe9'),
  request('whitespace before first field', `GET / HTTP/1.1\r\n X: y\r\n${HOST}\r\n`),
  request('bare LF lines', 'GET / HTTP/1.1\nHost: a\n\n'),
  request('bare LF blank line', `GET / HTTP/1.1\r\n${HOST}\n`),
  request('fold of one space and bare LF', `GET / HTTP/1.1\r\n${HOST}A: b\n \n\n`),
  request('no host', 'GET / HTTP/1.1\r\n\r\n'),
  request('two hosts', `GET / HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`),
  request('two spaces before target', `GET  / HTTP/1.1\r\n${HOST}\r\n`),
  request('two spaces after target', `GET /  HTTP/1.1\r\n${HOST}\r\n`),
  request('space after version', `GET / HTTP/1.1 \r\n${HOST}\r\n`),
  request('space in target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`),
  request('tab in request line', `GET\t/ HTTP/1.1\r\n${HOST}\r\n`),
  request('version 1.2', `GET / HTTP/1.2\r\n${HOST}\r\n`),
  request('version 2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`, false),
  request('no version', 'GET /\r\n\r\n', false),
  request('lower-case version', `GET / http/1.1\r\n${HOST}\r\n`, false),
  request('HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', false),
  request('TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', false),
  request('head cut', 'GET / HTTP/1.1\r\nHost: a\r\nAcc', false),
  request('connect', `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`, false),
]

const OK = 'HTTP/1.1 200 OK\r\n'

export const RESPONSES: readonly Sample[] = [
  response('length', `${OK}Content-Length: 5\r\n\r\nhello`),
  response('length 0', `${OK}Content-Length: 0\r\n\r\n`),
  response('no reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n'),
  response('empty reason', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n'),
  response('chunks and trailers', `${OK}${CHUNKED}\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`),
  response('until close', `${OK}\r\nhello`, false),
  response('until close 1.0', 'HTTP/1.0 200 OK\r\n\r\nhello', false),
  response('keep-alive 1.0', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello'),
  response('100 then 200', `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`),
  response('103 then 200', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`),
  response('204', 'HTTP/1.1 204 No Content\r\n\r\n'),
  response('204 with length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'),
  response('304 with length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'),
  response('to HEAD', `${OK}Content-Length: 5\r\n\r\n`, true, 'HEAD'),
  response('to HEAD, chunked', `${OK}${CHUNKED}\r\n`, true, 'HEAD'),
  response('length cut', `${OK}Content-Length: 50\r\n\r\nhello`, false),
  response('chunks cut', `${OK}${CHUNKED}\r\n5\r\nhel`, false),
  response('length and chunked', `${OK}Content-Length: 6\r\n${CHUNKED}\r\n0\r\n\r\n`),
  response('length twice, equal', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`),
  response('length twice, different', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, false),
  response('length with plus', `${OK}Content-Length: +5\r\n\r\nhello`, false),
  response('coding gzip', `${OK}Transfer-Encoding: gzip\r\n\r\nhello`, false),
  response('coding xchunked', `${OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, false),
  response('chunked 1.0', `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n0\r\n\r\n`),
  response('space before colon', `${OK}Content-Length : 5\r\n\r\nhello`),
  response('folded value', `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`),
  response('bare LF lines', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'),
  response('NUL in value', `${OK}A: b\0c\r\nContent-Length: 0\r\n\r\n`),
  response('empty line first', `\r\n${OK}Content-Length: 0\r\n\r\n`),
  response('two spaces before status', 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n'),
  response('two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', false),
  response('four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', false),
  response('status 999', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'),
  response('version 1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n'),
  response('no status line', '<html></html>\n', false),
  response('ICY', 'ICY 200 OK\r\n\r\n', false),
  response('head cut', 'HTTP/1.1 200 OK\r\nContent-Le', false),
  response('101', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', false),
]

export const CORPUS: readonly Sample[] = [...REQUESTS, ...RESPONSES]

/** The samples' messages one after the other as their connections would have them, the request first. */
export function requestFor(sample: Sample): string {
  return `${sample.method ?? 'GET'} / HTTP/1.1\r\nHost: a\r\n\r\n`
}
