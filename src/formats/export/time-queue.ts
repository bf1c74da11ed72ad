/** Things that are due at a time, the earliest first: a binary heap. */
export class TimeQueue<T> {
  readonly #heap: { readonly time: number, readonly thing: T }[] = []

  /** When the first is due; Infinity where there is none. */
  get next(): number {
    return this.#heap[0]?.time ?? Infinity
  }

  put(time: number, thing: T): void {
    const heap = this.#heap
    let at = heap.length
    heap.push({ time, thing })
    for (let above = (at - 1) >> 1; at > 0 && heap[above]!.time > time; at = above, above = (at - 1) >> 1) {
      [heap[above], heap[at]] = [heap[at]!, heap[above]!]
    }
  }

  take(): T | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (heap.length === 0) return first.thing
    heap[0] = last
    for (let at = 0; ;) {
      let least = at
      for (const below of [2 * at + 1, 2 * at + 2]) if (below < heap.length && heap[below]!.time < heap[least]!.time) least = below
      if (least === at) return first.thing
      ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
      at = least
    }
  }
}
