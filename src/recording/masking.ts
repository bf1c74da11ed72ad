import { reasonOf } from '../error.js'

/** Writes over secrets before they are recorded: as many bytes come out as went in, some of them later. */
export interface Mask {
  /** @returns as many of the bytes held so far as are decided, masked. */
  take(bytes: Buffer): Buffer
  /** @returns what is still held. */
  end(): Buffer
}

const asterisk = 0x2a

/** The fact of recordings in which each masked place has an event `masked` or `masked-sent`: what has none has the asterisks that it came with. */
export const masksFact = 'masks'
export const masksTold = 'told'

/** Bytes that were masked, by their places among those that were given. */
export type OnMasked = (start: number, end: number) => void

/** Places in one read that are told one by one; more of them are told as one, from the first to the last. */
const mostPlaces = 64

/** The masks of one direction, one after another. A mask that fails takes everything with it: rather nothing to read than a secret. */
export class Masking {
  readonly #masks: readonly Mask[]
  readonly #onFailed: (why: string) => void
  readonly #onMasked: OnMasked
  /** What was given and has not come out yet, as it was. */
  #original: Buffer = Buffer.alloc(0)
  /** Where the masked place begins that what has come out ends with. */
  #open: number | null = null
  #given = 0
  #out = 0
  #failed = false

  constructor(masks: readonly Mask[], onFailed: (why: string) => void, onMasked: OnMasked = () => {}) {
    this.#masks = masks
    this.#onFailed = onFailed
    this.#onMasked = onMasked
  }

  take(bytes: Buffer): Buffer {
    this.#given += bytes.length
    this.#original = this.#original.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#original, bytes])
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
    const last = this.#last()
    if (this.#open !== null) this.#onMasked(this.#open, this.#out)
    this.#open = null
    return last
  }

  #last(): Buffer {
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
    this.#came(out)
    return out
  }

  #fail(why: string): Buffer {
    this.#failed = true
    this.#onFailed(why)
    return this.#blank()
  }

  #blank(): Buffer {
    const blank = Buffer.alloc(this.#given - this.#out, asterisk)
    this.#came(blank)
    return blank
  }

  /** Tells of what is over: a masked place that goes on to the end of these bytes may go on in the next. */
  #came(out: Buffer): void {
    const before = this.#original.subarray(0, out.length)
    this.#original = this.#original.subarray(out.length)
    const base = this.#out
    this.#out += out.length
    if (this.#open === null && out.equals(before)) return
    const places: [number, number][] = []
    for (let at = 0; at < out.length; at++) {
      const masked = out[at] !== before[at] || (this.#open !== null && out[at] === asterisk)
      if (masked) this.#open ??= base + at
      else if (this.#open !== null) {
        places.push([this.#open, base + at])
        this.#open = null
      }
    }
    if (places.length > mostPlaces) this.#onMasked(places[0]![0], places.at(-1)![1])
    else for (const [start, end] of places) this.#onMasked(start, end)
  }
}
