import type { Direction } from '../../protocols/decoder.js'
import { ftpPort } from './server-port.js'

type Stream = 'http' | 'ftp' | 'tcp'

/** Servers that greet with 220 too, and speak SMTP. */
const mailPorts: ReadonlySet<number> = new Set([25, 465, 587, 2525])

/** A request line is waited for up to this length, as is a greeting. */
const longestLine = 4096

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND', 'REPORT', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'SEARCH', 'NOTIFY', 'M-SEARCH', 'SUBSCRIBE']

const requestLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} [^ ]{1,4000} HTTP\/1\.[01]\r?\n/

/**
 * Which protocol a TCP connection is read as, by the first bytes of the side that spoke first: what they say counts, and
 * the port where they don't.
 * @param isBeginning whether these bytes are the connection's first, as far as the capture tells.
 * @param isAll no more bytes come before the choice.
 * @returns null where more bytes would tell.
 */
export function guessProtocol(first: Direction, bytes: Buffer, serverPort: number, isBeginning: boolean, isAll: boolean): Stream | null {
  // On its port, a session whose beginning isn't in the capture can be read on from any line.
  if (serverPort === ftpPort) return 'ftp'
  const text = bytes.toString('latin1', 0, longestLine)
  const settled = isAll || bytes.length >= longestLine
  if (first === 'up') {
    if (requestLine.test(text)) return 'http'
    if (text.includes('\n') || !beginsWithMethod(text)) return 'tcp'
    return settled ? 'http' : null
  }
  if (!isBeginning || mailPorts.has(serverPort)) return 'tcp'
  if (!'220'.startsWith(text.slice(0, 3)) || (text.length > 3 && text[3] !== ' ' && text[3] !== '-')) return 'tcp'
  if (!text.includes('\n') && !settled) return null
  return text.length < 4 || /\bE?SMTP\b/i.test(text) ? 'tcp' : 'ftp'
}

function beginsWithMethod(text: string): boolean {
  return methods.some((method) => `${method} `.startsWith(text.slice(0, method.length + 1)))
}
