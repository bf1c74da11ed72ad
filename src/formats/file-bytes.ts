import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { constants, createGunzip, gunzipSync } from 'node:zlib'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'

const chunkSize = 1024 * 1024

/** Of the file, compressed or not, that are looked at to tell what it is. */
const lookedAt = 4096

/** @returns the size in bytes, and the file's first bytes with gzip undone. @throws WiretapeError `not-found`, `usage`, `storage`. */
export function lookInto(path: string): { size: number, first: Buffer, gzip: boolean } {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new WiretapeError('not-found', `there is no ${path}`)
  if (found.isDirectory()) throw new WiretapeError('usage', `${path} is a folder: name the captures in it`)
  // What is looked at to tell what it is would be gone from it.
  if (!found.isFile()) throw new WiretapeError('usage', `${path} is no file but a pipe or a device: write the capture into a file first`)
  const first = Buffer.alloc(lookedAt)
  let length: number
  try {
    const file = openSync(path, 'r')
    try {
      length = readSync(file, first, 0, lookedAt, 0)
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
  }
  const bytes = first.subarray(0, length)
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  return { size: found.size, gzip, first: gzip ? unpacked(bytes) : bytes }
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
 * Gives a file's bytes, with gzip undone, chunk by chunk; what `take` throws ends it.
 * @param read gets how many bytes of the file were read for that; the next chunk waits for it.
 * @throws BrokenGzip; WiretapeError `storage`.
 */
export async function eachChunk(path: string, gzip: boolean, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>): Promise<void> {
  if (gzip) await unpack(path, take, read)
  else await readPlain(path, take, read)
}

/** What is done with a chunk takes longer than reading it: a stream would only wait for threads in between. */
async function readPlain(path: string, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>): Promise<void> {
  const file = openSync(path, 'r')
  try {
    for (let at = 0; ;) {
      const chunk = Buffer.allocUnsafeSlow(chunkSize)
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

function unpack(path: string, take: (chunk: Buffer) => void, read: (bytes: number) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const file = createReadStream(path, { highWaterMark: chunkSize })
    const unpacking = createGunzip({ chunkSize })
    const stop = (thrown: unknown): void => {
      file.destroy()
      unpacking.destroy()
      reject(thrown)
    }
    const give = (chunk: Buffer): void => {
      try {
        take(chunk)
        unpacking.pause()
        read(file.bytesRead).then(() => unpacking.resume(), stop)
      } catch (thrown) {
        stop(thrown)
      }
    }
    file.on('error', (cause) => stop(new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })))
    unpacking.on('data', give)
    unpacking.on('end', resolve)
    unpacking.on('error', (cause) => stop(new BrokenGzip(systemCodeOf(cause) === 'Z_BUF_ERROR' ? 'its gzip data ends too early' : `its gzip data is damaged: ${reasonOf(cause)}`)))
    file.pipe(unpacking)
  })
}
