import { readSegment } from './read-rows.js'
import type { Row } from './read-rows.js'

/** Bytes of a stream or a message, with what they are and when they came, in µs since the epoch. */
export interface RecordedPiece {
  readonly bytes: Buffer
  /** `head`, `body`, `framing`, `opaque` … */
  readonly kind: string
  readonly time: number
  /** In the stream as it was received: where it begins, or, of what was `sent` instead, where that begins that it stands for. */
  readonly offset: number
  readonly leg: 'received' | 'sent'
}

/** Segments in stream order as they came. */
export function* asReceived(rows: Iterable<unknown>): Generator<RecordedPiece> {
  for (const row of rows) {
    const { leg, bytes, kind, time, offset } = row as { leg: string, bytes: Buffer, kind: string, time: number, offset: number }
    if (leg === 'received') yield { bytes, kind, time, offset, leg }
  }
}

/**
 * Bytes in stream order as they went out: those received, and in the places of some what was sent instead. The two are read side by
 * side, each in its order, as a replacement may have been recorded long after what it stands for: a plugin had waited for a whole body.
 * @param received segments of the wanted kinds. @param sent of all kinds: what one of another kind stands for is left out too.
 * @param kinds the wanted ones; null for all.
 */
export function* asSent(received: Iterable<unknown>, sent: Iterable<unknown>, kinds: readonly string[] | null = null): Generator<RecordedPiece> {
  const replacements = sent[Symbol.iterator]()
  let next = replacements.next()
  /** What comes before this offset has been replaced. */
  let skipUntil = -1
  for (const row of received) {
    const { offset, bytes, kind: own, time } = readSegment(row as Row)
    const end = offset + bytes.length
    let at = Math.max(offset, skipUntil)
    while (next.done !== true) {
      const { offset: place, replaces, kind, bytes: instead, time: later } = readSegment(next.value as Row)
      if (place >= end) break
      if (place > at) {
        yield { bytes: bytes.subarray(at - offset, place - offset), kind: own, time, offset: at, leg: 'received' }
        at = place
      }
      if (kinds === null || kinds.includes(kind)) yield { bytes: instead, kind, time: later, offset: place, leg: 'sent' }
      skipUntil = Math.max(skipUntil, place + (replaces ?? 0))
      at = Math.max(at, skipUntil)
      next = replacements.next()
    }
    if (at < end) yield { bytes: bytes.subarray(at - offset), kind: own, time, offset: at, leg: 'received' }
  }
  for (; next.done !== true; next = replacements.next()) {
    const { kind, bytes, time, offset } = readSegment(next.value as Row)
    if (kinds === null || kinds.includes(kind)) yield { bytes, kind, time, offset, leg: 'sent' }
  }
}
