import { encodeResponseHead, firstHeader } from '../../../protocols/http1/index.js'
import type { Header, Headers } from '../../../protocols/http1/index.js'
import { acceptOf } from '../../../protocols/websocket/handshake.js'
import type { RecordedAnswer } from './recorded-answer.js'

const acceptName = 'sec-websocket-accept'

export interface HeadOptions {
  readonly refresh: { readonly date: boolean, readonly cookies: boolean }
  /** Ms since the epoch. */
  readonly now: number
  /** The client has no chunks (HTTP/1.0): the body ends with the connection. */
  readonly bare: boolean
  /** Of the request. */
  readonly asked: Headers
}

/** The head of an answer as it goes out now: as recorded, but for what is to be new. */
export function headOf(answer: RecordedAnswer, { refresh, now, bare, asked }: HeadOptions): Buffer {
  const { headers, version, status, exchange } = answer
  const accept = acceptFor(answer, asked)
  const head = withAccept(answer, accept)
  if (head.length === 0 || (!refresh.date && !refresh.cookies && !bare)) return head
  const passed = now - (exchange.firstByte ?? exchange.started) / 1000
  let changed = false
  const fields = headers.flatMap(([name, value]): Header[] => {
    const lower = name.toLowerCase()
    const fresh = refresh.date && lower === 'date' ? new Date(now).toUTCString() : refresh.cookies && lower === 'set-cookie' ? movedOn(value, passed) : lower === acceptName && accept !== null ? accept : value
    const gone = bare && (lower === 'transfer-encoding' || lower === 'connection' || lower === 'trailer')
    changed ||= fresh !== value || gone
    return gone ? [] : [[name, fresh]]
  })
  if (bare) fields.push(['Connection', 'close'])
  return changed || bare ? encodeResponseHead(version, status, exchange.reason ?? '', fields) : head
}

/** A client of WebSockets looks for its own key in the answer, which it draws anew each time (RFC 6455 §4.1); where the recorded one got its own, so does this one. */
function acceptFor({ tunnels, headers, exchange: { requestHeaders } }: RecordedAnswer, asked: Headers): string | null {
  if (!tunnels) return null
  const [recorded, key] = [requestHeaders, asked].map((fields) => firstHeader(fields, 'sec-websocket-key'))
  return recorded === undefined || key === undefined || acceptOf(recorded) !== firstHeader(headers, acceptName) ? null : acceptOf(key)
}

/** In its place, so that nothing else changes: it is always as long. */
function withAccept({ head, headers }: RecordedAnswer, accept: string | null): Buffer {
  if (accept === null) return head
  const fresh = Buffer.from(head)
  fresh.write(accept, head.indexOf(firstHeader(headers, acceptName)!), 'latin1')
  return fresh
}

/** A cookie that expires as long after now as it did after the recording (RFC 6265 §5.2.1). @param passed ms since then. */
function movedOn(cookie: string, passed: number): string {
  return cookie.replace(/(;\s*expires=)([^;]+)/i, (all, name: string, text: string) => {
    const expires = Date.parse(text)
    // A date in the past takes a cookie away: it stays there.
    return Number.isNaN(expires) || expires <= 0 ? all : `${name}${new Date(expires + passed).toUTCString()}`
  })
}
