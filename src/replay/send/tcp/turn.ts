import { commonLength } from '../../compare/stream-differences.js'

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

  expect(bytes: Buffer): void {
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

  /** It says something else: how much of it is to come, nobody knows. */
  get diverged(): boolean {
    const [a, b] = [Buffer.concat(this.#recorded), Buffer.concat(this.#now)]
    const length = Math.min(a.length, b.length)
    return commonLength(a, b, length) < length
  }

  /** The client speaks: what was missing won't be waited for again, what was too much is nothing of the next turn. */
  next(): void {
    this.came = this.expected
    this.#recorded.length = this.#now.length = 0
    this.#sizes = { recorded: 0, now: 0 }
  }
}
