/** What is sent instead of the received bytes from `start` to `end`, in stream offsets. */
export interface Replacement {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
}

/** One direction on an inline path: keeps back what isn't understood yet, and puts replacements in their places. */
export class HeldStream {
  #bytes: Buffer = Buffer.alloc(0)
  #from = 0

  /** Stream offset of the next byte to come. */
  get end(): number {
    return this.#from + this.#bytes.length
  }

  get held(): number {
    return this.#bytes.length
  }

  /** What is held, as latin1. */
  get text(): string {
    return this.#bytes.toString('latin1')
  }

  take(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
  }

  /**
   * Lets go of everything before `until`.
   * @param replacements in order, none beyond `until`.
   */
  release(until: number, replacements: readonly Replacement[] = []): Buffer[] {
    const out: Buffer[] = []
    let at = this.#from
    for (const { start, end, bytes } of replacements) {
      if (start > at) out.push(this.#slice(at, start))
      if (bytes.length > 0) out.push(bytes)
      at = end
    }
    if (until > at) out.push(this.#slice(at, until))
    // A copy: what came in is the socket's to use again.
    this.#bytes = Buffer.from(this.#bytes.subarray(until - this.#from))
    this.#from = until
    return out
  }

  #slice(start: number, end: number): Buffer {
    return this.#bytes.subarray(start - this.#from, end - this.#from)
  }
}
