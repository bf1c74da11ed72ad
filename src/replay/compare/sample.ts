export interface Quantiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** How many values there were. */
  readonly count: number
}

/** Many numbers, in as little memory as they need. */
export class Sample {
  #values = new Float64Array(1024)
  #count = 0

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.#count++] = value
  }

  /** Null where there are none. */
  get quantiles(): Quantiles | null {
    if (this.#count === 0) return null
    const sorted = this.#values.slice(0, this.#count).sort()
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
    return { p50: at(0.5), p99: at(0.99), max: at(1), count: sorted.length }
  }
}
