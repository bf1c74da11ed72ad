/** When something began and was over in the recording, in µs. */
export interface Span {
  readonly began: number
  readonly over: number
}

/**
 * Keeps what was recorded one after the other in that order: one may begin when all that were over before it began are over again. What ran side by
 * side may do so again.
 */
export class RecordedOrder {
  /** Places in the given list, in the order in which they were over. */
  readonly #byEnd: readonly number[]
  /** For each, how many were over before it began. */
  readonly #before: readonly number[]
  readonly #done: Uint8Array
  #reached = 0
  readonly #waiting: { readonly need: number, readonly go: () => void }[] = []

  constructor(spans: readonly Span[]) {
    this.#done = new Uint8Array(spans.length)
    this.#byEnd = spans.map((_, index) => index).sort((a, b) => spans[a]!.over - spans[b]!.over)
    const ends = this.#byEnd.map((index) => spans[index]!.over)
    this.#before = spans.map(({ began }) => countBelow(ends, began))
  }

  /** Resolves when this one may begin. */
  async turn(index: number): Promise<void> {
    const need = this.#before[index]!
    if (this.#reached >= need) return
    await new Promise<void>((go) => { this.#waiting.push({ need, go }) })
  }

  /** Nobody waits any longer: not all will be sent. */
  release(): void {
    this.#reached = this.#byEnd.length
    for (const { go } of this.#waiting.splice(0)) go()
  }

  /** It is over, however it ended. */
  done(index: number): void {
    this.#done[index] = 1
    const before = this.#reached
    while (this.#reached < this.#byEnd.length && this.#done[this.#byEnd[this.#reached]!] === 1) this.#reached++
    if (this.#reached === before) return
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      if (this.#waiting[at]!.need <= this.#reached) this.#waiting.splice(at, 1)[0]!.go()
    }
  }
}

function countBelow(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
