import { firstHeader, headerValues } from '../../../protocols/http1/index.js'
import type { Headers } from '../../../protocols/http1/index.js'
import type { Recording } from '../../../recording/recording.js'
import { AskedBody } from './asked-body.js'

/** A request as it is compared: one that came, or a recorded one. */
export interface AskedRequest {
  readonly method: string
  /** Without the query; for an absolute-form target, without scheme and host. */
  readonly path: string
  readonly query: string | null
  readonly host: string | null
  readonly headers: Headers
  readonly body: AskedBody
}

/** A request that has come, or is coming. */
export interface Asking extends AskedRequest {
  readonly target: string
  readonly version: string
  /** When its head was here, on the clock of `performance.now()`. */
  readonly since: number
}

/** The parts of a request target (RFC 9112 §3.2): of the absolute form, the host is its own; a CONNECT's is nothing else. */
export function partsOfTarget(method: string, target: string): { readonly path: string, readonly query: string | null, readonly authority: string | null } {
  if (method === 'CONNECT') return { path: '', query: null, authority: target }
  const absolute = /^https?:\/\/([^/?]*)/i.exec(target)
  const rest = absolute === null ? target : target.slice(absolute[0].length)
  const question = rest.indexOf('?')
  const path = question < 0 ? rest : rest.slice(0, question)
  return { path: absolute !== null && path === '' ? '/' : path, query: question < 0 ? null : rest.slice(question + 1), authority: absolute?.[1] ?? null }
}

/** One that was recorded, as the client sent it. */
export function recordedRequest(recording: Recording, id: number): AskedRequest {
  const { method, path, query, host, requestHeaders } = recording.exchange(id)
  const body = new AskedBody()
  for (const { bytes, kind } of recording.messagePieces(id, 'request')) if (kind === 'body') body.add(bytes)
  return { method: method ?? '', path: path ?? '', query, host, headers: requestHeaders, body }
}

/** As a field of a rule names it: several of the same name are one value. */
export function headerText(headers: Headers, name: string): string | null {
  const values = headerValues(headers, name)
  return values.length === 0 ? null : values.join(', ')
}

export function contentTypeOf({ headers }: AskedRequest): string {
  return firstHeader(headers, 'content-type') ?? ''
}
