import { encodeResponseHead } from '../../../protocols/http1/index.js'
import type { Header } from '../../../protocols/http1/index.js'
import type { RecordedAnswer } from './recorded-answer.js'

export interface HeadOptions {
  readonly refresh: { readonly date: boolean, readonly cookies: boolean }
  /** Ms since the epoch. */
  readonly now: number
  /** The client has no chunks (HTTP/1.0): the body ends with the connection. */
  readonly bare: boolean
}

/** The head of an answer as it goes out now: as recorded, but for what is to be new. */
export function headOf(answer: RecordedAnswer, { refresh, now, bare }: HeadOptions): Buffer {
  const { head, headers, version, status, exchange } = answer
  if (head.length === 0 || (!refresh.date && !refresh.cookies && !bare)) return head
  const passed = now - (exchange.firstByte ?? exchange.started) / 1000
  let changed = false
  const fields = headers.flatMap(([name, value]): Header[] => {
    const lower = name.toLowerCase()
    const fresh = refresh.date && lower === 'date' ? new Date(now).toUTCString() : refresh.cookies && lower === 'set-cookie' ? movedOn(value, passed) : value
    const gone = bare && (lower === 'transfer-encoding' || lower === 'connection' || lower === 'trailer')
    changed ||= fresh !== value || gone
    return gone ? [] : [[name, fresh]]
  })
  if (bare) fields.push(['Connection', 'close'])
  return changed || bare ? encodeResponseHead(version, status, exchange.reason ?? '', fields) : head
}

/** A cookie that expires as long after now as it did after the recording (RFC 6265 §5.2.1). @param passed ms since then. */
function movedOn(cookie: string, passed: number): string {
  return cookie.replace(/(;\s*expires=)([^;]+)/i, (all, name: string, text: string) => {
    const expires = Date.parse(text)
    // A date in the past takes a cookie away: it stays there.
    return Number.isNaN(expires) || expires <= 0 ? all : `${name}${new Date(expires + passed).toUTCString()}`
  })
}
