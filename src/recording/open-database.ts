import Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'
import { systemCodeOf, WiretapeError } from '../error.js'

/**
 * Opens a database to be read. Where a writer was killed in the middle of a change, what it left half-done is undone first: a rollback journal that
 * is still to be played back (https://sqlite.org/lockingv3.html#rollback), which nobody can do who only reads.
 * @throws WiretapeError `storage` where that can't be done; what SQLite throws.
 */
export function openToRead(path: string): Database {
  const database = new Sqlite(path, { readonly: true })
  if (!isHalfWritten(database)) return database
  database.close()
  undoHalf(path)
  return new Sqlite(path, { readonly: true })
}

function isHalfWritten(database: Database): boolean {
  try {
    database.pragma('schema_version')
    return false
  } catch (thrown) {
    // What else is wrong with it shows when it is read.
    return systemCodeOf(thrown) === 'SQLITE_READONLY_ROLLBACK'
  }
}

/** SQLite plays the journal back by itself, at the first look of one who may write. */
function undoHalf(path: string): void {
  try {
    const database = new Sqlite(path, { fileMustExist: true })
    try {
      database.pragma('schema_version')
    } finally {
      database.close()
    }
  } catch (cause) {
    throw new WiretapeError('storage',
      `cannot read ${path}: whoever wrote it was killed in the middle of a change, and undoing that needs to write: make it and ${path}-journal writable, or copy both to where they are`, { cause })
  }
}
