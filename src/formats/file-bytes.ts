import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { reasonOf, WiretapeError } from '../error.js'
import { BrokenGzip, Gunzip } from '../protocols/content/gunzip.js'
import { PipedBytes } from './piped-bytes.js'

const chunkSize = 1024 * 1024

/** They become many times as many. */
const packedChunkSize = 128 * 1024

/** Of the file, compressed or not, that are looked at to tell what it is. */
const lookedAt = 4096

/** What is to be imported: a file, or a pipe, which can be read once and whose size nobody knows. */
export interface ByteSource {
  readonly path: string
  /** In bytes, on the disk; null of a pipe. */
  readonly size: number | null
  /** With gzip undone. */
  readonly first: Buffer
  readonly gzip: boolean
  /** Why not even the first of it can be unpacked, in words; null where that isn't so. */
  readonly damage: string | null
  readonly piped: PipedBytes | null
}

/** @param path `-` for the standard input. @throws WiretapeError `not-found`, `usage`, `storage`. */
export async function lookInto(path: string): Promise<ByteSource> {
  const found = path === '-' ? null : statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new WiretapeError('not-found', `there is no ${path}`)
  if (found === null && process.stdin.isTTY) throw new WiretapeError('usage', 'nothing is piped into the standard input: tcpdump -w - | wiretape import -')
  if (found?.isDirectory() === true) throw new WiretapeError('usage', `${path} is a folder: name the captures in it`)
  const piped = found === null || found.isFIFO() ? await PipedBytes.open(path, lookedAt) : null
  if (piped === null && !found!.isFile()) throw new WiretapeError('usage', `${path} is a device: files and pipes can be imported, and the standard input as -`)
  const bytes = piped?.first ?? firstOf(path)
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  const { first, damage } = gzip ? await unpacked(bytes) : { first: bytes, damage: null }
  return { path, size: piped === null ? found!.size : null, gzip, first, damage, piped }
}

function firstOf(path: string): Buffer {
  const first = Buffer.alloc(lookedAt)
  try {
    const file = openSync(path, 'r')
    try {
      return first.subarray(0, readSync(file, first, 0, lookedAt, 0))
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
  }
}

/** What is wrong with a file's gzip, in words. */
export function gzipDamage({ isCut, message }: BrokenGzip): string {
  return isCut ? 'its gzip data ends too early' : `its gzip data is damaged: ${message}`
}

/** As far as that goes: the rest of the file isn't there. */
async function unpacked(bytes: Buffer): Promise<{ readonly first: Buffer, readonly damage: string | null }> {
  const pieces: Buffer[] = []
  const unpacking = new Gunzip(true)
  try {
    for await (const piece of unpacking.take(bytes)) pieces.push(piece)
    if (pieces.length === 0) unpacking.end()
    return { first: Buffer.concat(pieces), damage: null }
  } catch (thrown) {
    if (!(thrown instanceof BrokenGzip)) throw thrown
    const first = Buffer.concat(pieces)
    return { first, damage: first.length === 0 ? gzipDamage(thrown) : null }
  } finally {
    unpacking.close()
  }
}

/**
 * Gives a source's bytes, with gzip undone, chunk by chunk; what `take` throws ends it. A chunk may be written over once the next was taken.
 * @param read gets how many bytes were read for that; the next chunk waits for it.
 * @param note gets what should be known of the file, in words.
 * @throws BrokenGzip; WiretapeError `storage`.
 */
export async function eachChunk({ path, gzip, piped }: ByteSource, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>, note: (text: string) => void): Promise<void> {
  if (gzip) {
    await unpack(piped === null ? packedBytes(path) : piped.chunks(), take, read, note)
  } else if (piped === null) {
    await readPlain(path, take, read)
  } else {
    for await (const chunk of piped.chunks()) {
      take(chunk)
      await read(piped.bytesRead)
    }
  }
}

/**
 * What is done with a chunk takes longer than reading it: a stream would only wait for threads in between. The two chunks are
 * filled in turn: with memory of its own for each, collecting it took as long as reading the packets in it.
 */
async function readPlain(path: string, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>): Promise<void> {
  const file = openSync(path, 'r')
  let [chunk, other] = [Buffer.allocUnsafeSlow(chunkSize), Buffer.allocUnsafeSlow(chunkSize)]
  try {
    for (let at = 0; ; [chunk, other] = [other, chunk]) {
      const length = readPiece(file, chunk, path)
      if (length === 0) return
      at += length
      take(chunk.subarray(0, length))
      await read(at)
      // Whoever shares this thread gets a turn.
      await setImmediate()
    }
  } finally {
    closeSync(file)
  }
}

function readPiece(file: number, into: Buffer, path: string): number {
  try {
    return readSync(file, into)
  } catch (cause) {
    throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
  }
}

async function* packedBytes(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: packedChunkSize }) as AsyncIterable<Buffer>
  } catch (cause) {
    throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
  }
}

async function unpack(packed: AsyncIterable<Buffer>, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>, note: (text: string) => void): Promise<void> {
  const unpacking = new Gunzip(true)
  let at = 0
  try {
    for await (const chunk of packed) {
      at += chunk.length
      for await (const unpacked of unpacking.take(chunk)) {
        take(unpacked)
        await read(at)
      }
    }
    unpacking.end()
  } finally {
    unpacking.close()
  }
  if (unpacking.trailing > 0) note(`its gzip data is followed by ${unpacking.trailing} bytes that are none: they are passed over`)
}
