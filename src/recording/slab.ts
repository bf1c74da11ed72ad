import type { Direction } from '../protocols/decoder.js'

/**
 * The form in which the main thread hands traffic to the recording worker: entries, one after another, in a block of
 * memory that is transferred whole. One hand-over carries hundreds of messages, which makes it some ten times cheaper
 * than a postMessage for each, and one order holds for everything: bytes, openings, closings, events.
 *
 * An entry is 32 bytes of header, then its payload, then padding to 8 bytes so that the next header's numbers align:
 * u32 kind + direction bit, u32 connection, f64 time in µs, f64 stream offset, u32 payload length, u32 bytes replaced.
 */
export const headerSize = 32

export const EntryKind = {
  /** Payload: bytes as received, at `offset` of the connection's direction. */
  received: 0,
  /** Payload: bytes sent on instead of the `replaced` received bytes at `offset`. */
  sent: 1,
  /** `replaced` received bytes at `offset` were not recorded; no payload. */
  dropped: 2,
  /** The direction ended; `replaced` is 1 where it was cut, not closed. */
  end: 3,
  /** Payload: JSON, one of the notes in notes.ts. */
  note: 4,
} as const
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind]

const downBit = 0x100

/** What bytes are that were sent instead of received ones: kept in the header's third byte. */
export const sentKinds = ['head', 'body', 'framing', 'command', 'reply', 'datagram', 'opaque'] as const
export type SentKind = (typeof sentKinds)[number]

/** The smallest slab: an entry has to fit whole, and a socket's read is at most 256 KiB. */
export const slabSize = 512 * 1024

export class SlabWriter {
  readonly buffer: ArrayBuffer
  readonly #bytes: Uint8Array
  readonly #u32: Uint32Array
  readonly #f64: Float64Array
  #used = 0

  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer
    this.#bytes = new Uint8Array(buffer)
    this.#u32 = new Uint32Array(buffer)
    this.#f64 = new Float64Array(buffer)
  }

  get used(): number {
    return this.#used
  }

  fits(payload: number): boolean {
    return this.#used + headerSize + ((payload + 7) & ~7) <= this.#bytes.length
  }

  /** The payload is copied: the caller's memory may be a socket's, still queued for writing. */
  put(
    kind: EntryKind, connection: number, direction: Direction, time: number, offset: number, payload: Uint8Array | null,
    replaced: number, sent: SentKind = 'head',
  ): void {
    const at = this.#used
    const word = at >> 2
    const length = payload === null ? 0 : payload.length
    this.#u32[word] = (direction === 'down' ? kind | downBit : kind) | (sent === 'head' ? 0 : sentKinds.indexOf(sent) << 16)
    this.#u32[word + 1] = connection
    this.#f64[(at >> 3) + 1] = time
    this.#f64[(at >> 3) + 2] = offset
    this.#u32[word + 6] = length
    this.#u32[word + 7] = replaced
    if (payload !== null) this.#bytes.set(payload, at + headerSize)
    this.#used = at + headerSize + ((length + 7) & ~7)
  }
}

/** What reads a slab's entries. `payload` is a view into the slab, valid during the call only. */
export interface SlabSink {
  received(connection: number, direction: Direction, time: number, offset: number, payload: Buffer): void
  sent(connection: number, direction: Direction, time: number, offset: number, payload: Buffer, replaced: number, kind: SentKind): void
  dropped(connection: number, direction: Direction, time: number, offset: number, length: number): void
  end(connection: number, direction: Direction, time: number, clean: boolean): void
  note(connection: number, time: number, json: string): void
}

/** @returns the latest time in it, in µs. */
export function readSlab(buffer: ArrayBuffer, used: number, sink: SlabSink): number {
  const u32 = new Uint32Array(buffer)
  const f64 = new Float64Array(buffer)
  let latest = 0
  for (let at = 0; at < used;) {
    const word = at >> 2
    const tag = u32[word]!
    const connection = u32[word + 1]!
    const time = f64[(at >> 3) + 1]!
    if (time > latest) latest = time
    const offset = f64[(at >> 3) + 2]!
    const length = u32[word + 6]!
    const replaced = u32[word + 7]!
    const direction: Direction = (tag & downBit) === 0 ? 'up' : 'down'
    const payload = Buffer.from(buffer, at + headerSize, length)
    switch (tag & 0xff) {
      case EntryKind.received: sink.received(connection, direction, time, offset, payload); break
      case EntryKind.sent: sink.sent(connection, direction, time, offset, payload, replaced, sentKinds[(tag >> 16) & 0xff]!); break
      case EntryKind.dropped: sink.dropped(connection, direction, time, offset, replaced); break
      case EntryKind.end: sink.end(connection, direction, time, replaced === 0); break
      case EntryKind.note: sink.note(connection, time, payload.toString()); break
    }
    at += headerSize + ((length + 7) & ~7)
  }
  return latest
}
