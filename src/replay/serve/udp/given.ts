import { createHash } from 'node:crypto'
import type { After } from '../stand-in.js'

/**
 * What was asked and recorded, by what it is known by: ids of all records of the same question, in their order. Of the questions themselves only
 * 48 bits of a hash are kept: whoever finds ids looks at the records.
 */
export class Given {
  readonly #after: After
  readonly #ids = new Map<number, number | number[]>()
  readonly #turns = new Map<number, number>()

  constructor(after: After) {
    this.#after = after
  }

  get size(): number {
    return this.#ids.size
  }

  add(question: Buffer | string, id: number): void {
    const key = keyOf(question)
    const there = this.#ids.get(key)
    if (there === undefined) this.#ids.set(key, id)
    else if (typeof there === 'number') this.#ids.set(key, [there, id])
    else there.push(id)
  }

  has(question: Buffer | string): boolean {
    return this.#ids.has(keyOf(question))
  }

  /** Whether one is there that wasn't given yet: more of the same that come later change nothing about whose turn it is. */
  isDue(question: Buffer | string): boolean {
    const key = keyOf(question)
    const found = this.#ids.get(key)
    return found !== undefined && (this.#turns.get(key) ?? 0) < (typeof found === 'number' ? 1 : found.length)
  }

  /** Whose turn it is, in the recorded order, then as `after` says. @returns null where it wasn't recorded, or all were given. */
  next(question: Buffer | string): number | null {
    const key = keyOf(question)
    const found = this.#ids.get(key)
    if (found === undefined) return null
    const ids = typeof found === 'number' ? [found] : found
    const turn = this.#turns.get(key) ?? 0
    this.#turns.set(key, turn + 1)
    if (turn < ids.length) return ids[turn]!
    return this.#after === 'miss' ? null : this.#after === 'cycle' ? ids[turn % ids.length]! : ids.at(-1)!
  }

  /** The last record of a question. */
  last(question: Buffer | string): number | null {
    const found = this.#ids.get(keyOf(question))
    return found === undefined ? null : typeof found === 'number' ? found : found.at(-1)!
  }

  /** The first records of so many different questions. */
  *firsts(most: number): Generator<number> {
    for (const found of this.#ids.values()) {
      if (most-- <= 0) return
      yield typeof found === 'number' ? found : found[0]!
    }
  }
}

function keyOf(question: Buffer | string): number {
  return createHash('sha1').update(question).digest().readUIntBE(0, 6)
}
