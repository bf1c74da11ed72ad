import type { ReassemblyMemory } from './memory.js'

type Piece = { readonly at: number, readonly bytes: Buffer }

/** What a piece costs besides its bytes. */
const overhead = 128

/** In place of a piece that is forgotten: one for all, as a stream may have dozens of them, and a capture thousands of streams. */
const forgotten: Piece = { at: 0, bytes: Buffer.alloc(0) }

/** The newest bytes of a stream that were told already: what is sent again is compared with them, as long as memory allows. */
export class ToldBytes {
  readonly #memory: ReassemblyMemory
  /** In stream order. The first `#forgotten` are empty. */
  #pieces: Piece[] = []
  #forgotten = 0
  #closed = false

  constructor(memory: ReassemblyMemory) {
    this.#memory = memory
  }

  add(at: number, bytes: Buffer): void {
    if (this.#closed) return
    this.#pieces.push({ at, bytes })
    this.#memory.remember(this, bytes.length + overhead)
  }

  /** @returns where these bytes, at this offset of the stream, first differ from what is remembered; -1 where they don't. */
  firstDifference(at: number, bytes: Buffer): number {
    const end = at + bytes.length
    let first = -1
    for (let index = this.#pieces.length - 1; index >= this.#forgotten; index--) {
      const piece = this.#pieces[index]!
      const from = Math.max(at, piece.at)
      const to = Math.min(end, piece.at + piece.bytes.length)
      if (piece.at + piece.bytes.length <= at) break
      if (from >= to) continue
      const different = differenceOf(piece.bytes.subarray(from - piece.at, to - piece.at), bytes.subarray(from - at, to - at))
      if (different >= 0) first = from + different
    }
    return first
  }

  forgetOldest(): void {
    if (this.#closed) return
    this.#forgotten++
    this.#pieces[this.#forgotten - 1] = forgotten
    if (this.#forgotten > 64 && this.#forgotten * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#forgotten)
      this.#forgotten = 0
    }
  }

  close(): void {
    this.#closed = true
    this.#pieces = []
  }
}

/** @param other of the same length. @returns the index of the first byte that isn't the same; -1 where all are. */
export function differenceOf(bytes: Buffer, other: Buffer): number {
  return bytes.equals(other) ? -1 : bytes.findIndex((byte, index) => byte !== other[index])
}
