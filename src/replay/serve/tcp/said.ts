/** What a client has said and nobody has looked at yet. */
export class Said {
  readonly #chunks: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Whether there is nothing. */
  get empty(): boolean {
    return this.#length === 0
  }

  /** The first of it, in one piece as it came. Only where there is something. */
  get first(): Buffer {
    return this.#chunks[0]!
  }

  /** The first of it, so many bytes at most, however it came. */
  peek(length: number): Buffer {
    const chunks: Buffer[] = []
    for (let index = 0, left = length; left > 0 && index < this.#chunks.length; index++) {
      chunks.push(this.#chunks[index]!.subarray(0, left))
      left -= chunks.at(-1)!.length
    }
    return Buffer.concat(chunks)
  }

  add(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }

  /** @param length of the first piece. */
  drop(length: number): void {
    this.#length -= length
    if (length === this.#chunks[0]!.length) this.#chunks.shift()
    else this.#chunks[0] = this.#chunks[0]!.subarray(length)
  }

  clear(): void {
    this.#chunks.length = 0
    this.#length = 0
  }
}
