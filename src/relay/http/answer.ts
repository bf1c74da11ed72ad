import { STATUS_CODES } from 'node:http'
import { HeaderList } from '../../plugins/header-list.js'
import type { HeaderField } from '../../plugins/header-list.js'
import type { HttpAnswer } from '../../plugins/messages.js'
import { encodeResponseHead, withFraming } from '../../protocols/http1/index.js'

/** An answer of our own, as it goes over the wire. */
export interface BuiltAnswer {
  readonly status: number
  readonly reason: string
  readonly version: string
  readonly headers: readonly HeaderField[]
  readonly head: Buffer
  readonly body: Buffer
}

/**
 * Makes a plugin's answer a response.
 * @param method of the request: HEAD gets no body, and the length that it would have.
 * @param closing the connection is closed after it.
 * @throws TypeError where the plugin's answer is none.
 */
export function buildAnswer(answer: HttpAnswer, method: string, closing: boolean): BuiltAnswer {
  if (typeof answer !== 'object' || answer === null) throw new TypeError('respond(…): expected an object such as { status: 404, body: \'none\' }')
  const { status = 200 } = answer
  if (!Number.isSafeInteger(status) || status < 200 || status > 999) throw new TypeError(`respond: status ${String(status)} is not a whole number from 200 to 999`)
  const reason = answer.reason ?? STATUS_CODES[status] ?? ''
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(reason)) throw new TypeError('respond: the reason has a control character or one beyond Latin-1')
  const list = new HeaderList()
  for (const [name, value] of fieldsOf(answer.headers)) list.append(name, value)
  const [body, type] = bodyOf(answer.body)
  if (type !== null && !list.has('content-type')) list.append('Content-Type', type)
  if (closing) list.set('Connection', 'close')
  const empty = status === 204 || status === 304
  const headers = withFraming(list.fields, empty ? { kind: 'bare' } : { kind: 'length', length: body.length })
  return {
    status, reason, version: '1.1', headers, head: encodeResponseHead('1.1', status, reason, headers),
    body: empty || method === 'HEAD' ? Buffer.alloc(0) : body,
  }
}

function* fieldsOf(headers: HttpAnswer['headers']): Generator<HeaderField> {
  if (headers === undefined) return
  if (Symbol.iterator in headers) {
    yield* headers
    return
  }
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value as readonly string[] : [value as string]) yield [name, one]
  }
}

function bodyOf(body: unknown): readonly [Buffer, string | null] {
  if (body === undefined || body === null) return [Buffer.alloc(0), null]
  if (typeof body === 'string') return [Buffer.from(body), 'text/plain; charset=utf-8']
  if (body instanceof Uint8Array) return [Buffer.from(body), 'application/octet-stream']
  return [Buffer.from(JSON.stringify(body)), 'application/json']
}
