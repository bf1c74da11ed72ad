/** When something began and was over in the recording, in µs. */
export interface Span {
  readonly began: number
  /** All of it was said, and its end may have come later: a client that leaves and comes again may be back before the relay saw it leave. */
  readonly said?: number | undefined
  readonly over: number
}

/**
 * Keeps what was recorded one after the other in that order: one may begin when all that were said or over before it began are so again. What ran side by
 * side may do so again.
 */
export class RecordedOrder {
  /** What others wait for, in its order: twice the place in the given list where all is said, and one more where it is over. */
  readonly #byEnd: readonly number[]
  /** For each of the list, how many of those came before it began. */
  readonly #before: readonly number[]
  readonly #done: Uint8Array
  #reached = 0
  readonly #waiting: { readonly need: number, readonly go: () => void }[] = []

  constructor(spans: readonly Span[]) {
    // What a clock that went back has ended before it began would wait for itself.
    const ended = (end: number): number => {
      const { began, said, over } = spans[end >> 1]!
      return Math.max(began, end & 1 ? over : said!)
    }
    this.#done = new Uint8Array(2 * spans.length)
    this.#byEnd = spans.flatMap(({ said }, index) => said === undefined ? [2 * index + 1] : [2 * index, 2 * index + 1]).sort((a, b) => ended(a) - ended(b))
    const ends = this.#byEnd.map(ended)
    this.#before = spans.map(({ began }) => countBelow(ends, began))
  }

  /** Resolves when this one may begin. */
  async turn(index: number): Promise<void> {
    const need = this.#before[index]!
    if (this.#reached >= need) return
    await new Promise<void>((go) => { this.#waiting.push({ need, go }) })
  }

  /** How many wait for others. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Nobody waits any longer: not all will be sent, or not all can be open at once. */
  release(): void {
    this.#reached = this.#byEnd.length
    for (const { go } of this.#waiting.splice(0)) go()
  }

  /** All of it is said. */
  said(index: number): void {
    this.#done[2 * index] = 1
    this.#advance()
  }

  /** It is over, however it ended. */
  done(index: number): void {
    this.#done[2 * index] = this.#done[2 * index + 1] = 1
    this.#advance()
  }

  #advance(): void {
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
