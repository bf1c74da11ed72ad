import type { Protocol } from '../../relay/address.js'
import type { AnswerDifference, Comparison, FoundDifference, Outcome } from './comparison.js'
import { Sample } from './sample.js'

/** Differences kept: whoever wants more of them listens. */
const mostDifferences = 10_000

/** What two messages are called in what is told of them. */
export interface Named {
  readonly protocol: Protocol
  readonly a: number | null
  readonly b: number | null
  readonly asked: string
}

/** A difference of a message within what is paired, which has a name of its own. */
export type MessageDifference = FoundDifference & Partial<Pick<Named, 'a' | 'b' | 'asked'>>

/** Counts a comparison as it goes. */
export class Tally {
  readonly #onDifference: (difference: AnswerDifference) => void
  readonly #counts = { same: 0, different: 0, failed: 0, uncompared: 0, onlyA: 0, onlyB: 0 }
  readonly #differences: AnswerDifference[] = []
  readonly #latency = { a: new Sample(), b: new Sample() }
  readonly #notes: string[] = []
  #count = 0
  notSent = 0

  constructor(onDifference: (difference: AnswerDifference) => void = () => {}) {
    this.#onDifference = onDifference
  }

  pair(named: Named, outcome: Outcome, found: Iterable<MessageDifference>): void {
    this.#counts[outcome]++
    for (const one of found) this.#tell({ ...named, ...one })
  }

  /** @param field what is missing on the other side, such as `request`. */
  only(named: Named, field: string): void {
    const inA = named.b === null
    this.#counts[inA ? 'onlyA' : 'onlyB']++
    this.#tell({ ...named, field, was: inA ? 'there' : null, now: inA ? null : 'there' })
  }

  /** Ms, of both or of neither. */
  took(a: number | null, b: number | null): void {
    if (a === null || b === null) return
    this.#latency.a.add(a)
    this.#latency.b.add(b)
  }

  /** A sentence on what the numbers don't say. */
  note(text: string): void {
    this.#notes.push(text)
  }

  get comparison(): Comparison {
    const { same, different, failed, uncompared } = this.#counts
    return {
      ...this.#counts, compared: same + different + failed + uncompared, notSent: this.notSent, notes: this.#notes, differences: this.#differences, differenceCount: this.#count,
      latency: { a: this.#latency.a.quantiles, b: this.#latency.b.quantiles },
    }
  }

  #tell(difference: AnswerDifference): void {
    this.#count++
    if (this.#differences.length < mostDifferences) this.#differences.push(difference)
    this.#onDifference(difference)
  }
}
