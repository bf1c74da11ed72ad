import { QUOTE_LIMIT, quote } from '../quote.js'
import { CR, HT, isTokenByte, LF, SP } from './characters.js'
import { Undecodable } from './undecodable.js'

/**
 * Whether a message that begins so can still be HTTP, decided on its first bytes so that a binary protocol isn't
 * buffered up to the head limit first. What it gives depends on the bytes alone, not on how they were cut: a doomed
 * message is given up at its first non-text byte, or once there is enough text to quote.
 */
export function refuseFirstBytes(kind: 'request' | 'status', bytes: Buffer, start: number): Undecodable | undefined {
  const available = Math.min(bytes.length - start, QUOTE_LIMIT)
  const doomedAt = kind === 'request' ? notAMethod(bytes, start, available) : notAVersion(bytes, start, available)
  if (doomedAt === -1) return undefined
  let binary = false
  for (let index = 0; index < available; index++) {
    const code = bytes[start + index]!
    if (code < SP || code >= 0x7f) binary = true
    if (index === 0 || index < doomedAt) continue
    if (binary || index === QUOTE_LIMIT - 1) return refusal(kind, bytes.toString('latin1', start, start + index + 1))
  }
  return undefined
}

function refusal(kind: 'request' | 'status', text: string): Undecodable {
  // A TLS record: handshake (22) or alert (21), then the major version 3 (RFC 8446 §5.1).
  if (text.startsWith('\x15\x03') || text.startsWith('\x16\x03')) {
    return new Undecodable(`this looks like TLS, not HTTP: ${quote(text)}`)
  }
  if (kind === 'request') return new Undecodable(`request line not understood: ${quote(text)}`)
  return new Undecodable(`no status line (not HTTP, or an HTTP/0.9 response): ${quote(text)}`)
}

/** Index of the byte after which this can't be a method any more, -1 while it can. */
function notAMethod(bytes: Buffer, start: number, available: number): number {
  for (let index = 0; index < available; index++) {
    const code = bytes[start + index]!
    if (code === SP || code === HT || code === CR || code === LF) return -1
    if (!isTokenByte(code)) return index
  }
  return available === QUOTE_LIMIT ? QUOTE_LIMIT - 1 : -1
}

/** Index of the byte after which this can't be `HTTP/` any more, -1 while it can. */
function notAVersion(bytes: Buffer, start: number, available: number): number {
  for (let index = 0; index < available && index < 5; index++) {
    if (bytes[start + index] !== 'HTTP/'.charCodeAt(index)) return index
  }
  return -1
}
