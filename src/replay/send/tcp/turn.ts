import { commonLength } from '../../compare/stream-differences.js'
import type { RecordedAnswer } from '../answer-limits.js'

/** Bytes of a turn that are looked at. */
const lookedAt = 64 * 1024

/** What the server should have said since the client spoke last, and what it has said: whether it is worth waiting for the rest. */
export class Turn {
  /** Bytes recorded, and come, of the whole connection. */
  expected = 0
  came = 0
  readonly #recorded: Buffer[] = []
  readonly #now: Buffer[] = []
  #sizes = { recorded: 0, now: 0 }
  /** µs, as recorded: when it began, when something was last said. */
  #began: number
  #last: number
  /** µs that passed before the server said something, and at most between two pieces of what it said. */
  #silence = 0
  #pause = 0

  /** @param began µs, as recorded. */
  constructor(began: number) {
    this.#began = this.#last = began
  }

  /** @param time µs, as recorded. */
  expect(bytes: Buffer, time: number): void {
    if (this.#sizes.recorded === 0) this.#silence = time - this.#last
    else this.#pause = Math.max(this.#pause, time - this.#last)
    this.#last = time
    this.expected += bytes.length
    if (this.#sizes.recorded < lookedAt) this.#recorded.push(Buffer.from(bytes))
    this.#sizes.recorded += bytes.length
  }

  take(bytes: Buffer): void {
    this.came += bytes.length
    if (this.#sizes.now < lookedAt) this.#now.push(Buffer.from(bytes))
    this.#sizes.now += bytes.length
  }

  get complete(): boolean {
    return this.came >= this.expected
  }

  /** Nothing of it has come. */
  get silent(): boolean {
    return this.#sizes.now === 0
  }

  /** It says something else: how much of it is to come, nobody knows. */
  get diverged(): boolean {
    const [a, b] = [Buffer.concat(this.#recorded), Buffer.concat(this.#now)]
    const length = Math.min(a.length, b.length)
    return commonLength(a, b, length) < length
  }

  /** Ms of silence, as recorded: the longest, and the longest once the server had begun. */
  get silence(): { readonly longest: number, readonly within: number } {
    return { longest: Math.max(this.#silence, this.#pause) / 1000, within: this.#pause / 1000 }
  }

  /** What was recorded of it. */
  get recorded(): RecordedAnswer {
    return { bytes: this.#sizes.recorded, silence: this.silence.longest, duration: (this.#last - this.#began) / 1000 }
  }

  /** The client spoke, and hasn't been answered yet. @param time µs, as recorded. */
  asked(time: number): void {
    this.#last = time
  }

  /** The client speaks: what was missing won't be waited for again, what was too much is nothing of the next turn. @param time µs, as recorded. */
  next(time: number): void {
    this.#began = time
    this.#silence = this.#pause = 0
    this.came = this.expected
    this.#recorded.length = this.#now.length = 0
    this.#sizes = { recorded: 0, now: 0 }
  }
}
