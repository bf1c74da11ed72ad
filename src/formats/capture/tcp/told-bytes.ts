import { nothing } from './told-ring.js'
import type { ToldRing } from './told-ring.js'

/** The newest bytes of a stream that were told already: what is sent again is compared with them, as long as they are remembered. */
export class ToldBytes {
  readonly #ring: ToldRing
  #last = nothing
  #closed = false

  constructor(ring: ToldRing) {
    this.#ring = ring
  }

  /** In stream order. */
  add(offset: number, bytes: Buffer): void {
    if (!this.#closed) this.#last = this.#ring.add(this.#last, offset, bytes)
  }

  /** @returns where these bytes, at this offset of the stream, first differ from what is remembered; -1 where they don't. */
  firstDifference(offset: number, bytes: Buffer): number {
    return this.#ring.firstDifference(this.#last, offset, bytes)
  }

  close(): void {
    this.#closed = true
    this.#last = nothing
  }
}
