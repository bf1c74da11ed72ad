import { createHash } from 'node:crypto'
import type { FoundDifference } from './comparison.js'

/** What is known of two streams that were read side by side. */
export interface StreamsCompared {
  /** Of the first byte that isn't the same in both, or that only one has; null where they are equal. */
  readonly offset: number | null
  readonly was: StreamFacts
  readonly now: StreamFacts
}

export interface StreamFacts {
  readonly size: number
  readonly sha256: string
  /** Some bytes from the first difference on. */
  readonly there: Buffer
}

type Chunks = Iterable<Buffer> | AsyncIterable<Buffer>

/** Bytes shown of where two streams part. */
const shown = 16

/** Reads both to their ends, holding no more of them than a piece of each. */
export async function compareStreams(was: Chunks, now: Chunks): Promise<StreamsCompared> {
  const a = new Side(was)
  const b = new Side(now)
  try {
    let offset: number | null = null
    let at = 0
    while (offset === null) {
      await a.fill()
      await b.fill()
      const length = Math.min(a.held.length, b.held.length)
      if (length === 0) {
        if (a.held.length + b.held.length > 0) offset = at
        break
      }
      const same = commonLength(a.held, b.held, length)
      a.skip(same)
      b.skip(same)
      at += same
      if (same < length) offset = at
    }
    return { offset, was: await a.rest(), now: await b.rest() }
  } finally {
    await a.close()
    await b.close()
  }
}

/** @returns none where they are equal. */
export function streamDifference({ offset, was, now }: StreamsCompared, name = ''): FoundDifference[] {
  return offset === null ? [] : [{ field: `${name}offset ${offset}`, was: tell(was), now: tell(now) }]
}

function tell({ size, sha256, there }: StreamFacts): string {
  return there.length === 0 ? `ends: ${size} bytes` : `${hex(there)} (${size} bytes, sha-256 ${sha256.slice(0, 12)}…)`
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex').replaceAll(/(..)(?=.)/g, '$1 ')
}

/** How many bytes from the first on are the same. */
export function commonLength(a: Buffer, b: Buffer, length = Math.min(a.length, b.length)): number {
  // Whole blocks at once: byte by byte is for the one that differs.
  const block = 4096
  let at = 0
  while (at + block <= length && a.compare(b, at, at + block, at, at + block) === 0) at += block
  while (at < length && a[at] === b[at]) at++
  return at
}

class Side {
  held: Buffer = Buffer.alloc(0)
  readonly #chunks: Iterator<Buffer> | AsyncIterator<Buffer>
  readonly #hash = createHash('sha256')
  #size = 0
  #over = false

  constructor(chunks: Chunks) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  }

  async fill(): Promise<void> {
    while (this.held.length === 0 && !this.#over) {
      const next = await this.#chunks.next()
      if (next.done === true) {
        this.#over = true
      } else {
        this.held = next.value
        this.#size += next.value.length
        this.#hash.update(next.value)
      }
    }
  }

  skip(length: number): void {
    this.held = this.held.subarray(length)
  }

  async rest(): Promise<StreamFacts> {
    let there = Buffer.alloc(0)
    for (;;) {
      await this.fill()
      if (this.held.length === 0) break
      if (there.length < shown) there = Buffer.concat([there, this.held.subarray(0, shown - there.length)])
      this.held = Buffer.alloc(0)
    }
    return { size: this.#size, sha256: this.#hash.digest('hex'), there }
  }

  async close(): Promise<void> {
    this.#over = true
    await this.#chunks.return?.()
  }
}
