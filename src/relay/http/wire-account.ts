import type { SentKind } from '../../recording/slab.js'

/** Bytes that were to go out, and what was received in their place. `bytes` is the stages' to write to; `asCame` stays as it was. */
interface Piece {
  /** Stream offset of what was received, and its length. */
  readonly start: number
  readonly length: number
  readonly bytes: Buffer
  readonly asCame: Buffer
  readonly kind: SentKind
  /** The same as what was received: as long as it goes out, there is nothing to record. */
  readonly received: boolean
  /** How much of its beginning has gone out. */
  at: number
}

const nothing = Buffer.alloc(0)

/**
 * What was to go out of a message, against what did. What comes out in its place in memory, and as it went in, is what went in; anything else
 * stands for all that was taken since.
 */
export class WireAccount {
  readonly #record: (start: number, replaced: number, bytes: Buffer, kind: SentKind) => void
  #open: Piece[] = []
  /** Stream offset after all that is accounted for. */
  #end: number
  #kind: SentKind = 'head'
  #differs = false

  /** @param start stream offset of the message. @param record told what stands for received bytes: not for those that went out as they came. */
  constructor(start: number, record: (start: number, replaced: number, bytes: Buffer, kind: SentKind) => void) {
    this.#end = start
    this.#record = record
  }

  /** Something else went out than went in. */
  get differs(): boolean {
    return this.#differs
  }

  wentIn(start: number, length: number, bytes: Buffer, kind: SentKind, received: boolean): void {
    this.#open.push({ start, length, bytes, asCame: Buffer.from(bytes), kind, received, at: 0 })
    this.#settle()
  }

  cameOut(bytes: Buffer): void {
    const [first] = this.#open
    if (first !== undefined && isNextOf(first, bytes) && bytes.equals(first.asCame.subarray(first.at, first.at + bytes.length))) {
      first.at += bytes.length
      this.#settle()
    } else {
      this.#replace(bytes)
    }
  }

  /** Nothing more comes out: what is left of what went in was lost. */
  close(): void {
    if (this.#open.length > 0) this.#replace(nothing)
  }

  #replace(bytes: Buffer): void {
    this.#differs = true
    const [first] = this.#open
    let start = this.#end
    if (first !== undefined) {
      const { received, length, at, asCame, kind } = first
      this.#kind = kind
      start = received ? first.start + at : first.start
      if (!received && at > 0) {
        this.#record(start, length, asCame.subarray(0, at), kind)
        start += length
      }
      const last = this.#open.at(-1)!
      this.#end = last.start + last.length
    }
    this.#open = []
    if (this.#end > start || bytes.length > 0) this.#record(start, this.#end - start, bytes, this.#kind)
  }

  /** Those that have gone out whole are done with. */
  #settle(): void {
    for (let first = this.#open[0]; first !== undefined && first.at === first.bytes.length; first = this.#open[0]) {
      const { start, length, asCame, kind, received } = first
      if (!received) this.#record(start, length, asCame, kind)
      this.#end = start + length
      this.#kind = kind
      this.#open.shift()
    }
  }
}

/** The same memory, in the place that comes next. */
function isNextOf({ bytes, at }: Piece, other: Uint8Array): boolean {
  return other.buffer === bytes.buffer && other.byteOffset === bytes.byteOffset + at && other.length <= bytes.length - at
}
