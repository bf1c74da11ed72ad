import { crc32, createInflateRaw } from 'node:zlib'
import type { InflateRaw } from 'node:zlib'

/** It couldn't be unpacked to its end: what came before that was given. */
export class BrokenGzip extends Error {
  override readonly name = 'BrokenGzip'
  /** All that is there is right, and there is too little of it. */
  readonly isCut: boolean

  constructor(why: string, isCut = false) {
    super(why)
    this.isCut = isCut
  }
}

/** Flags of a member's header (RFC 1952 §2.3.1). */
const [headerCrc, extra, name, comment] = [2, 4, 8, 16]

/** Bytes by which gzip is known, its one method with them. */
const magic = 3

const fixedHeader = 10
const trailerSize = 8

/** No name or comment is longer. */
const longestHeader = 128 * 1024

/**
 * Bytes that are unpacked at once. What they make is held until it is taken, and that may be a thousand times as much; where they are damaged, what
 * they had before that is lost with them.
 */
const pieceSize = 16 * 1024

/** Of the first so many bytes, fewer at once, where that is asked for: of something small, all would be lost. */
const [beginning, smallPiece] = [4096, 64]

/**
 * Undoes gzip (RFC 1952) piece by piece. Node's own gives nothing of what it has unpacked together with something wrong, were it only in the checksum after it: here,
 * that counts, and is told afterwards.
 */
export class Gunzip {
  readonly #firstPieces: number
  #state: 'header' | 'body' | 'trailer' | 'padding' = 'header'
  #held: Buffer = Buffer.alloc(0)
  #taken = 0
  #members = 0
  #inflate: InflateRaw | null = null
  #failure: Error | null = null
  /** Unpacked, and not yet given. */
  #ready: Buffer[] = []
  #checksum = 0
  #size = 0
  /** Bytes behind the last member that are none of gzip. */
  trailing = 0

  /** @param careful more is given of something small that is damaged, at more cost. */
  constructor(careful = false) {
    this.#firstPieces = careful ? smallPiece : pieceSize
  }

  /** Gives what these bytes hold, in its order, also before it throws. @throws BrokenGzip. It mustn't be called again then. */
  async* take(bytes: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + (this.#taken < beginning ? this.#firstPieces : pieceSize))
      this.#taken += end - at
      let rest = this.#held.length === 0 ? bytes.subarray(at, end) : Buffer.concat([this.#held, bytes.subarray(at, end)])
      this.#held = Buffer.alloc(0)
      while (rest.length > 0 && this.#held.length === 0) {
        rest = await this.#next(rest)
        for (let ready = this.#ready.shift(); ready !== undefined; ready = this.#ready.shift()) yield ready
        if (this.#failure !== null) throw new BrokenGzip(this.#failure.message)
      }
      at = end
    }
  }

  /** There is no more. @throws BrokenGzip. */
  end(): void {
    this.#inflate?.destroy()
    if (this.#state === 'padding') return
    // A member that doesn't even begin is none.
    if (this.#state === 'header' && this.#members > 0 && this.#held.length < magic) this.trailing += this.#held.length
    else throw new BrokenGzip('unexpected end of file', true)
  }

  /** Nothing more is wanted. */
  close(): void {
    this.#inflate?.destroy()
  }

  /** @returns what is left of these bytes; what has to be seen with those that follow is held. */
  async #next(bytes: Buffer): Promise<Buffer> {
    switch (this.#state) {
      case 'padding': return this.#padding(bytes)
      case 'header': return this.#header(bytes)
      case 'body': return await this.#body(bytes)
      case 'trailer': return this.#trailer(bytes)
    }
  }

  /** What writes in blocks fills the last with zeros. */
  #padding(bytes: Buffer): Buffer {
    const at = this.trailing > 0 ? -1 : bytes.findIndex((byte) => byte !== 0)
    if (at < 0) {
      if (this.trailing > 0) this.trailing += bytes.length
      return Buffer.alloc(0)
    }
    this.#state = 'header'
    return bytes.subarray(at)
  }

  #header(bytes: Buffer): Buffer {
    if (bytes[0] !== 0x1f || (bytes.length > 1 && bytes[1] !== 0x8b) || (bytes.length > 2 && bytes[2] !== 8)) {
      if (this.#members === 0) throw new BrokenGzip('incorrect header check')
      this.#state = 'padding'
      this.trailing = bytes.length
      return Buffer.alloc(0)
    }
    const length = headerLength(bytes)
    if (length === null) {
      if (bytes.length > longestHeader) throw new BrokenGzip(`its header is longer than ${longestHeader} bytes`)
      this.#held = bytes
      return bytes
    }
    this.#state = 'body'
    this.#members++
    this.#checksum = this.#size = 0
    this.#failure = null
    this.#inflate = createInflateRaw({ chunkSize: 256 * 1024 })
    this.#inflate.on('error', (error) => { this.#failure ??= error })
    this.#inflate.on('data', (unpacked: Buffer) => this.#unpacked(unpacked))
    return bytes.subarray(length)
  }

  #unpacked(bytes: Buffer): void {
    this.#checksum = crc32(bytes, this.#checksum)
    this.#size += bytes.length
    this.#ready.push(bytes)
  }

  async #body(bytes: Buffer): Promise<Buffer> {
    const inflate = this.#inflate!
    const before = inflate.bytesWritten
    const isOver = await new Promise<boolean>((resolve) => {
      const end = (): void => resolve(true)
      inflate.once('end', end)
      inflate.once('error', end)
      inflate.write(bytes, () => {
        inflate.off('end', end)
        inflate.off('error', end)
        resolve(false)
      })
    })
    const used = inflate.bytesWritten - before
    if (isOver || used < bytes.length) {
      inflate.destroy()
      this.#state = 'trailer'
    }
    return bytes.subarray(used)
  }

  #trailer(bytes: Buffer): Buffer {
    if (bytes.length < trailerSize) {
      this.#held = bytes
      return bytes
    }
    if (bytes.readUInt32LE(0) !== this.#checksum) throw new BrokenGzip('incorrect data check')
    if (bytes.readUInt32LE(4) !== this.#size % 2 ** 32) throw new BrokenGzip('incorrect length check')
    this.#state = 'padding'
    return bytes.subarray(trailerSize)
  }
}

/** Undoes gzip. Zeros after the last member are padding; anything else is an error, once all that comes before it was given. */
export async function* gunzip(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacking = new Gunzip()
  try {
    for await (const bytes of body) {
      yield* unpacking.take(bytes)
      if (unpacking.trailing > 0) break
    }
    if (unpacking.trailing === 0) unpacking.end()
  } finally {
    unpacking.close()
  }
  if (unpacking.trailing > 0) throw new BrokenGzip('other bytes come after the end of it')
}

/** @returns null where it isn't all there. */
function headerLength(bytes: Buffer): number | null {
  if (bytes.length < fixedHeader) return null
  const flags = bytes[3]!
  let at = fixedHeader
  if ((flags & extra) !== 0) {
    if (at + 2 > bytes.length) return null
    at += 2 + bytes.readUInt16LE(at)
  }
  for (const flag of [name, comment]) {
    if ((flags & flag) === 0) continue
    const zero = bytes.indexOf(0, at)
    if (zero < 0 || at > bytes.length) return null
    at = zero + 1
  }
  if ((flags & headerCrc) !== 0) at += 2
  return at <= bytes.length ? at : null
}
