import type { Database } from 'better-sqlite3'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'

/*
 * Apart from the migrations: who only reads a recording needn't load them.
 */

/** Marks the file as ours in SQLite's header (`PRAGMA application_id`): the letters "wtap". */
export const applicationId = 0x77746170

/** How many migrations there are. */
export const schemaVersion = 6

/**
 * Checks that the open file is a recording this version can read.
 * @throws WiretapeError `not-a-recording` or `newer-recording`.
 */
export function checkVersion(database: Database, path: string): number {
  let id: unknown
  let version: number
  try {
    id = database.pragma('application_id', { simple: true })
    version = database.pragma('user_version', { simple: true }) as number
  } catch (cause) {
    if (systemCodeOf(cause) !== 'SQLITE_NOTADB') throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
    throw new WiretapeError('not-a-recording', `${path} is not a wiretape recording: it is not a SQLite database`, { cause })
  }
  if (id !== applicationId) {
    if (isEmpty(database)) throw new WiretapeError('not-a-recording', `${path} is not a wiretape recording: it is empty; put ${path}-wal beside it where that was left behind as it was moved, else recording was cut off as it began: remove it or --overwrite it`)
    throw new WiretapeError('not-a-recording', `${path} is not a wiretape recording: it is another SQLite database`)
  }
  if (version > schemaVersion) {
    throw new WiretapeError('newer-recording',
      `${path} was written by a newer wiretape (schema ${version}, this one reads up to ${schemaVersion}): update wiretape to open it`)
  }
  return version
}

/** Of any version. */
export function isRecording(database: Database): boolean {
  return database.pragma('application_id', { simple: true }) === applicationId
}

/** Nothing is in it yet: no table, and no mark of whose it is. */
export function isEmpty(database: Database): boolean {
  return database.pragma('application_id', { simple: true }) === 0 && database.prepare('SELECT count(*) FROM sqlite_master').pluck().get() === 0
}
