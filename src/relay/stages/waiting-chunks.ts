/** Chunks that stages are given are no larger; their memory is small enough for the allocator to have it ready: larger is mapped anew, page by page. */
const largestChunk = 32 * 1024

export interface WaitingChunk {
  /** For the first stage, which may write to it. */
  readonly bytes: Buffer
  readonly asCame: Buffer
  /** When it came, on the clock of `performance.now()`. */
  readonly time: number
}

/** What came for stages, until the first of them asks for it. */
export class WaitingChunks {
  /** How many wait; 0 only where no chunk does. */
  bytes = 0
  readonly #chunks: WaitingChunk[] = []

  /** @param bytes copied: the caller may read into its memory again while a stage holds on to them, and a stage may write to its own. */
  put(bytes: Buffer): void {
    const time = performance.now()
    for (let from = 0; from < bytes.length; from += largestChunk) {
      const until = Math.min(bytes.length, from + largestChunk)
      const length = until - from
      const copies = Buffer.allocUnsafe(2 * length)
      bytes.copy(copies, 0, from, until)
      bytes.copy(copies, length, from, until)
      this.#chunks.push({ bytes: copies.subarray(0, length), asCame: copies.subarray(length), time })
    }
    this.bytes += bytes.length
  }

  /** The next one; null where none waits. */
  take(): WaitingChunk | null {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return null
    this.bytes -= chunk.bytes.length
    return chunk
  }

  clear(): void {
    this.#chunks.length = 0
    this.bytes = 0
  }
}
