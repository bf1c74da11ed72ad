import { statSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { WiretapeError, reasonOf } from '../error.js'
import { microseconds } from './clock.js'
import { checkVersion, createIndexes, dropIndexes, migrate } from './schema.js'
import { Store } from './store.js'
import type { WorkerSettings } from './worker-messages.js'

/** Pages of the write-ahead log before they are copied into the file: 2 MiB, small enough to stay in the processor's cache. */
const checkpointPages = 128

/** The recording's file while it is written: opened, checked to be still there, and closed into one plain file. */
export class RecordingFile {
  readonly store: Store
  readonly #database: Sqlite.Database
  readonly #path: string
  readonly #inode: number

  constructor(settings: WorkerSettings) {
    this.#path = settings.path
    const database = new Sqlite(settings.path)
    this.#database = database
    if (settings.append) {
      checkVersion(database, settings.path)
      database.pragma('journal_mode = WAL')
      migrate(database)
      dropIndexes(database)
      database.exec(`DELETE FROM recording WHERE key = 'finished'`)
    } else {
      database.pragma('page_size = 16384')
      database.pragma('journal_mode = WAL')
      migrate(database)
    }
    // A commit survives the end of this process, however it ends. Waiting for the disk as well, at each checkpoint, would
    // guard against a power cut at the price of two thirds of the speed: that is done once, when recording stops.
    database.pragma('synchronous = OFF')
    database.pragma(`wal_autocheckpoint = ${checkpointPages}`)
    this.#inode = statSync(settings.path).ino
    this.store = new Store(database)
    for (const [key, value] of Object.entries(settings.facts)) this.store.fact(key, value)
    this.store.commit()
  }

  /** @throws WiretapeError `storage` where the path no longer leads to the file being written. */
  checkPresent(): void {
    let inode: number | undefined
    try {
      inode = statSync(this.#path).ino
    } catch {}
    if (inode !== this.#inode) {
      throw new WiretapeError('storage', `${this.#path} was removed or replaced while it was being recorded: stopped`)
    }
  }

  /** Commits, builds the indexes, and leaves one file that opens from anywhere, read-only media too. */
  finish(): void {
    this.store.fact('finished', String(microseconds()))
    this.store.commit()
    createIndexes(this.#database)
    this.#database.pragma('synchronous = FULL')
    this.#database.pragma('wal_checkpoint(TRUNCATE)')
    try {
      this.#database.pragma('journal_mode = DELETE')
    } catch (thrown) {
      // Somebody is reading along (ls --follow): the log stays beside the file until they are done.
      if (!reasonOf(thrown).includes('locked')) throw thrown
    }
    this.#database.close()
  }
}
