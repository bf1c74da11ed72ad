/** A stretch of what came. `bytes` is the stages' to write to; `asCame` stays as it was. */
interface Piece {
  readonly bytes: Buffer
  readonly asCame: Buffer
  /** How much of its beginning has gone out, or was let go of. */
  at: number
  /** Let go of by a stage before what came earlier was through. */
  dropped: boolean
}

/** @param offset stream offset. @param replaced so many received bytes stand there. @param bytes what went out instead. */
export type Differs = (offset: number, replaced: number, bytes: Buffer) => void

const nothing = Buffer.alloc(0)

/**
 * What went into the stages of one direction, against what came out of them. What comes out in its place in memory, and as it went in, is what
 * came; anything else stands for all that was taken since.
 */
export class Account {
  readonly #differs: Differs
  /** Gone in, and not yet matched by what came out; in order. */
  readonly #open: Piece[] = []
  /** Stream offset of the first byte that isn't accounted for yet. */
  #at: number

  /** @param offset stream offset of the first byte to come. */
  constructor(offset: number, differs: Differs) {
    this.#at = offset
    this.#differs = differs
  }

  /** Stages hold bytes, or have lost them. */
  get open(): boolean {
    return this.#open.length > 0
  }

  wentIn(bytes: Buffer, asCame: Buffer): void {
    this.#open.push({ bytes, asCame, at: 0, dropped: false })
  }

  /** @returns where it is what came, the same bytes where nothing writes to them; else null. */
  cameOut(bytes: Buffer): Buffer | null {
    const [first] = this.#open
    if (first !== undefined && isNextOf(first, bytes)) {
      const asCame = first.asCame.subarray(first.at, first.at + bytes.length)
      if (bytes.equals(asCame)) {
        this.#advance(first, bytes.length)
        return asCame
      }
    }
    const replaced = this.#left()
    this.#differs(this.#at, replaced, bytes)
    this.#at += replaced
    this.#open.length = 0
    return null
  }

  /** A stage lets go of bytes as they were given to it: the rest of a piece, or all of it. Anything else shows as lost in the end. */
  letGo(bytes: Uint8Array): void {
    const [first] = this.#open
    if (first !== undefined && isNextOf(first, bytes)) {
      this.#differs(this.#at, bytes.length, nothing)
      this.#advance(first, bytes.length)
      return
    }
    const later = this.#open.find((piece) => piece.at === 0 && piece.bytes.length === bytes.length && isNextOf(piece, bytes))
    if (later !== undefined) later.dropped = true
  }

  /** Nothing more comes out: what went in and didn't come out was lost. */
  close(): void {
    const left = this.#left()
    if (left > 0) this.#differs(this.#at, left, nothing)
    this.#at += left
    this.#open.length = 0
  }

  /** Bytes that go past the stages because they have ended the stream. */
  past(length: number): void {
    this.#differs(this.#at, length, nothing)
    this.#at += length
  }

  #left(): number {
    return this.#open.reduce((sum, { bytes, at }) => sum + bytes.length - at, 0)
  }

  #advance(first: Piece, length: number): void {
    this.#at += length
    first.at += length
    if (first.at < first.bytes.length) return
    this.#open.shift()
    for (let next = this.#open[0]; next?.dropped === true; next = this.#open[0]) {
      this.#differs(this.#at, next.bytes.length, nothing)
      this.#at += next.bytes.length
      this.#open.shift()
    }
  }
}

/** The same memory, in the place that comes next. */
function isNextOf({ bytes, at }: Piece, other: Uint8Array): boolean {
  return other.buffer === bytes.buffer && other.byteOffset === bytes.byteOffset + at && other.length <= bytes.length - at
}
