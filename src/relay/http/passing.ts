import type { SpanKind } from '../../protocols/decoder.js'
import { chunkEnd, encodeFields } from '../../protocols/http1/index.js'
import type { TrailersEvent } from '../../protocols/http1/index.js'
import { onTrailers } from './http-hooks.js'
import type { Course, Passage } from './passage.js'
import { askAboutTrailers } from './trailers.js'

/** The body goes on as it comes, byte for byte. Chunk framing waits for what follows where a plugin wants to see the trailers. */
export class Passing implements Course {
  readonly #passage: Passage
  readonly #waits: boolean
  #framing: { readonly start: number, readonly bytes: Buffer }[] = []

  constructor(passage: Passage) {
    this.#passage = passage
    this.#waits = passage.framing.kind === 'chunked' && passage.plugins.has(onTrailers)
  }

  span(kind: SpanKind, start: number, bytes: Buffer): void {
    if (this.#waits && kind === 'framing') {
      this.#framing.push({ start, bytes: Buffer.from(bytes) })
      return
    }
    if (this.#framing.length > 0) this.#release()
    this.#passage.out.pass(bytes, kind)
  }

  trailers(event: TrailersEvent): void {
    askAboutTrailers(this.#passage, event, (fields) => {
      if (fields === null) return
      const { start, end } = event
      const held = this.#framing
      this.#framing = []
      for (const { start: from, bytes } of held) if (from < start) this.#passage.out.pass(bytes.subarray(0, start - from), 'framing')
      this.#passage.out.replace(start, end - start, Buffer.concat([encodeFields(fields), chunkEnd]), 'framing')
    })
  }

  end(_end: number, complete: boolean): void {
    this.#release()
    if (complete) this.#passage.over()
  }

  #release(): void {
    for (const { bytes } of this.#framing) this.#passage.out.pass(bytes, 'framing')
    this.#framing = []
  }
}
