import { byteView, firstDifference } from '../byte-view.js'
import type { Miss } from '../miss.js'
import type { Given } from './given.js'
import type { RecordedAnswers } from './answers.js'

/** Recorded datagrams that are looked at for the closest, and their bytes that are kept for it. */
const mostCompared = 500
const mostBytes = 4 * 1024 * 1024

/** A flood of unknown datagrams is told, but not all of it is explained. */
const explainedASecond = 20

type Told = Pick<Miss, 'kind' | 'closest' | 'differs' | 'text'>

/** A miss that is told without the closest record. */
export function unexplained(text: string): Told {
  return { kind: 'unknown', closest: null, differs: [], text }
}

/** Allows so many explanations a second. */
export class Explanations {
  #second = 0
  #given = 0

  next(): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) this.#given = 0
    this.#second = second
    return this.#given++ < explainedASecond
  }
}

/** Tells of a datagram that wasn't recorded which comes closest: one of the same length, or that begins alike. */
export class ClosestDatagram {
  readonly #datagrams: Given
  readonly #answers: RecordedAnswers
  /** Read once, when first wanted. */
  #candidates: readonly { readonly id: number, readonly bytes: Buffer }[] | null = null

  constructor(datagrams: Given, answers: RecordedAnswers) {
    this.#datagrams = datagrams
    this.#answers = answers
  }

  explain(bytes: Buffer): Told {
    let best: { id: number, bytes: Buffer, same: number, score: number } | null = null
    this.#candidates ??= this.#load()
    for (const { id, bytes: recorded } of this.#candidates) {
      const same = firstDifference(bytes, recorded)
      // A field in the middle differs more often than a whole datagram is another of the same length.
      const score = same + (recorded.length === bytes.length ? bytes.length / 2 : 0)
      if (best === null || score > best.score) best = { id, bytes: recorded, same, score }
    }
    if (best === null) return { kind: 'unknown', closest: null, differs: [], text: 'no such datagram was recorded' }
    const { id, bytes: recorded, same } = best
    const [came, then] = [byteView(bytes.subarray(same)), byteView(recorded.subarray(same))]
    return {
      kind: 'unknown', closest: id, differs: [{ field: `offset ${same}`, came, recorded: then }],
      text: `no such datagram was recorded; the closest is ${id}`,
    }
  }

  #load(): { id: number, bytes: Buffer }[] {
    const found: { id: number, bytes: Buffer }[] = []
    let left = mostBytes
    for (const { id, bytes } of this.#answers.datagrams([...this.#datagrams.firsts(mostCompared)])) {
      left -= bytes.length
      if (left < 0) break
      found.push({ id, bytes })
    }
    return found
  }
}
