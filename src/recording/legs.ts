import { readSegment } from './read-rows.js'
import type { Row } from './read-rows.js'
import type { Segment } from './rows.js'

/** Bytes that may wait for what was sent instead of them: an inline path holds back a head, and the read that completed it. */
const mostHeld = 256 * 1024 + 64 * 1024

/** Segments in stream order as they came. */
export function* asReceived(rows: Iterable<unknown>): Generator<Buffer> {
  for (const row of rows) {
    const { leg, bytes } = row as { leg: string, bytes: Buffer }
    if (leg === 'received') yield bytes
  }
}

/** Segments in stream order as they went out: `sent` ones stand for the received bytes that they replace. */
export function* asSent(rows: Iterable<unknown>): Generator<Buffer> {
  // A replacement is written after the bytes that it replaces, so those are held until it has come or can't any more.
  let skipUntil = -1
  const held: Segment[] = []
  let heldBytes = 0
  for (const row of rows) {
    const segment = readSegment(row as Row)
    if (segment.leg === 'received') {
      while (heldBytes > mostHeld) {
        const { bytes } = held.shift()!
        heldBytes -= bytes.length
        yield bytes
      }
      const from = Math.max(segment.offset, skipUntil)
      if (from < segment.offset + segment.bytes.length) {
        held.push({ ...segment, offset: from, bytes: segment.bytes.subarray(from - segment.offset) })
        heldBytes += held.at(-1)!.bytes.length
      }
      continue
    }
    const end = segment.offset + (segment.replaces ?? 0)
    const rest: Segment[] = []
    for (const before of held.splice(0)) {
      const until = before.offset + before.bytes.length
      if (before.offset < segment.offset) yield before.bytes.subarray(0, Math.min(until, segment.offset) - before.offset)
      if (until > end) rest.push({ ...before, offset: Math.max(end, before.offset), bytes: before.bytes.subarray(Math.max(0, end - before.offset)) })
    }
    yield segment.bytes
    held.push(...rest)
    heldBytes = rest.reduce((sum, { bytes }) => sum + bytes.length, 0)
    skipUntil = Math.max(skipUntil, end)
  }
  for (const { bytes } of held) yield bytes
}
