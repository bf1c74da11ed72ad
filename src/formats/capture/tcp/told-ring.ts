import { differenceOf } from './difference.js'

/** Bytes of the ring: so much of what was told last is remembered, over all connections. */
const size = 16 * 1024 * 1024

/** Of each piece: f64 place of the piece before it in its stream, f64 stream offset, u32 length, padding. */
const headerSize = 24

/** Pieces of its stream that are looked at for one segment that comes again: more would let a hostile capture ask for the square of its size. */
const mostLookedAt = 4096

/** The place of a stream's last piece where it has none. */
export const nothing = -1

/**
 * The newest bytes that were told, of all connections, one piece behind another in one block of memory that is written round and
 * round: to remember costs a copy and nothing to forget. Each piece names the one before it in its stream.
 * A place counts every byte that was ever written; it is there as long as no more than `size` were written since.
 */
export class ToldRing {
  #bytes: Buffer | null = null
  #f64: Float64Array = new Float64Array()
  #u32: Uint32Array = new Uint32Array()
  #end = 0

  /** @param before place of the stream's last piece. @returns the place of this one, now its last. */
  add(before: number, offset: number, bytes: Buffer): number {
    const needed = headerSize + ((bytes.length + 7) & ~7)
    if (needed > size) return nothing
    const ring = this.#bytes ?? this.#begin()
    const left = size - this.#end % size
    if (left < needed) this.#end += left
    const place = this.#end
    const at = place % size
    this.#f64[at >> 3] = before
    this.#f64[(at >> 3) + 1] = offset
    this.#u32[(at >> 2) + 4] = bytes.length
    bytes.copy(ring, at + headerSize)
    this.#end += needed
    return place
  }

  /**
   * @param last place of the stream's last piece.
   * @returns where these bytes, at this offset of the stream, first differ from what is remembered; -1 where they don't.
   */
  firstDifference(last: number, offset: number, bytes: Buffer): number {
    const end = offset + bytes.length
    let first = -1
    let place = last
    for (let looked = 0; looked < mostLookedAt && place !== nothing && this.#end - place <= size; looked++) {
      const at = place % size
      const start = this.#f64[(at >> 3) + 1]!
      const length = this.#u32[(at >> 2) + 4]!
      if (start + length <= offset) break
      const from = Math.max(offset, start)
      const to = Math.min(end, start + length)
      if (from < to) {
        const kept = at + headerSize - start
        const different = differenceOf(this.#bytes!.subarray(kept + from, kept + to), bytes.subarray(from - offset, to - offset))
        if (different >= 0) first = from + different
      }
      place = this.#f64[at >> 3]!
    }
    return first
  }

  #begin(): Buffer {
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#f64 = new Float64Array(this.#bytes.buffer)
    this.#u32 = new Uint32Array(this.#bytes.buffer)
    return this.#bytes
  }
}
