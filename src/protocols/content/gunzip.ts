import { crc32, createInflateRaw } from 'node:zlib'
import type { InflateRaw } from 'node:zlib'

type Chunks = AsyncIterable<Buffer>

/** Bytes given to zlib at once: what they make is held until it is taken, and that may be a thousand times as much. */
const atOnce = 16 * 1024

/** A member's header of more bytes than this is none: its name and comment may have any length. */
const longestHeader = 128 * 1024

/** CRC and length. */
const trailerLength = 8

/**
 * Undoes gzip, member by member (RFC 1952). Node's decoder does so too, but loses the end of what came before where something else than a
 * member follows: here all of it is given first. Zeros after the last member are padding.
 */
export async function* gunzip(body: Chunks): Chunks {
  const input = new Input(body)
  try {
    for (let members = 0; ; members++) {
      await input.atLeast(2)
      const { bytes } = input
      if (members > 0 && (bytes.length === 0 || bytes[0] === 0)) return
      const [first = 0x1f, second = 0x8b] = bytes
      if (first !== 0x1f || second !== 0x8b) throw new Error(members === 0 ? 'incorrect header check' : 'other bytes come after the end of it')
      await skipHeader(input)
      yield* inflateMember(input)
    }
  } finally {
    await input.stop()
  }
}

async function skipHeader(input: Input): Promise<void> {
  for (;;) {
    const length = headerLength(input.bytes)
    if (length !== null) return input.skip(length)
    if (input.bytes.length > longestHeader) throw new Error(`its header is longer than ${longestHeader} bytes`)
    if (!await input.more()) throw new Error('unexpected end of file')
  }
}

/** RFC 1952 §2.3; null where it isn't complete. */
function headerLength(bytes: Buffer): number | null {
  if (bytes.length < 10) return null
  if (bytes[2] !== 8) throw new Error('unknown compression method')
  const flags = bytes[3]!
  let at = 10
  if ((flags & 4) !== 0) {
    if (bytes.length < at + 2) return null
    at += 2 + bytes.readUInt16LE(at)
  }
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue
    const end = bytes.indexOf(0, at)
    if (end < 0) return null
    at = end + 1
  }
  if ((flags & 2) !== 0) at += 2
  return at <= bytes.length ? at : null
}

async function* inflateMember(input: Input): Chunks {
  const inflating = new Inflating()
  let crc = 0
  let size = 0
  try {
    while (!inflating.over) {
      if (input.bytes.length === 0 && !await input.more()) throw new Error('unexpected end of file')
      const slice = input.bytes.subarray(0, atOnce)
      const { pieces, taken, error } = await inflating.feed(slice)
      for (const piece of pieces) {
        crc = crc32(piece, crc)
        size += piece.length
        yield piece
      }
      if (error !== null) throw error
      input.skip(taken)
    }
  } finally {
    inflating.stop()
  }
  if (!await input.atLeast(trailerLength)) throw new Error('unexpected end of file')
  if (input.bytes.readUInt32LE(0) !== crc) throw new Error('incorrect data check')
  if (input.bytes.readUInt32LE(4) !== size % 2 ** 32) throw new Error('incorrect length check')
  input.skip(trailerLength)
}

/** zlib's decoder, given bytes one piece after another, that tells where the compressed data ends. */
class Inflating {
  over = false
  readonly #raw: InflateRaw = createInflateRaw()
  #pieces: Buffer[] = []
  #error: Error | null = null
  #fed: () => void = () => {}

  constructor() {
    this.#raw.on('data', (piece: Buffer) => this.#pieces.push(piece)).on('end', () => {
      this.over = true
      this.#fed()
    }).on('error', (error) => {
      this.#error = error
      this.#fed()
    })
  }

  /** @returns what the bytes made, and how many of them belong to it. */
  async feed(bytes: Buffer): Promise<{ readonly pieces: readonly Buffer[], readonly taken: number, readonly error: Error | null }> {
    const before = this.#raw.bytesWritten
    await new Promise<void>((resolve) => {
      this.#fed = resolve
      // Where the data ends within them, this is never called back.
      this.#raw.write(bytes, () => resolve())
    })
    const pieces = this.#pieces
    this.#pieces = []
    return { pieces, taken: this.#raw.bytesWritten - before, error: this.#error }
  }

  stop(): void {
    this.#raw.destroy()
  }
}

/** What has come and isn't taken yet. */
class Input {
  bytes: Buffer = Buffer.alloc(0)
  readonly #body: AsyncIterator<Buffer>

  constructor(body: Chunks) {
    this.#body = body[Symbol.asyncIterator]()
  }

  /** @returns false at the end. */
  async more(): Promise<boolean> {
    const next = await this.#body.next()
    if (next.done === true) return false
    this.bytes = this.bytes.length === 0 ? next.value : Buffer.concat([this.bytes, next.value])
    return true
  }

  async atLeast(length: number): Promise<boolean> {
    while (this.bytes.length < length) if (!await this.more()) return false
    return true
  }

  skip(length: number): void {
    this.bytes = this.bytes.subarray(length)
  }

  /** Nothing more is wanted. */
  async stop(): Promise<void> {
    await this.#body.return?.()
  }
}
