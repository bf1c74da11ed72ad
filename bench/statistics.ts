export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @param samples at least one. */
export function summarize(samples: readonly number[]): Summary {
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples) }
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest sample that at least `share` of all don't exceed. @param sorted ascending. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
}

export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length
}

export function standardDeviation(samples: readonly number[]): number {
  const middle = mean(samples)
  return Math.sqrt(mean(samples.map((sample) => (sample - middle) ** 2)))
}
