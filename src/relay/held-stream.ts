/** What is sent instead of the received bytes from `start` to `end`, in stream offsets. */
export interface Replacement {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
  /** A plugin did it. */
  readonly byPlugin?: boolean
  /** The connection is to be ended here, by a plugin. */
  readonly ending?: 'close' | 'reset'
}

/** One direction on an inline path: keeps back what isn't understood yet, and puts replacements in their places. */
export class HeldStream {
  #bytes: Buffer = Buffer.alloc(0)
  #from = 0
  /** Where `#bytes` is ours, with room after it: else what came in is the socket's to use again. */
  #room: Buffer | null = null

  /** Stream offset of the first byte that is held. */
  get from(): number {
    return this.#from
  }

  /** Stream offset of the next byte to come. */
  get end(): number {
    return this.#from + this.#bytes.length
  }

  get held(): number {
    return this.#bytes.length
  }

  /** The last of what is held, up to `most` bytes, as latin1. */
  tail(most: number): string {
    return this.#bytes.toString('latin1', Math.max(0, this.#bytes.length - most))
  }

  take(bytes: Buffer): void {
    if (this.#bytes.length === 0) {
      this.#bytes = bytes
      this.#room = null
    } else {
      this.#append(bytes)
    }
  }

  /**
   * Lets go of everything before `until`.
   * @param replacements in order, none beyond `until`; one of bytes that are gone already is passed over.
   */
  release(until: number, replacements: readonly Replacement[] = []): Buffer[] {
    const out: Buffer[] = []
    let at = this.#from
    for (const { start, end, bytes } of replacements) {
      if (start < at) continue
      if (start > at) out.push(this.#slice(at, start))
      if (bytes.length > 0) out.push(bytes)
      at = end
    }
    if (until > at) out.push(this.#slice(at, until))
    if (until > this.#from) {
      this.#bytes = this.#slice(until, this.end)
      this.#from = until
    }
    if (this.#bytes.length === 0) this.#room = null
    else if (this.#room === null) this.#own(this.#bytes.length)
    return out
  }

  /** What was let go of may still wait to be written, so nothing is ever written over it: only after it, or elsewhere. */
  #append(bytes: Buffer): void {
    const length = this.#bytes.length + bytes.length
    if (this.#room === null || this.#bytes.byteOffset - this.#room.byteOffset + length > this.#room.length) this.#own(Math.max(length, this.#bytes.length * 2))
    const room = this.#room!
    const start = this.#bytes.byteOffset - room.byteOffset
    bytes.copy(room, start + this.#bytes.length)
    this.#bytes = room.subarray(start, start + length)
  }

  /** Doubling, so that what comes in many small pieces is copied twice at most. */
  #own(capacity: number): void {
    const room = Buffer.allocUnsafeSlow(capacity)
    this.#bytes.copy(room)
    this.#bytes = room.subarray(0, this.#bytes.length)
    this.#room = room
  }

  #slice(start: number, end: number): Buffer {
    return this.#bytes.subarray(start - this.#from, end - this.#from)
  }
}
