import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'

/** Bodies that are longer are compared by their hash alone, in bytes. */
const mostKept = 8 * 1024 * 1024

const smallest = 1024

/** A request's body as far as it has to be known to be compared: all of it, or only its hash where it is long. */
export class AskedBody {
  size = 0
  /** Grows by doubling: a body of a million chunks is one piece of memory, not a million. */
  #kept: Buffer | null = Buffer.alloc(0)
  #hash: Hash | null = null
  #digest: string | null = null

  add(bytes: Buffer): void {
    const before = this.size
    this.size += bytes.length
    if (this.#hash !== null) {
      this.#hash.update(bytes)
    } else if (this.size > mostKept) {
      this.#hash = createHash('sha256').update(this.#kept!.subarray(0, before)).update(bytes)
      this.#kept = null
    } else {
      this.#keep(before, bytes)
    }
  }

  /** The whole of it; null where it is too long to be kept. */
  get bytes(): Buffer | null {
    return this.#kept?.subarray(0, this.size) ?? null
  }

  /** SHA-256, in hex. */
  get digest(): string {
    this.#digest ??= (this.#hash ?? createHash('sha256').update(this.bytes!)).digest('hex')
    return this.#digest
  }

  #keep(before: number, bytes: Buffer): void {
    if (this.size > this.#kept!.length) {
      const larger = Buffer.allocUnsafe(Math.max(smallest, this.size, this.#kept!.length * 2))
      this.#kept!.copy(larger, 0, 0, before)
      this.#kept = larger
    }
    bytes.copy(this.#kept!, before)
  }
}
