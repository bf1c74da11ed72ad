import type { SpanKind } from '../../protocols/decoder.js'
import type { Course, Passage } from './passage.js'

const nothing = Buffer.alloc(0)

/** The body goes nowhere: its message was answered, or replaced, or can't have one any more. */
export class Swallowing implements Course {
  readonly #passage: Pick<Passage, 'out' | 'over'>

  constructor(passage: Pick<Passage, 'out' | 'over'>) {
    this.#passage = passage
  }

  span(kind: SpanKind, start: number, bytes: Buffer): void {
    this.#passage.out.replace(start, bytes.length, nothing, kind === 'framing' ? 'framing' : 'body')
  }

  trailers(): void {}

  end(): void {
    this.#passage.over()
  }
}
