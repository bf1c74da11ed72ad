import type { Direction, Opaque, Span } from '../decoder.js'
import type { Flag } from './flags.js'
import type { Headers } from './headers.js'

/*
 * All offsets are stream offsets of the event's direction, all times are in microseconds. `message` is the ordinal of
 * the exchange on its connection, from 0: a request and its responses share it.
 */

/** A request's head is complete. */
export interface RequestEvent {
  readonly type: 'request'
  readonly message: number
  /** Where the request line starts. */
  readonly start: number
  /** Where the body, or the next message, starts. */
  readonly end: number
  /** When the head's first byte came. */
  readonly startedAt: number
  /** When the head's last byte came. */
  readonly at: number
  readonly method: string
  readonly target: string
  /** As on the wire, without `HTTP/`: `1.1`. */
  readonly version: string
  readonly headers: Headers
  readonly flags: readonly Flag[]
  /**
   * The whole head with its blank line. A view: valid until the decoder's next call, or until the caller reuses its
   * bytes, whichever comes first.
   */
  readonly raw: Buffer
}

/** A response's head is complete. Any number of informational ones come before the final one. */
export interface ResponseEvent {
  readonly type: 'response'
  readonly message: number
  readonly start: number
  readonly end: number
  readonly startedAt: number
  readonly at: number
  readonly status: number
  /** Empty where the status line has none. */
  readonly reason: string
  readonly version: string
  readonly headers: Headers
  readonly flags: readonly Flag[]
  /** 1xx other than 101: another response to the same request follows, and this one has no `end`. */
  readonly informational: boolean
  /** False where no request was waiting for it, as with a server's own 408; `message` is a fresh ordinal then. */
  readonly requested: boolean
  /** See RequestEvent. */
  readonly raw: Buffer
}

/** A chunked body's trailer section, given only where it has fields. */
export interface TrailersEvent {
  readonly type: 'trailers'
  readonly direction: Direction
  readonly message: number
  /** Where the first field line starts; `end` is after the blank line. */
  readonly start: number
  readonly end: number
  readonly headers: Headers
}

/** An oddity in a chunked body, found after its head was given. Each flag is given once a message, at its first place. */
export interface FlagEvent {
  readonly type: 'flag'
  readonly direction: Direction
  readonly message: number
  readonly flag: Flag
  /** Where the line starts that the flag is about. */
  readonly offset: number
}

/** The message is over in this direction: with its body, after its head where it has none, or because it was cut. */
export interface EndEvent {
  readonly type: 'end'
  readonly direction: Direction
  readonly message: number
  readonly at: number
  readonly complete: boolean
  /** What is missing and how much of it; null where the message is complete. */
  readonly error: string | null
}

export type Http1Event = Span | Opaque | RequestEvent | ResponseEvent | TrailersEvent | FlagEvent | EndEvent
