/**
 * The shape every protocol decoder has: a pure state machine, no sockets, no clock, no storage.
 * The same decoder serves the live tap, the inline path and imported captures, so it is given
 * everything it may know: which way the bytes went and when they were seen.
 */

/** `up` is client to server, `down` is server to client. */
export type Direction = 'up' | 'down'

/** What a range of wire bytes is. `opaque` is a range that no decoder reads. */
export type SpanKind = 'head' | 'body' | 'framing' | 'command' | 'reply' | 'datagram' | 'opaque'

/**
 * A range of one direction's stream, `start` included, `end` not, in bytes since the connection
 * opened. The spans of one direction tile it: each byte received is in exactly one, in order.
 */
export interface Span {
  readonly type: 'span'
  readonly direction: Direction
  readonly kind: SpanKind
  readonly start: number
  readonly end: number
  /** Ordinal on this connection of the message (HTTP exchange, FTP command) it belongs to; -1 where it belongs to none. */
  readonly message: number
}

/**
 * From `offset` on, nothing in this direction is decoded; it takes back spans already given from there on.
 * `reason` says what could not be read, and is null where the protocol itself asked for it (CONNECT, 101, AUTH TLS).
 */
export interface Opaque {
  readonly type: 'opaque'
  readonly direction: Direction
  readonly offset: number
  readonly reason: string | null
  /** Ordinal of the message that was being read, -1 where none was. */
  readonly message: number
  readonly at: number
}

/**
 * `at` is in microseconds, and never decreases from call to call. `bytes` is only read during the call: what has to
 * outlive it is copied, so that the caller can reuse its memory.
 */
export interface Decoder<Event> {
  receive(direction: Direction, bytes: Buffer, at: number): Event[]
  /** The direction has ended; `clean` is false where it was cut (a reset, a gap). */
  end(direction: Direction, at: number, clean: boolean): Event[]
}
