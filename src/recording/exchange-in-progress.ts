import type { Direction, Span } from '../protocols/decoder.js'
import type { EndEvent, RequestEvent, ResponseEvent, TrailersEvent } from '../protocols/http1/index.js'
import type { ExchangeNote } from './notes.js'
import type { HttpExchangeRow, Store } from './store.js'

type Side = { headed: boolean, ended: boolean, start: number, end: number }

/** One exchange as it grows from the decoder's events: the row, and what is known of it that the row doesn't hold. */
export class ExchangeInProgress {
  readonly row: HttpExchangeRow
  /** The row differs from what was written last. */
  dirty = true
  /** The row has been written at least once. */
  saved = false
  readonly #up: Side = { headed: false, ended: false, start: -1, end: -1 }
  readonly #down: Side = { headed: false, ended: false, start: -1, end: -1 }
  #started = false
  /** Where in what comes from the server the relay's own bytes for it went; -1 where there are none. */
  #placed = -1

  constructor(connectionId: number) {
    this.row = {
      id: -1, connectionId, status: null, started: 0, firstByte: null, ended: null,
      requestBodySize: 0, responseBodySize: 0, requestHeaders: null, responseHeaders: null,
      requestTrailers: null, responseTrailers: null, firstSegment: null, lastSegment: null, changed: false,
      method: null, scheme: null, authority: null, path: null, query: null, reason: null,
      requestVersion: null, responseVersion: null, informational: null, framingFlags: null, error: null,
    }
  }

  /** It has an id: this is an exchange, and not only bytes that may be the beginning of one. */
  get began(): boolean {
    return this.row.id >= 0
  }

  get answered(): boolean {
    return this.#down.headed
  }

  get over(): boolean {
    return this.#down.ended && (this.#up.ended || !this.#up.headed)
  }

  headed(direction: Direction): boolean {
    return direction === 'up' ? this.#up.headed : this.#down.headed
  }

  covers(direction: Direction, offset: number): boolean {
    const side = direction === 'up' ? this.#up : this.#down
    if (direction === 'down' && offset === this.#placed) return true
    return side.start <= offset && offset < side.end
  }

  /** Only the first call counts. */
  startAt(time: number): void {
    if (this.#started) return
    this.#started = true
    this.row.started = time
  }

  covered(segments: { first: number, last: number }): void {
    this.row.firstSegment ??= segments.first
    this.row.lastSegment = segments.last
    this.dirty = true
  }

  span(span: Span): void {
    const side = span.direction === 'up' ? this.#up : this.#down
    if (side.start < 0) side.start = span.start
    side.end = span.end
    if (span.kind !== 'body') return
    if (span.direction === 'up') this.row.requestBodySize += span.end - span.start
    else this.row.responseBodySize += span.end - span.start
  }

  request(event: RequestEvent, store: Store): void {
    const { row } = this
    this.#up.headed = true
    row.started = event.startedAt
    row.method = event.method
    row.requestVersion = event.version
    row.requestHeaders = store.headerList(event.headers)
    const target = readTarget(event.method, event.target)
    row.scheme = target.scheme
    row.authority = target.host
    row.path = target.path
    row.query = target.query
    for (const flag of event.flags) this.flag(flag)
  }

  response(event: ResponseEvent, store: Store): void {
    const { row } = this
    if (event.informational) {
      row.informational = row.informational === null ? `${event.status}` : `${row.informational},${event.status}`
      return
    }
    this.#down.headed = true
    row.status = event.status
    row.reason = event.reason
    row.responseVersion = event.version
    row.firstByte = event.startedAt
    row.responseHeaders = store.headerList(event.headers)
    if (!event.requested) row.error ??= 'response without a request'
    for (const flag of event.flags) this.flag(flag)
  }

  /** The relay's own bytes for it go to the client at this offset. */
  place(offset: number): void {
    this.#placed = offset
  }

  /** A plugin, or the relay, has answered in the server's stead. */
  answer({ status, reason, version, headers, size }: NonNullable<ExchangeNote['answer']>, time: number, store: Store): void {
    const { row } = this
    this.#down.headed = true
    this.#down.ended = true
    row.status = status
    row.reason = reason
    row.responseVersion = version
    row.responseHeaders = store.headerList(headers)
    row.responseBodySize = size
    row.firstByte = time
    if (this.over) row.ended = time
    row.changed = true
  }

  trailers(event: TrailersEvent, store: Store): void {
    const list = store.headerList(event.headers)
    if (event.direction === 'up') this.row.requestTrailers = list
    else this.row.responseTrailers = list
  }

  flag(flag: string): void {
    const flags = this.row.framingFlags
    if (flags === null) this.row.framingFlags = flag
    else if (!flags.split(',').includes(flag)) this.row.framingFlags = `${flags},${flag}`
  }

  end(event: EndEvent): void {
    if (event.direction === 'up') {
      this.#up.headed = true
      this.#up.ended = true
    } else {
      this.#down.ended = true
    }
    // An answer may come before all of its request has (RFC 9112 §9.3): the exchange goes on until both are over.
    if (this.over) this.row.ended = event.at
    if (event.error !== null) {
      this.row.error ??= `${event.direction === 'up' ? 'request' : 'response'} ${event.error}`
    }
  }
}

/** The four forms of a request target (RFC 9112 §3.2), as the parts that people search by. */
function readTarget(method: string, target: string): {
  scheme: string | null, host: string | null, path: string, query: string | null
} {
  if (method === 'CONNECT') return { scheme: null, host: target, path: '', query: null }
  let scheme: string | null = null
  let host: string | null = null
  let rest = target
  const colon = target.startsWith('/') ? -1 : target.indexOf('://')
  if (colon > 0) {
    const slash = target.slice(colon + 3).search(/[/?]/)
    scheme = target.slice(0, colon).toLowerCase()
    host = slash < 0 ? target.slice(colon + 3) : target.slice(colon + 3, colon + 3 + slash)
    rest = slash < 0 ? '/' : target.slice(colon + 3 + slash)
  }
  const question = rest.indexOf('?')
  return question < 0
    ? { scheme, host, path: rest, query: null }
    : { scheme, host, path: rest.slice(0, question), query: rest.slice(question + 1) }
}
