import { createHash } from 'node:crypto'

/** A listing is parsed up to this size; a larger one is still recorded whole. */
const listingLimit = 4 * 1024 * 1024

/** What went one way over a data connection, counted and hashed from its first byte: its command may come later. */
export class DataContent {
  /** On the wire, those that weren't recorded included. */
  bytes = 0
  /** Not recorded. */
  missing = 0
  firstByte: number | null = null
  lastByte: number | null = null
  readonly #hash = createHash('sha256')
  /** Null where no listing is to be read. */
  #kept: Buffer[] | null = []

  received(bytes: Buffer, time: number): void {
    this.#carried(bytes.length, time)
    this.#hash.update(bytes)
    if (this.bytes <= listingLimit) this.#kept?.push(Buffer.from(bytes))
    else this.#kept = null
  }

  lost(length: number, time: number): void {
    this.#carried(length, time)
    this.missing += length
    this.#kept = null
  }

  /** It is known now what it is: nothing of a file has to stay in memory. */
  is(what: 'listing' | 'file'): void {
    if (what === 'file') this.#kept = null
    else if (this.bytes === 0) this.#kept = []
  }

  /** Null where it isn't whole. */
  get sha256(): string | null {
    return this.missing > 0 ? null : this.#hash.copy().digest('hex')
  }

  /** Everything that came; null where that is too much for a listing, or not whole. */
  get listing(): Buffer | null {
    return this.#kept === null ? null : Buffer.concat(this.#kept)
  }

  #carried(length: number, time: number): void {
    this.firstByte ??= time
    this.lastByte = time
    this.bytes += length
  }
}
