import { crc32, createInflateRaw } from 'node:zlib'
import type { InflateRaw } from 'node:zlib'
import { reasonOf } from '../error.js'

/** The file couldn't be unpacked to its end: what came before that was given. */
export class BrokenGzip extends Error {
  override readonly name = 'BrokenGzip'
}

/** Flags of a member's header (RFC 1952 §2.3.1). */
const [headerCrc, extra, name, comment] = [2, 4, 8, 16]

const fixedHeader = 10
const trailerSize = 8

/** No name or comment is longer. */
const longestHeader = 128 * 1024

/**
 * Bytes that are unpacked at once: where they are damaged, what they had before that is lost with them. Of a small file, that would be all;
 * and where a file is looked at, it is to be told what it is.
 */
const pieceSize = 16 * 1024
const [beginning, smallPiece] = [4096, 64]

/**
 * Undoes gzip (RFC 1952) piece by piece. Node's own gives nothing of what it has unpacked together with something wrong, were it only in the checksum after it: here,
 * that counts, and is told afterwards.
 */
export class UnpackGzip {
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

  /** Gives what these bytes hold, in its order, also before it throws. @throws BrokenGzip. It mustn't be called again then. */
  async* take(bytes: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + (this.#taken < beginning ? smallPiece : pieceSize))
      this.#taken += end - at
      let rest = this.#held.length === 0 ? bytes.subarray(at, end) : Buffer.concat([this.#held, bytes.subarray(at, end)])
      this.#held = Buffer.alloc(0)
      while (rest.length > 0 && this.#held.length === 0) {
        rest = await this.#next(rest)
        for (let ready = this.#ready.shift(); ready !== undefined; ready = this.#ready.shift()) yield ready
        if (this.#failure !== null) throw new BrokenGzip(`its gzip data is damaged: ${reasonOf(this.#failure)}`)
      }
      at = end
    }
  }

  /** There is no more. @throws BrokenGzip. */
  end(): void {
    this.#inflate?.destroy()
    if (this.#state === 'padding') return
    // A member that doesn't even begin is none.
    if (this.#state === 'header' && this.#members > 0) this.trailing += this.#held.length
    else throw new BrokenGzip('its gzip data ends too early')
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
      if (this.#members === 0) throw new BrokenGzip('its gzip data is damaged: its header is none of gzip')
      this.#state = 'padding'
      this.trailing = bytes.length
      return Buffer.alloc(0)
    }
    const length = headerLength(bytes)
    if (length === null) {
      if (bytes.length > longestHeader) throw new BrokenGzip('its gzip data is damaged: its header has no end')
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
    if (bytes.readUInt32LE(0) !== this.#checksum) throw new BrokenGzip('its gzip data is damaged: its checksum is another')
    if (bytes.readUInt32LE(4) !== this.#size % 2 ** 32) throw new BrokenGzip('its gzip data is damaged: it tells another length')
    this.#state = 'padding'
    return bytes.subarray(trailerSize)
  }
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
