import type { Recording } from '../../recording/recording.js'
import type { ConnectionRecord, HttpExchange } from '../../recording/rows.js'
import { Connections } from './connections.js'
import { ExchangeWire } from './exchange-wire.js'
import { fieldLines } from './head.js'
import { addressOf, authorityOf } from './request-address.js'
import { shellWord } from './shell-word.js'

/** A body of more bytes than this goes through a pipe: an argument may have 128 KiB, and four letters stand for one odd byte. */
const largestWord = 24 * 1024

/** Bytes of base64 in a line, before it is that. */
const lineBytes = 57

/** Not of base64's alphabet: no line of the body is this. */
const bodyEnd = '--end-of-body--'

/** What curl would say by itself where the recorded request says nothing. */
const ownHeaders = ['User-Agent', 'Accept'] as const
const ownHeadersOfBody = ['Content-Type', 'Expect'] as const

/** A bash script: a command for each request as its client made it, to the server that was asked. */
export function* curlCommands(recording: Recording, where: string | undefined): Generator<string> {
  const connections = new Connections(recording)
  const targets = new Map(recording.relays().map(({ id, target }) => [id, target]))
  yield '#!/usr/bin/env bash\n'
  for (const exchange of recording.exchanges(where === undefined ? {} : { matching: where })) {
    const connection = connections.get(exchange.connectionId)
    yield* command(new ExchangeWire(recording, exchange), serverOf(exchange, connection, targets.get(connection?.relayId ?? -1)))
  }
}

/** `scheme://authority`: the relay's target, which a certificate is for; else the server that was dialled; else whom the client named. */
function serverOf(exchange: HttpExchange, connection: ConnectionRecord | null, target: string | undefined): string {
  if (target !== undefined && URL.canParse(target) && /^https?:$/.test(new URL(target).protocol)) return new URL(target).origin
  if (connection?.server != null) return `${exchange.scheme === 'https' ? 'https' : 'http'}://${authorityOf(connection.server)}`
  const asked = addressOf(exchange, connection)
  return URL.canParse(asked) ? new URL(asked).origin : 'http://unknown'
}

function* command(wire: ExchangeWire, server: string): Generator<string> {
  const { exchange } = wire
  const head = wire.head('request', 'received')
  const line = /^\s*(\S+)[ \t]+([^\r\n]*?)[ \t]+HTTP\/(\d\.\d)\r?\n/.exec(head.toString('latin1'))
  const why = exchange.method === null || line === null ? 'no request that could be read'
    : head.includes(0) ? 'a NUL in its head, which no command line can have' : fieldLines(head)[0]?.startsWith('@') === true ? 'a first header that curl takes for a file' : null
  yield `\n# exchange ${exchange.id}${why === null ? '' : `: ${why}`}\n`
  if (why !== null) return
  const [, method, target, version] = line! as unknown as [string, string, string, string]
  if (exchange.requestTrailers.length > 0) yield '# its trailers are left out: curl has none\n'
  // With --head curl sends no body, and with -X HEAD it waits for a response's body that never comes.
  const isHead = method === 'HEAD'
  if (isHead && exchange.requestBodySize > 0) yield `# its body, ${exchange.requestBodySize} bytes, is left out: curl has none for HEAD\n`
  const bodySize = isHead ? 0 : exchange.requestBodySize
  const fields = fieldLines(head)
  // An empty one too has an end: without a body, curl tells of chunks and sends none.
  const hasBody = bodySize > 0 || (!isHead && fields.some(isChunked))
  const words = ['curl', '-sS', version === '1.0' ? '--http1.0' : '--http1.1', ...methodWords(method, hasBody), ...addressWords(server, target)]
  const lines = fields.filter((line) => !isHead || nameOf(line) !== 'transfer-encoding')
  for (const header of headerWords(lines, bodySize, hasBody)) words.push('-H', header)
  if (!hasBody) yield `${words.join(' ')}\n`
  else yield* withBody(words.join(' '), wire)
}

function methodWords(method: string, hasBody: boolean): string[] {
  if (method === 'HEAD') return ['--head']
  if (method === (hasBody ? 'POST' : 'GET')) return []
  // In one word: a method may begin with a dash.
  return method.startsWith('-') ? [shellWord(`-X${method}`)] : ['-X', shellWord(method)]
}

/** A target that a URL would not hold as it is goes by itself. */
function addressWords(server: string, target: string): string[] {
  const plain = /^\/[\w./~%!$&'()*+,;=:@?-]*$/.test(target) && !/[\u0080-\uffff]|\/\.|\?.*\?/.test(target)
  return plain ? [shellWord(server + target)] : ['--path-as-is', '--request-target', shellWord(target), shellWord(`${server}/`)]
}

/** Lines as they were on the wire, in their order. */
function headerWords(lines: readonly string[], bodySize: number, hasBody: boolean): string[] {
  const words: string[] = []
  const kept = lines.filter((line) => !isOtherLength(line, bodySize))
  const hosts = kept.filter((line) => nameOf(line) === 'host')
  // curl puts Host first. Where it was not, or not once, curl's own is turned off and the line goes with the one before it.
  const ownHost = hosts.length === 1 && nameOf(kept[0]!) === 'host'
  if (!ownHost) words.push('Host:')
  for (const name of hasBody ? [...ownHeaders, ...ownHeadersOfBody] : ownHeaders) if (!kept.some((line) => nameOf(line) === name.toLowerCase())) words.push(`${name}:`)
  for (const [place, line] of kept.entries()) {
    const riding = (nameOf(line) === 'host' && !ownHost) || line.startsWith('@')
    if (riding && place > 0) words[words.length - 1] += `\r\n${line}`
    else words.push(/^[^:]*:[ \t]*$/.test(line) ? `${line.slice(0, line.indexOf(':'))};` : line)
  }
  return words.map(shellWord)
}

/** Of a request that was cut, or framed twice: curl would wait to send the rest. */
function isOtherLength(line: string, bodySize: number): boolean {
  return nameOf(line) === 'content-length' && line.slice(line.indexOf(':') + 1).trim() !== String(bodySize)
}

function isChunked(line: string): boolean {
  return nameOf(line) === 'transfer-encoding' && /\bchunked[ \t]*$/i.test(line)
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(':'))).trim().toLowerCase()
}

function* withBody(words: string, wire: ExchangeWire): Generator<string> {
  const { requestBodySize } = wire.exchange
  const pieces = function* (): Generator<Buffer> {
    for (const { bytes } of wire.body('request', 'received')) yield bytes
  }
  if (requestBodySize <= largestWord) {
    const body = Buffer.concat([...pieces()])
    if (!isBinary(body)) {
      // --data-binary takes an @ at the beginning for a file.
      yield `${words} ${body[0] === 0x40 ? '--data-raw' : '--data-binary'} ${shellWord(body)}\n`
      return
    }
  }
  yield `base64 -d <<'${bodyEnd}' | ${words} --data-binary @-\n`
  yield* base64Lines(pieces())
  yield `${bodyEnd}\n`
}

/** Has what no word can, or so much that nobody could read it. */
function isBinary(body: Buffer): boolean {
  if (body.includes(0)) return true
  const text = body.toString('utf8')
  // oxlint-disable-next-line no-control-regex
  return text.includes('�') || (text.match(/[\u0001-\u0008\u000e-\u001f]/g)?.length ?? 0) > text.length / 20
}

function* base64Lines(pieces: Iterable<Buffer>): Generator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for (const piece of pieces) {
    rest = Buffer.concat([rest, piece])
    let at = 0
    const lines: string[] = []
    for (; at + lineBytes <= rest.length; at += lineBytes) lines.push(rest.toString('base64', at, at + lineBytes))
    rest = rest.subarray(at)
    if (lines.length > 0) yield `${lines.join('\n')}\n`
  }
  if (rest.length > 0) yield `${rest.toString('base64')}\n`
}
