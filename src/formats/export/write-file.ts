import { randomBytes } from 'node:crypto'
import { createWriteStream, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { once } from 'node:events'
import { reasonOf, systemCodeOf, WiretapeError } from '../../error.js'
import { writeAll } from './write-all.js'

/**
 * Writes pieces into a file that only its owner reads, or into a pipe or a device as it is. A file to be replaced is
 * so once the new one is whole, and what fails half-way leaves nothing: half a HAR is none.
 * @throws WiretapeError `exists`, `usage`, `storage`.
 */
export async function writeFile(pieces: AsyncIterable<Buffer | string>, path: string, overwrite: boolean): Promise<void> {
  const found = lookAt(path)
  if (found?.isDirectory() === true) throw new WiretapeError('usage', `${path} is a folder: name a file in it`)
  if (found?.isFile() === true && !overwrite) throw new WiretapeError('exists', `${path} exists: choose another name, or --overwrite it`)
  try {
    if (found !== undefined && !found.isFile()) {
      await write(pieces, path, 'w')
      return
    }
    // Where a link stands, what it points to is meant.
    const target = found === undefined ? path : realpathSync(path)
    const written = found === undefined ? path : `${target}.${process.pid}-${randomBytes(4).toString('hex')}.new`
    await writeWhole(pieces, written)
    if (written !== target) renameSync(written, target)
  } catch (cause) {
    if (cause instanceof WiretapeError) throw cause
    const code = systemCodeOf(cause)
    if (code === null) throw cause
    if (code === 'EEXIST') throw new WiretapeError('exists', `${path} exists: choose another name, or --overwrite it`, { cause })
    throw new WiretapeError('storage', `cannot write ${path}: ${reasonOf(cause)}`, { cause })
  }
}

/** What stands at a path. @throws WiretapeError `storage` where nothing can: it is too long, or a link that leads to itself. */
export function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    throw new WiretapeError('storage', `cannot write ${path}: ${reasonOf(cause)}`, { cause })
  }
}

async function writeWhole(pieces: AsyncIterable<Buffer | string>, path: string): Promise<void> {
  try {
    await write(pieces, path, 'wx')
  } catch (thrown) {
    // Somebody else's, in that one case.
    if (systemCodeOf(thrown) !== 'EEXIST') rmSync(path, { force: true })
    throw thrown
  }
}

async function write(pieces: AsyncIterable<Buffer | string>, path: string, flags: 'w' | 'wx'): Promise<void> {
  const stream = createWriteStream(path, { flags, mode: 0o600 })
  // Also told by the write that fails.
  stream.on('error', () => {})
  await once(stream, 'open')
  try {
    await writeAll(pieces, stream)
  } catch (thrown) {
    stream.destroy()
    throw thrown
  }
  stream.end()
  await once(stream, 'close')
}
