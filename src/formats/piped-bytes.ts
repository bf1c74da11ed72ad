import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { reasonOf, WiretapeError } from '../error.js'

/** The bytes of a pipe: what was looked at to tell what it is can't be read again, and is kept. */
export class PipedBytes {
  /** The first bytes: as many as were asked for, unless there are no more. */
  readonly first: Buffer
  readonly #rest: AsyncIterator<Buffer>
  readonly #stream: Readable
  readonly #name: string
  #read = 0

  private constructor(name: string, stream: Readable, rest: AsyncIterator<Buffer>, first: Buffer) {
    this.#name = name
    this.#stream = stream
    this.#rest = rest
    this.first = first
  }

  /** @param path of a named pipe, or `-` for the standard input. Waits for who writes into it. @throws WiretapeError `storage`. */
  static async open(path: string, lookedAt: number): Promise<PipedBytes> {
    try {
      const stream = path === '-' ? process.stdin : createReadStream(path)
      const rest = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
      let first = Buffer.alloc(0)
      while (first.length < lookedAt) {
        const next = await rest.next()
        if (next.done === true) break
        first = Buffer.concat([first, next.value])
      }
      return new PipedBytes(path, stream, rest, first)
    } catch (cause) {
      throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
    }
  }

  /** Bytes that were read from it. */
  get bytesRead(): number {
    return this.#read
  }

  /** All of it, once. */
  async *chunks(): AsyncGenerator<Buffer> {
    let chunk = this.first
    for (;;) {
      this.#read += chunk.length
      if (chunk.length > 0) yield chunk
      const next = await this.#rest.next().catch((cause: unknown) => {
        throw new WiretapeError('storage', `cannot read ${this.#name}: ${reasonOf(cause)}`, { cause })
      })
      if (next.done === true) return
      chunk = next.value
    }
  }

  /** Whoever writes into it is told that nobody reads on. */
  close(): void {
    this.#stream.destroy()
  }
}
