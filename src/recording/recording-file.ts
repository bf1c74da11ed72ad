import { statSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { WiretapeError, reasonOf } from '../error.js'
import { microseconds } from './clock.js'
import { endWhatWasCutOff, recordingEnded } from './cut-off.js'
import { runningWriter } from './writer-process.js'
import { checkVersion } from './schema-version.js'
import { createIndexes, dropIndexes, migrate } from './schema.js'
import { Store } from './store.js'
import type { FileSettings } from './worker-messages.js'

/** Pages of the write-ahead log before they are copied into the file: 2 MiB, small enough to stay in the processor's cache. */
const checkpointPages = 128

/** Another program may hold the file locked for this long, in ms, before that ends the recording; reading pauses meanwhile. */
const lockPatience = 60_000

/** The recording's file while it is written: opened, checked to be still there, and closed into one plain file. */
export class RecordingFile {
  readonly store: Store
  readonly #database: Sqlite.Database
  readonly #path: string
  readonly #inode: number
  #size = 0

  constructor(settings: FileSettings) {
    this.#path = settings.path
    const database = new Sqlite(settings.path, { timeout: lockPatience })
    this.#database = database
    let run = 1
    let cutOff: ReturnType<typeof endWhatWasCutOff> = null
    const journal = settings.journal === 'rollback' ? 'TRUNCATE' : 'WAL'
    if (settings.append) {
      checkVersion(database, settings.path)
      refuseSecondWriter(database, settings.path)
      database.pragma(`journal_mode = ${journal}`)
      migrate(database)
      dropIndexes(database)
      run = nextRun(database)
      // All at once: a second death in between finds it as it was.
      database.transaction(() => {
        if (!database.prepare(`DELETE FROM recording WHERE key = 'finished'`).run().changes) cutOff = endWhatWasCutOff(database)
      })()
    } else {
      database.pragma('page_size = 16384')
      database.pragma(`journal_mode = ${journal}`)
      migrate(database)
    }
    // A commit survives the end of this process, however it ends. Waiting for the disk as well, at each checkpoint, would
    // guard against a power cut at the price of two thirds of the speed: that is done once, when recording stops.
    database.pragma('synchronous = OFF')
    database.pragma(`wal_autocheckpoint = ${checkpointPages}`)
    this.#inode = statSync(settings.path).ino
    this.store = new Store(database)
    const died = cutOff as ReturnType<typeof endWhatWasCutOff>
    if (died !== null) this.#tellCutOff(died)
    for (const [key, value] of Object.entries({ ...settings.facts, started: String(microseconds()), writer: String(process.pid) })) {
      this.store.fact(run > 1 && ofEachRun.has(key) ? `${key}.${run}` : key, value)
    }
    this.store.commit()
  }

  #tellCutOff({ at, ended }: { readonly at: number, readonly ended: string }): void {
    this.store.event({
      time: at, connectionId: null, messageId: null, kind: 'cut-off', source: 'recorder', direction: null, offset: null, bytes: null,
      text: `the program that recorded died here; what was open then is told as ended (${recordingEnded}): ${ended}`, hook: null, parameters: null, delayMs: null,
    })
  }

  /** @throws WiretapeError `storage` where the path no longer leads to the file being written. */
  checkPresent(): void {
    const found = statSync(this.#path, { throwIfNoEntry: false })
    if (found?.ino === this.#inode && found.size < this.#size) {
      throw new WiretapeError('storage', `${this.#path} was cut by another program while it was being recorded: stopped`)
    }
    if (found?.ino !== this.#inode) {
      throw new WiretapeError('storage', `${this.#path} was moved, removed or replaced while it was being recorded: stopped; ${this.#settleMoved()}`)
    }
    this.#size = found.size
  }

  /** The file itself is still open, whatever it is called now, and the log was left behind. @returns where what was recorded is. */
  #settleMoved(): string {
    try {
      this.store.commit()
      // Whoever reads along is not waited for.
      this.#database.pragma('busy_timeout = 200')
      const [{ busy }] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }]
      if (busy === 0) return 'where it was moved to, it holds everything up to now'
    } catch {
      // Its disk may be full, or gone.
    }
    return `the newest records are in ${this.#path}-wal: where it was moved to, put that beside it, named after it`
  }

  /** Commits, builds the indexes, and leaves one file that opens from anywhere, read-only media too. */
  finish(): void {
    this.checkPresent()
    const finished = microseconds()
    this.store.commit()
    createIndexes(this.#database)
    // This commit syncs the file, or the log, which the checkpoint copies into it.
    this.#database.pragma('synchronous = FULL')
    this.store.fact('finished', String(finished))
    this.store.forget('writer')
    this.store.commit()
    // Whoever reads along is not waited for.
    this.#database.pragma('busy_timeout = 200')
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)')
      this.#database.pragma('journal_mode = DELETE')
    } catch (thrown) {
      // Somebody is reading along (ls --follow): the log stays beside the file until they are done.
      if (!reasonOf(thrown).includes('locked')) throw thrown
    }
    this.#database.close()
  }
}

/** The first run's are the recording's; those of a run that appends have its number. */
const ofEachRun = new Set(['started', 'seed'])

/** Which run the one that appends is, counted from 1. */
function nextRun(database: Sqlite.Database): number {
  return database.prepare(`SELECT count(*) + 1 FROM recording WHERE key = 'started' OR key GLOB 'started.[0-9]*'`).pluck().get() as number
}

/** Ids are counted in memory: two writers would overwrite each other's records. */
function refuseSecondWriter(database: Sqlite.Database, path: string): void {
  const pid = runningWriter(database)
  if (pid === null) return
  throw new WiretapeError('exists', `${path} is being recorded by process ${pid}: append to it when that has ended`)
}
