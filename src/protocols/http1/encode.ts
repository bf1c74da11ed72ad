import type { Header, Headers } from './headers.js'

/*
 * Heads and chunks as RFC 9112 writes them, and in no other way: CRLF line ends, one space after the colon, no folding. What was
 * changed is written so whatever it looked like before, as two readers agree on nothing else.
 */

/** How the end of a body that is sent is found. `bare` is for what has none, or ends with its connection: no field says so. */
export type SentFraming =
  | { readonly kind: 'length', readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'bare' }

/** @param version without `HTTP/`. Header values have to be without line ends: who sets them checks that. */
export function encodeRequestHead(method: string, target: string, version: string, headers: Headers): Buffer {
  return Buffer.from(`${method} ${target} HTTP/${version}\r\n${fieldLines(headers)}\r\n`, 'latin1')
}

export function encodeResponseHead(version: string, status: number, reason: string, headers: Headers): Buffer {
  return Buffer.from(`HTTP/${version} ${status} ${reason}\r\n${fieldLines(headers)}\r\n`, 'latin1')
}

/** A trailer section's lines, without the blank one. */
export function encodeFields(headers: Headers): Buffer {
  return Buffer.from(fieldLines(headers), 'latin1')
}

/** The line before a chunk's data (RFC 9112 §7.1), after which CRLF has to come. @param length 0 begins the last chunk. */
export function chunkStart(length: number): Buffer {
  return Buffer.from(`${length.toString(16)}\r\n`, 'latin1')
}

export const chunkEnd = Buffer.from('\r\n', 'latin1')

/** The fields with this framing and no other: in the place of the first framing field that was there, else at the end. */
export function withFraming(headers: Headers, framing: SentFraming): Headers {
  const field: Header | null = framing.kind === 'bare' ? null
    : framing.kind === 'chunked' ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(framing.length)]
  const fields: Header[] = []
  let put = field === null
  for (const header of headers) {
    if (!isFraming(header[0])) {
      fields.push(header)
    } else if (!put) {
      put = true
      fields.push([header[0].toLowerCase() === field![0].toLowerCase() ? header[0] : field![0], field![1]])
    }
  }
  if (!put) fields.push(field!)
  return fields
}

function isFraming(name: string): boolean {
  if (name.length !== 14 && name.length !== 17) return false
  const lower = name.toLowerCase()
  return lower === 'content-length' || lower === 'transfer-encoding'
}

function fieldLines(headers: Headers): string {
  let text = ''
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`
  return text
}
