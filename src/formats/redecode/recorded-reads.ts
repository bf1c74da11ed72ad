import type { Recording } from '../../recording/recording.js'
import type { Segment } from '../../recording/rows.js'

/** No read that is put together again is larger. */
const largestRead = 512 * 1024

/**
 * Segments in the order in which they were recorded, those that were one read, or were sent in one piece, together again: decoders had cut
 * them at the ends of heads and bodies. Datagrams are what they are.
 */
export function* recordedReads(recording: Recording): Generator<Segment> {
  let held: { segment: Segment, pieces: Buffer[], length: number } | null = null
  const whole = (): Segment => ({ ...held!.segment, bytes: held!.pieces.length === 1 ? held!.pieces[0]! : Buffer.concat(held!.pieces) })
  for (const segment of recording.segments()) {
    if (held !== null && held.length + segment.bytes.length <= largestRead && continues(held.segment, held.length, segment)) {
      held.pieces.push(segment.bytes)
      held.length += segment.bytes.length
      continue
    }
    if (held !== null) yield whole()
    held = { segment, pieces: [segment.bytes], length: segment.bytes.length }
  }
  if (held !== null) yield whole()
}

function continues(before: Segment, length: number, segment: Segment): boolean {
  if (before.kind === 'datagram' || before.connectionId !== segment.connectionId || before.direction !== segment.direction || before.leg !== segment.leg || before.time !== segment.time) return false
  if (before.leg === 'received') return segment.offset === before.offset + length
  // Further pieces of what was sent instead replace nothing more, and stand at the end of what the first replaced.
  return segment.replaces === 0 && (before.replaces ?? 0) > 0 && segment.kind === before.kind && segment.messageId === before.messageId && segment.offset === before.offset + before.replaces!
}
