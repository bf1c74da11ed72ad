import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { constants, createGunzip, gunzipSync } from 'node:zlib'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'
import { PipedBytes } from './piped-bytes.js'

const chunkSize = 1024 * 1024

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
  return { path, size: piped === null ? found!.size : null, gzip, first: gzip ? unpacked(bytes) : bytes, piped }
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

function unpacked(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  }
}

/** The file couldn't be unpacked to its end: what came before that was given. */
export class BrokenGzip extends Error {
  override readonly name = 'BrokenGzip'
}

/**
 * Gives a source's bytes, with gzip undone, chunk by chunk; what `take` throws ends it. A chunk may be written over once the next was taken.
 * @param read gets how many bytes were read for that; the next chunk waits for it.
 * @throws BrokenGzip; WiretapeError `storage`.
 */
export async function eachChunk({ path, gzip, piped }: ByteSource, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>): Promise<void> {
  if (piped === null && !gzip) {
    await readPlain(path, take, read)
  } else if (piped === null) {
    const file = createReadStream(path, { highWaterMark: chunkSize })
    await unpack(file, path, () => file.bytesRead, take, read)
  } else if (gzip) {
    await unpack(Readable.from(piped.chunks()), path, () => piped.bytesRead, take, read)
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

function unpack(packed: Readable, path: string, bytesRead: () => number, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const unpacking = createGunzip({ chunkSize })
    const stop = (thrown: unknown): void => {
      packed.destroy()
      unpacking.destroy()
      reject(thrown)
    }
    const give = (chunk: Buffer): void => {
      try {
        take(chunk)
        unpacking.pause()
        read(bytesRead()).then(() => unpacking.resume(), stop)
      } catch (thrown) {
        stop(thrown)
      }
    }
    packed.on('error', (cause) => stop(cause instanceof WiretapeError ? cause : new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })))
    unpacking.on('data', give)
    unpacking.on('end', resolve)
    unpacking.on('error', (cause) => stop(new BrokenGzip(systemCodeOf(cause) === 'Z_BUF_ERROR' ? 'its gzip data ends too early' : `its gzip data is damaged: ${reasonOf(cause)}`)))
    packed.pipe(unpacking)
  })
}
