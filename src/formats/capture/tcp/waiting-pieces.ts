import { differenceOf } from './difference.js'
import type { ReassemblyMemory } from './memory.js'

/** A piece that waits for what comes before it; null bytes are those that the snapshot cut off. */
export type WaitingPiece = { readonly at: number, readonly end: number, readonly bytes: Buffer | null, readonly cost: number }

/** What one stream may hold back, with what pieces cost; TCP's windows are seldom larger. */
const mostWaiting = 4 * 1024 * 1024
const mostPieces = 4096

/** What came of a stream behind a hole: in stream order, without overlap. */
export class WaitingPieces {
  readonly #of: Parameters<ReassemblyMemory['wait']>[0]
  readonly #memory: ReassemblyMemory
  #pieces: WaitingPiece[] = []
  #cost = 0

  /** @param of gives its first hole up where others need the room. */
  constructor(of: Parameters<ReassemblyMemory['wait']>[0], memory: ReassemblyMemory) {
    this.#of = of
    this.#memory = memory
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  /** More than one stream may hold back. */
  get isTooMuch(): boolean {
    return this.#pieces.length > mostPieces || this.#cost > mostWaiting
  }

  /** Where the first begins; Infinity where none waits. */
  get start(): number {
    return this.#pieces[0]?.at ?? Infinity
  }

  /** Where the last ends; 0 where none waits. */
  get end(): number {
    return this.#pieces.at(-1)?.end ?? 0
  }

  /** What came first is kept, here too. @param differs gets the place from which on bytes aren't what came first. */
  add(from: number, to: number, bytes: Buffer | null, differs: (at: number) => void): void {
    let index = this.#firstBeyond(from)
    let at = from
    while (at < to) {
      const next = this.#pieces[index]
      if (next !== undefined && next.at <= at) {
        if (bytes !== null && next.bytes !== null) compare(next.at, next.bytes, from, bytes, differs)
        at = Math.max(at, next.end)
        index++
        continue
      }
      const end = Math.min(to, next?.at ?? Infinity)
      const kept = bytes === null ? null : Buffer.from(bytes.subarray(at - from, end - from))
      const cost = this.#memory.wait(this.#of, kept?.length ?? 0)
      this.#cost += cost
      this.#pieces.splice(index++, 0, { at, end, bytes: kept, cost })
      at = end
    }
  }

  /** Those that follow one another from this place on: they wait no longer. */
  take(place: number): readonly WaitingPiece[] {
    let count = 0
    for (let at = place; this.#pieces[count]?.at === at; count++) at = this.#pieces[count]!.end
    if (count === 0) return []
    const taken = this.#pieces.splice(0, count)
    for (const [n, { cost }] of taken.entries()) this.#release(cost, this.isEmpty && n === count - 1)
    return taken
  }

  /** Nothing of the stream is there: its end comes before. */
  dropFrom(place: number): void {
    while (this.#pieces.length > 0 && this.#pieces.at(-1)!.at >= place) this.#release(this.#pieces.pop()!.cost, this.isEmpty)
  }

  #release(cost: number, isLast: boolean): void {
    this.#cost -= cost
    this.#memory.release(this.#of, cost, isLast)
  }

  /** @returns the index of the first piece that ends after this place. */
  #firstBeyond(place: number): number {
    let [low, high] = [0, this.#pieces.length]
    // Most come in their order, behind a hole.
    if (high === 0 || this.#pieces[high - 1]!.end <= place) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#pieces[middle]!.end > place) high = middle
      else low = middle + 1
    }
    return low
  }
}

function compare(at: number, kept: Buffer, start: number, bytes: Buffer, differs: (at: number) => void): void {
  const from = Math.max(at, start)
  const to = Math.min(at + kept.length, start + bytes.length)
  if (from >= to) return
  const different = differenceOf(kept.subarray(from - at, to - at), bytes.subarray(from - start, to - start))
  if (different >= 0) differs(from + different)
}
