import type { Direction, Span, SpanKind } from './decoder.js'

/** A list of a decoder's events, of which spans are one kind. */
interface Spans {
  push(span: Span): unknown
}

/** Covers a direction's stream with spans, without a gap or an overlap, joining neighbours of one kind and message. */
export class SpanTiler {
  private readonly direction: Direction
  private kind: SpanKind = 'head'
  private message = -1
  private start = 0
  /** Stream offset up to which everything is covered. */
  end = 0

  constructor(direction: Direction) {
    this.direction = direction
  }

  /** Says what the bytes are from where the last cover ended up to `end`. */
  cover(kind: SpanKind, message: number, end: number, out: Spans): void {
    if (end <= this.end) return
    if (kind !== this.kind || message !== this.message) {
      this.flush(out)
      this.kind = kind
      this.message = message
    }
    this.end = end
  }

  /** Gives what is covered so far, so that an event that follows stands in its place. */
  flush(out: Spans): void {
    if (this.start === this.end) return
    const { direction, kind, start, end, message } = this
    out.push({ type: 'span', direction, kind, start, end, message })
    this.start = end
  }
}
