/** The bytes of a file that came and aren't read yet, with their place in the file. */
export class UnreadBytes {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #offset = 0

  add(chunk: Buffer): void {
    this.#bytes = this.#at === this.#bytes.length ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk])
    this.#at = 0
  }

  get length(): number {
    return this.#bytes.length - this.#at
  }

  /** Of the next byte in the file. */
  get offset(): number {
    return this.#offset
  }

  /** A view of the next so many. */
  peek(length: number): Buffer {
    return this.#bytes.subarray(this.#at, this.#at + length)
  }

  skip(length: number): void {
    this.#at += length
    this.#offset += length
  }
}
