import { firstHeader, headerValues, withFraming } from '../../protocols/http1/index.js'
import type { BodyFraming, Headers, SentFraming } from '../../protocols/http1/index.js'

/** The fields of a changed head with the framing that its body comes with, whatever the hooks made of them. */
export function asFramed(fields: Headers, received: Headers, framing: BodyFraming): Headers {
  return framing.kind === 'none' ? asReceived(fields, received) : withFraming(fields, sentFraming(framing))
}

/** Content-Length and Transfer-Encoding as they were received: of what has no body, such as a response to HEAD, they tell about another. */
export function asReceived(fields: Headers, received: Headers): Headers {
  const own = fields.filter(isFraming)
  const theirs = received.filter(isFraming)
  if (own.length === theirs.length && own.every(([, value], index) => value === theirs[index]![1])) return fields
  return [...fields.filter((field) => !isFraming(field)), ...theirs]
}

/** For a body that goes on as it comes. */
export function sentFraming(framing: BodyFraming): SentFraming {
  switch (framing.kind) {
    case 'length': return framing
    case 'chunked': return { kind: 'chunked' }
    case 'none': return { kind: 'length', length: 0 }
    default: return { kind: 'bare' }
  }
}

/** Whether the client waits for a word before it sends the body (RFC 9110 §10.1.1). */
export function expectsContinue(headers: Headers): boolean {
  return firstHeader(headers, 'expect')?.toLowerCase() === '100-continue'
}

/** Whether the connection ends with this message, by what its sender says (RFC 9112 §9.3). */
export function wantsClose(version: string, headers: Headers): boolean {
  const options = headerValues(headers, 'connection').join(',').toLowerCase().split(',').map((option) => option.trim())
  return options.includes('close') || (version === '1.0' && !options.includes('keep-alive'))
}

function isFraming([name]: readonly [string, string]): boolean {
  return /^(?:content-length|transfer-encoding)$/i.test(name)
}
