const SMALL = 4 * 1024

/** Bytes that have to outlive the call that brought them. Grows by doubling, and gives a large buffer back when cleared. */
export class KeptBytes {
  private buffer = Buffer.alloc(0)
  length = 0

  append(bytes: Buffer, start: number, end: number): void {
    const length = this.length + end - start
    if (length > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.buffer.length * 2, 512))
      this.buffer.copy(larger, 0, 0, this.length)
      this.buffer = larger
    }
    bytes.copy(this.buffer, this.length, start, end)
    this.length = length
  }

  /** A view of the bytes kept, valid until the next append or clear. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
    if (this.buffer.length > SMALL) this.buffer = Buffer.alloc(0)
  }

  /** Like clear, but leaves views of the bytes as they are: the next append doesn't reuse the memory. */
  release(): void {
    this.length = 0
    this.buffer = Buffer.alloc(0)
  }
}
