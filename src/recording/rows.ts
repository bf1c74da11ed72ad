import type { Direction } from '../protocols/decoder.js'
import type { Address, TlsFacts } from './notes.js'

/*
 * The recording's rows as a reader gets them. Times are integer microseconds since the epoch; null is what isn't known,
 * or hasn't happened.
 */

/** One line of the timeline, of any kind: the view `record`. */
export interface TimelineRecord {
  readonly id: number
  readonly protocol: string
  /** `exchange`, `connection`, … */
  readonly kind: string
  readonly connectionId: number
  readonly time: number
  readonly durationMs: number | null
  /** One line of text for people. Has what the wire had: escape it before it reaches a terminal. */
  readonly summary: string
  readonly bytes: number
  /** `complete`, `open`, or what went wrong. */
  readonly outcome: string
  readonly error: string | null
  readonly changed: boolean
}

export type HeaderFields = readonly (readonly [name: string, value: string])[]

export interface HttpExchange {
  readonly id: number
  readonly connectionId: number
  /** Null where the request could not be read, or a response came without one. */
  readonly method: string | null
  readonly scheme: string | null
  readonly host: string | null
  readonly path: string | null
  /** Without the question mark. */
  readonly query: string | null
  readonly url: string | null
  readonly status: number | null
  readonly reason: string | null
  readonly requestVersion: string | null
  readonly responseVersion: string | null
  /** In wire order, names in their own case, repeated ones kept. */
  readonly requestHeaders: HeaderFields
  readonly responseHeaders: HeaderFields
  readonly requestTrailers: HeaderFields
  readonly responseTrailers: HeaderFields
  readonly requestType: string | null
  readonly responseType: string | null
  /** Bytes, with the chunked coding undone and the content coding (gzip …) not. */
  readonly requestBodySize: number
  readonly responseBodySize: number
  readonly started: number
  readonly firstByte: number | null
  readonly ended: number | null
  readonly firstByteMs: number | null
  readonly durationMs: number | null
  /** Statuses of 1xx responses before the final one. */
  readonly informational: readonly number[]
  /** What two parsers could read differently; see docs/http.md. */
  readonly framingFlags: readonly string[]
  /** Something else was sent on than was received. */
  readonly changed: boolean
  readonly error: string | null
}

export interface ConnectionRecord {
  readonly id: number
  readonly relayId: number
  readonly protocol: string
  readonly transport: string
  readonly parentId: number | null
  readonly role: string | null
  readonly client: Address | null
  readonly listen: Address | null
  readonly dial: Address | null
  readonly server: Address | null
  readonly opened: number
  readonly connected: number | null
  readonly closed: number | null
  readonly endReason: string | null
  readonly error: string | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly droppedUp: number
  readonly droppedDown: number
  readonly messages: number
  readonly tls: TlsFacts | null
}

export interface EventRecord {
  readonly id: number
  readonly time: number
  readonly connectionId: number | null
  readonly messageId: number | null
  readonly kind: string
  readonly source: string
  readonly direction: Direction | null
  readonly offset: number | null
  readonly bytes: number | null
  readonly text: string
}

export interface Segment {
  readonly id: number
  readonly connectionId: number
  readonly direction: Direction
  /** `received`, or `sent` for what went out instead of the `replaces` received bytes at `offset`. */
  readonly leg: 'received' | 'sent'
  readonly offset: number
  readonly time: number
  readonly kind: string
  readonly messageId: number | null
  readonly replaces: number | null
  readonly bytes: Buffer
}
