import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { WiretapeError, reasonOf, systemCodeOf } from '../error.js'
import { openToRead } from './open-database.js'
import { isEmpty, isRecording } from './schema-version.js'
import { runningWriter } from './writer-process.js'

/** Where recordings go that were given no name. */
export const recordingsFolder = 'recordings'
export const recordingExtension = '.sqlite'

/** The files that SQLite keeps beside a database while it is written, or after it was cut off. */
const companions = ['-wal', '-shm', '-journal']

export interface OutputOptions {
  readonly path?: string
  readonly overwrite?: boolean
  readonly append?: boolean
}

/**
 * Makes the output file, empty and readable by its owner alone (it will hold passwords and cookies), or checks the one
 * to be continued.
 * @param continues whoever asks can continue a recording too, and so that may be advised.
 * @returns its path.
 * @throws WiretapeError `exists`, `not-found`, `usage` or `storage`.
 */
export function createRecordingPath(options: OutputOptions, continues = true): string {
  if (options.append && options.overwrite) {
    throw new WiretapeError('usage', '--append and --overwrite exclude each other: continue the file, or start it anew')
  }
  if (options.path === '-') throw new WiretapeError('usage', '-o -: a recording is written in many places at once, which the standard output can\'t be: name a file')
  if (options.append) {
    if (options.path === undefined) throw new WiretapeError('usage', '--append needs -o FILE: which recording to continue')
    if (!existsSync(options.path)) throw new WiretapeError('not-found', `there is no ${options.path} to append to`)
    return options.path
  }
  const path = options.path ?? freshName()
  if (typeof path !== 'string' || path === '') throw new WiretapeError('usage', '-o takes the name of one file')
  if (options.overwrite) refuseForeign(path)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    if (options.overwrite) removeRecording(path)
    closeSync(openSync(path, 'wx', 0o600))
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST' && syscall === 'open') {
      throw new WiretapeError('exists', `${path} exists: choose another name, ${continues ? '--overwrite it, or --append to it' : 'or --overwrite it'}`, { cause })
    }
    throw new WiretapeError('storage', `cannot create ${path}: ${reasonOf(cause)}`, { cause })
  }
  return path
}

/** A recording with all that lies beside it; where there is none, nothing. */
export function removeRecording(path: string): void {
  for (const end of ['', ...companions]) rmSync(path + end, { force: true })
}

/** What is overwritten is a recording that nobody is writing, or empty: a mistyped name shouldn't cost a text, nor a second run the first one's records. */
function refuseForeign(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || (found.isFile() && found.size === 0 && !existsSync(`${path}-wal`))) return
  let writer: number | null
  try {
    // By SQLite itself: of a recording just begun, nothing may be in the file yet, and all in its log.
    using database = opened(path)
    if (isEmpty(database.file)) return
    if (!isRecording(database.file)) throw new Error('another database')
    writer = runningWriter(database.file)
  } catch (cause) {
    if (cause instanceof WiretapeError) throw cause
    throw new WiretapeError('not-a-recording', `${path} is not a wiretape recording, and so not overwritten: remove it, or choose another name`, { cause })
  }
  if (writer !== null) throw new WiretapeError('exists', `${path} is being recorded by process ${writer}: overwrite it when that has ended, or choose another name`)
}

function opened(path: string): Disposable & { readonly file: Database } {
  const file = openToRead(path)
  return { file, [Symbol.dispose]: () => file.close() }
}

/**
 * The recording that commands read when they are given none: the one in `recordings/` changed last.
 * @throws WiretapeError `not-found` where there is none.
 */
export function newestRecording(folder = recordingsFolder): string {
  let names: string[]
  try {
    names = existsSync(folder) ? readdirSync(folder) : []
  } catch (cause) {
    throw new WiretapeError('storage', `cannot look into ${folder}/: ${reasonOf(cause)}`, { cause })
  }
  const files = names.filter((name) => name.endsWith(recordingExtension)).map((name) => {
    const path = join(folder, name)
    return { path, time: Math.max(...['', '-wal'].map((end) => statSync(path + end, { throwIfNoEntry: false })?.mtimeMs ?? 0)) }
  })
  const newest = files.sort((a, b) => b.time - a.time).find(({ path }) => mayBeRecording(path))
  if (newest === undefined) {
    throw new WiretapeError('not-found', `no recording yet in ${folder}/: make one with wiretape record, or name a FILE`)
  }
  return newest.path
}

/** One that can't be read just now may be what is meant: that is told when it is opened. What is none for certain is looked past. */
function mayBeRecording(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  try {
    using database = opened(path)
    return isRecording(database.file)
  } catch (thrown) {
    return systemCodeOf(thrown) !== 'SQLITE_NOTADB'
  }
}

function freshName(): string {
  const now = new Date()
  const two = (n: number): string => String(n).padStart(2, '0')
  const stamp = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
    + `-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
  for (let n = 1; ; n++) {
    const path = join(recordingsFolder, `${stamp}${n === 1 ? '' : `-${n}`}${recordingExtension}`)
    if (!existsSync(path)) return path
  }
}
