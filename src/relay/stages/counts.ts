/** Of something that a stage did. */
export interface Facts {
  readonly bytes?: number
  readonly delayMs?: number
}

/** What a stage did to chunk after chunk: told when it begins, and summed up at the end. */
export class Counts {
  readonly #tell: (kind: string, text: string, facts: Facts) => void
  readonly #sums = new Map<string, { times: number, bytes: number | null, delayMs: number | null }>()

  constructor(tell: (kind: string, text: string, facts: Facts) => void) {
    this.#tell = tell
  }

  add(text: string, { bytes, delayMs }: Facts): void {
    let sum = this.#sums.get(text)
    if (sum === undefined) {
      sum = { times: 0, bytes: null, delayMs: null }
      this.#sums.set(text, sum)
      this.#tell('fault', text, { ...(bytes === undefined ? {} : { bytes }), ...(delayMs === undefined ? {} : { delayMs: rounded(delayMs) }) })
    }
    sum.times++
    if (bytes !== undefined) sum.bytes = (sum.bytes ?? 0) + bytes
    if (delayMs !== undefined) sum.delayMs = (sum.delayMs ?? 0) + delayMs
  }

  /** Sums up, once, what happened more than once. */
  end(): void {
    for (const [text, { times, bytes, delayMs }] of this.#sums) {
      if (times > 1) this.#tell('fault-total', `${text}, ${times} times in all`, { ...(bytes === null ? {} : { bytes }), ...(delayMs === null ? {} : { delayMs: rounded(delayMs) }) })
    }
    this.#sums.clear()
  }
}

/** To a µs. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
