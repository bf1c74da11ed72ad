import { reasonOf } from '../error.js'

/** Writes over secrets before they are recorded: as many bytes come out as went in, some of them later. */
export interface Mask {
  /** @returns as many of the bytes held so far as are decided, masked. */
  take(bytes: Buffer): Buffer
  /** @returns what is still held. */
  end(): Buffer
}

const asterisk = 0x2a

/** The masks of one direction, one after another. A mask that fails takes everything with it: rather nothing to read than a secret. */
export class Masking {
  readonly #masks: readonly Mask[]
  readonly #onFailed: (why: string) => void
  #given = 0
  #out = 0
  #failed = false

  constructor(masks: readonly Mask[], onFailed: (why: string) => void) {
    this.#masks = masks
    this.#onFailed = onFailed
  }

  take(bytes: Buffer): Buffer {
    this.#given += bytes.length
    if (this.#failed) return this.#blank()
    try {
      // A copy: masks write in place, and what they are given is still to be sent.
      let out: Buffer = Buffer.from(bytes)
      for (const mask of this.#masks) out = mask.take(out)
      return this.#checked(out)
    } catch (thrown) {
      return this.#fail(reasonOf(thrown))
    }
  }

  end(): Buffer {
    if (this.#failed) return this.#blank()
    try {
      let rest: Buffer = Buffer.alloc(0)
      for (const mask of this.#masks) rest = Buffer.concat([mask.take(rest), mask.end()])
      const out = this.#checked(rest)
      return this.#out < this.#given ? this.#fail(`it kept ${this.#given - this.#out} bytes back`) : out
    } catch (thrown) {
      return this.#fail(reasonOf(thrown))
    }
  }

  #checked(out: Buffer): Buffer {
    if (this.#out + out.length > this.#given) throw new Error('it gave more bytes than it took')
    this.#out += out.length
    return out
  }

  #fail(why: string): Buffer {
    this.#failed = true
    this.#onFailed(why)
    return this.#blank()
  }

  #blank(): Buffer {
    const length = this.#given - this.#out
    this.#out = this.#given
    return Buffer.alloc(length, asterisk)
  }
}
