import { quote } from '../quote.js'
import { trimBlanks } from './characters.js'
import type { Flag } from './flags.js'
import { headerValues, type Headers } from './headers.js'

/** What a header section says about the body, before the start line has its say. */
export interface FramingFields {
  /** `chunked` where it's the last coding, `other` where the field is there but ends in something else. */
  readonly transferEncoding: 'absent' | 'chunked' | 'other'
  /** In bytes, -1 where the field is absent or can't be believed. */
  readonly contentLength: number
  /** Why the end of the body can't be known, should it depend on these fields. */
  readonly problem: string | null
}

/** How the end of a body is found (RFC 9112 §6.3). */
export type BodyFraming =
  | { readonly kind: 'none' | 'chunked' | 'until-close' }
  | { readonly kind: 'length', readonly length: number }
  | { readonly kind: 'unknown', readonly problem: string }

export const NO_FRAMING_FIELDS: FramingFields = { transferEncoding: 'absent', contentLength: -1, problem: null }

const NONE: BodyFraming = { kind: 'none' }
const CHUNKED: BodyFraming = { kind: 'chunked' }
const UNTIL_CLOSE: BodyFraming = { kind: 'until-close' }

/** How a request's body ends. CONNECT has none, whatever its fields say (RFC 9110 §9.3.6). */
export function requestFraming(method: string, fields: FramingFields): BodyFraming {
  if (method === 'CONNECT') return NONE
  if (fields.transferEncoding === 'chunked') return CHUNKED
  if (fields.problem !== null) return { kind: 'unknown', problem: fields.problem }
  return ofLength(fields.contentLength, NONE)
}

/**
 * How a response's body ends. `requestMethod` is empty where the request isn't known. Unlike a request, a response may
 * end with its connection, so a Transfer-Encoding that doesn't end in chunked is no riddle here (rule 4).
 */
export function responseFraming(requestMethod: string, status: number, fields: FramingFields): BodyFraming {
  if (requestMethod === 'HEAD' || status === 204 || status === 304 || (status >= 100 && status < 200)) return NONE
  if (requestMethod === 'CONNECT' && status >= 200 && status < 300) return NONE
  if (fields.transferEncoding === 'chunked') return CHUNKED
  if (fields.transferEncoding === 'other') return UNTIL_CLOSE
  if (fields.problem !== null) return { kind: 'unknown', problem: fields.problem }
  return ofLength(fields.contentLength, UNTIL_CLOSE)
}

/** Whether the fields promise content, for messages that can't have any. A Content-Length of 0 is harmless. */
export function promisesContent(fields: FramingFields): boolean {
  return fields.transferEncoding !== 'absent' || fields.contentLength > 0 || fields.problem !== null
}

/** Reads Content-Length and Transfer-Encoding and adds a flag for each oddity in them. */
export function readFramingFields(headers: Headers, flags: Flag[]): FramingFields {
  const lengths = headerValues(headers, 'content-length')
  const codings = headerValues(headers, 'transfer-encoding')
  const contentLength = lengths.length === 0 ? -1 : readContentLength(lengths, flags)
  const lengthProblem = lengths.length > 0 && contentLength === -1 ? describeLengths(lengths) : null
  if (codings.length === 0) return { transferEncoding: 'absent', contentLength, problem: lengthProblem }

  if (lengths.length > 0) flags.push('content-length-and-transfer-encoding')
  const list = codings.join(',').split(',').map(coding => trimBlanks(coding).toLowerCase())
  const chunked = list.at(-1) === 'chunked'
  if (!chunked || list.indexOf('chunked') !== list.length - 1 || list.includes('')) flags.push('odd-transfer-encoding')
  if (chunked) return { transferEncoding: 'chunked', contentLength, problem: null }
  const value = quote(codings.join(', '))
  const problem = `the end of the body can't be known: Transfer-Encoding ${value} doesn't end in chunked`
  return { transferEncoding: 'other', contentLength, problem }
}

/** The one length that all values agree on, -1 where there's none. Lists of equal values count as repeats (rule 5). */
function readContentLength(values: readonly string[], flags: Flag[]): number {
  const only = values.length === 1 ? readLength(values[0]!) : -1
  if (only !== -1) return only
  const items = values.flatMap(value => value.split(',')).map(trimBlanks)
  const lengths = new Set(items.map(readLength))
  if (lengths.has(-1)) flags.push('invalid-content-length')
  if (lengths.size > 1) flags.push('conflicting-content-length')
  else if (items.length > 1) flags.push('repeated-content-length')
  return lengths.size === 1 ? [...lengths][0]! : -1
}

function readLength(text: string): number {
  if (!/^[0-9]+$/.test(text)) return -1
  const length = Number(text)
  return Number.isSafeInteger(length) ? length : -1
}

function describeLengths(values: readonly string[]): string {
  return `the end of the body can't be known: Content-Length ${quote(values.join(', '))}`
}

function ofLength(length: number, whenAbsent: BodyFraming): BodyFraming {
  if (length === -1) return whenAbsent
  return length === 0 ? NONE : { kind: 'length', length }
}
