import { setImmediate as breathe } from 'node:timers/promises'
import { WiretapeError } from '../../../error.js'
import { parsePathReply } from '../../../protocols/ftp/index.js'
import type { FtpCommandLine, FtpRows, FtpSessionLine } from '../../../recording/ftp-rows.js'
import type { Recording } from '../../../recording/recording.js'
import type { FtpTransferRecord } from '../../../recording/rows.js'
import { matters } from './weight.js'
import { Whereabouts } from './whereabouts.js'
import type { Homes } from './whereabouts.js'

export interface RecordedCommand {
  /** Among all commands: those of one session stand together, in their order. */
  readonly place: number
  readonly session: RecordedSession
  readonly id: number
  readonly verb: string
  /** `****` for a password that was masked. */
  readonly argument: string | null
  /** Absolute, as far as the recording tells. */
  readonly path: string | null
  /** See Whereabouts. */
  readonly key: string
  /** µs since the epoch. */
  readonly started: number
  /** The final reply's; null where none came. */
  readonly code: number | null
  readonly error: string | null
  readonly transfer: FtpTransferRecord | null
}

export interface RecordedSession {
  readonly id: number
  readonly connectionId: number
  readonly started: number
  /** Places of its commands: `to` isn't one. */
  readonly from: number
  to: number
}

export interface RecordedSessions {
  readonly sessions: readonly RecordedSession[]
  readonly commands: readonly RecordedCommand[]
  /** Folders that there were, with all above them. */
  readonly folders: ReadonlySet<string>
  /** Bytes of a file, by its path, as a whole binary download of it tells. */
  readonly sizes: ReadonlyMap<string, number>
  readonly users: ReadonlySet<string>
  readonly homes: Homes
  /** All has been read. */
  readonly complete: boolean
  /** The last session, of which more will be read. */
  readonly partial: RecordedSession | null
}

/** Where a login lands if no session tells. */
const assumedHome = '/'

const sessionsAtOnce = 500

/** Commands read in one go: clients have their turn after these. */
const commandsAtOnce = 1000

/** Of sessions that tell their folder, read in one go, and in all: a user whom none of these tells of is taken to land in `/`. */
const toldAtOnce = 20
const mostTold = 20_000

/**
 * What was recorded, read session by session in the recorded order while it is being served: what has been read can be given already. The next session's
 * commands may be there in part.
 */
export class SessionReader implements RecordedSessions {
  readonly sessions: RecordedSession[] = []
  readonly commands: RecordedCommand[] = []
  readonly folders = new Set<string>()
  readonly sizes = new Map<string, number>()
  readonly users = new Set<string>()
  readonly homes: Homes
  partial: RecordedSession | null = null
  complete = false
  readonly #rows: FtpRows
  readonly #relays: readonly number[]
  readonly #told: HomesTold
  #read = 0
  #grown: (() => void)[] = []
  #failure: Error | null = null
  #stopped = false

  /** @throws WiretapeError `usage` where these relays carried no session. */
  constructor(recording: Recording, relays: readonly number[]) {
    this.#rows = recording.ftpRows()
    this.#relays = relays
    this.#told = new HomesTold(this.#rows, relays)
    this.homes = (user) => this.#told.of(user ?? '')
    if (this.#rows.sessions(relays, -1, 1).length === 0) {
      throw new WiretapeError('usage', `${recording.path} has no FTP session to serve: nobody connected to the relay while it was recorded`)
    }
  }

  /** Resolves once more has been read, or all. @throws what keeps the recording from being read. */
  async grown(): Promise<void> {
    if (!this.complete && this.#failure === null) await new Promise<void>((resolve) => this.#grown.push(resolve))
    if (this.#failure !== null) throw this.#failure
  }

  /** Reads all, a little at a time. Never rejects. */
  async read(): Promise<void> {
    try {
      // Whoever waits for the port has it before.
      await breathe()
      for (let after = -1; !this.#stopped;) {
        const lines = this.#rows.sessions(this.#relays, after, sessionsAtOnce)
        for (const line of lines) {
          await this.#readSession(line)
          if (this.#stopped) return
        }
        if (lines.length < sessionsAtOnce) break
        after = lines.at(-1)!.id
      }
      this.complete = true
    } catch (thrown) {
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown))
    } finally {
      this.#tell()
    }
  }

  stop(): void {
    this.#stopped = true
    this.#told.stop()
  }

  /** Resolves once `homes` tells of this user. @throws what keeps the recording from being read. */
  homeKnown(user: string | null): Promise<void> {
    return this.#told.known(user ?? '')
  }

  async #readSession({ id, connectionId, started }: FtpSessionLine): Promise<void> {
    const session: RecordedSession = { id, connectionId, started, from: this.commands.length, to: this.commands.length }
    const own = await homeIn(this.#rows, id)
    const whereabouts = new Whereabouts(own === undefined ? this.homes : () => own.home)
    const transfers = new Map<number | null, FtpTransferRecord>()
    for await (const some of unhurried(this.#rows.transfers(id))) for (const transfer of some) transfers.set(transfer.commandId, transfer)
    if (this.#stopped) return
    this.sessions.push(session)
    this.partial = session
    for (const lines of this.#rows.commands(id)) {
      for (const line of lines) {
        whereabouts.asked(line.verb, line.argument)
        if (own === undefined && line.code === 230) {
          // What was read before may be asked for meanwhile.
          session.to = this.commands.length
          await this.homeKnown(whereabouts.user)
          if (this.#stopped) return
        }
        this.#add(session, line, transfers.get(line.id) ?? null, whereabouts)
      }
      session.to = this.commands.length
      this.#read += lines.length
      if (this.#read < commandsAtOnce) continue
      this.#read = 0
      this.#tell()
      await breathe()
      if (this.#stopped) return
    }
    this.partial = null
  }

  #add(session: RecordedSession, { id, verb, argument, path: told, started, code, text, error }: FtpCommandLine, transfer: FtpTransferRecord | null, whereabouts: Whereabouts): void {
    if (verb === 'USER' && argument !== null) this.users.add(argument)
    const path = told ?? whereabouts.pathOf(verb, argument)
    this.commands.push({ place: this.commands.length, session, id, verb, argument, path, key: whereabouts.keyOf(verb, argument, path), started, code, error, transfer })
    if (code === null) return
    whereabouts.answered(verb, argument, code, text ?? '')
    if (code < 400) noteFolders(this.folders, path, whereabouts.folder)
    if (path !== null && transfer !== null) noteSize(this.sizes, path, transfer)
  }

  #tell(): void {
    for (const tell of this.#grown.splice(0)) tell()
  }
}

/** What matters of a session is what asks for something of its own. */
export function hasWeight(session: RecordedSession, commands: readonly RecordedCommand[]): boolean {
  for (let place = session.from; place < session.to; place++) if (matters(commands[place]!.verb)) return true
  return false
}

/** Where users land, as the first session of theirs tells that does. Read as far as somebody wants to know. */
class HomesTold {
  readonly #rows: FtpRows
  readonly #relays: readonly number[]
  readonly #told = new Map<string, string | null>()
  readonly #seen = new Set<number>()
  #after = -1
  #left = mostTold
  /** Shared by all who wait. */
  #reading: Promise<void> | null = null

  constructor(rows: FtpRows, relays: readonly number[]) {
    this.#rows = rows
    this.#relays = relays
  }

  async known(user: string): Promise<void> {
    while (!this.#told.has(user) && this.#left > 0) await (this.#reading ??= this.#readOn())
  }

  /** Of a user who is known. */
  of(user: string): string | null {
    return this.#told.get(user) ?? (this.#told.has(user) ? null : assumedHome)
  }

  stop(): void {
    this.#left = 0
  }

  async #readOn(): Promise<void> {
    try {
      await breathe()
      const { sessions, after } = this.#rows.toldFolders(this.#relays, this.#after, toldAtOnce)
      for (const sessionId of sessions) {
        if (this.#seen.has(sessionId)) continue
        const user = await userIn(this.#rows, sessionId)
        const home = this.#told.has(user) ? undefined : await homeIn(this.#rows, sessionId)
        if (home !== undefined) this.#told.set(user, home.home)
        this.#seen.add(sessionId)
      }
      this.#after = after ?? this.#after
      this.#left = after === null ? 0 : Math.max(0, this.#left - sessions.length)
    } finally {
      this.#reading = null
    }
  }
}

/** Page by page: clients have their turn between. */
async function* unhurried<Page>(pages: Iterable<Page>): AsyncGenerator<Page> {
  let first = true
  for (const page of pages) {
    if (!first) await breathe()
    first = false
    yield page
  }
}

async function userIn(rows: FtpRows, sessionId: number): Promise<string> {
  for await (const lines of unhurried(rows.commands(sessionId))) {
    const user = lines.find(({ verb }) => verb === 'USER')
    if (user !== undefined) return user.argument ?? ''
  }
  return ''
}

/** The first PWD tells, where nothing led elsewhere before. */
async function homeIn(rows: FtpRows, sessionId: number): Promise<{ readonly home: string | null } | undefined> {
  for await (const lines of unhurried(rows.commands(sessionId))) {
    for (const { verb, code, text } of lines) {
      if (/^(?:X?CWD|CDUP|XCUP)$/.test(verb)) return undefined
      if (code !== 257 || (verb !== 'PWD' && verb !== 'XPWD')) continue
      const path = parsePathReply(text ?? '')
      return { home: path?.startsWith('/') === true ? path : null }
    }
  }
  return undefined
}

/** What was there, was in a folder. */
function noteFolders(folders: Set<string>, path: string | null, folder: string | null): void {
  if (folder !== null) folders.add(folder)
  for (let at = path ?? folder; at !== null && at !== '/';) {
    at = at.slice(0, at.lastIndexOf('/')) || '/'
    if (folders.has(at)) return
    folders.add(at)
  }
}

function noteSize(sizes: Map<string, number>, path: string, { verb, type, outcome, restartOffset, bytes }: FtpTransferRecord): void {
  if (verb === 'RETR' && type.startsWith('I') && outcome === 'completed') sizes.set(path, restartOffset + bytes)
}
