import { WiretapeError } from '../../../error.js'
import { parsePathReply } from '../../../protocols/ftp/index.js'
import type { Recording } from '../../../recording/recording.js'
import type { FtpCommandRecord, FtpTransferRecord } from '../../../recording/rows.js'
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
}

/** Where a login lands if no session tells. */
const assumedHome = '/'

/** @throws WiretapeError `usage` where these relays carried no session. */
export function readSessions(recording: Recording, relays: readonly number[]): RecordedSessions {
  const controls = new Set<number>()
  for (const { id, parentId } of recording.connections({ where: `protocol = 'ftp' and relay_id in (${relays.join(', ')})` })) if (parentId === null) controls.add(id)
  const bySession = new Map<number, FtpCommandRecord[]>()
  const sessions = [...recording.ftpSessions()].filter(({ connectionId }) => controls.has(connectionId))
  if (sessions.length === 0) throw new WiretapeError('usage', `${recording.path} has no FTP session to serve: nobody connected to the relay while it was recorded`)
  for (const { id } of sessions) bySession.set(id, [])
  for (const command of recording.ftpCommands()) bySession.get(command.sessionId)?.push(command)
  const transfers = new Map<number, FtpTransferRecord>()
  for (const transfer of recording.ftpTransfers()) if (bySession.has(transfer.sessionId)) transfers.set(transfer.commandId, transfer)

  const told = homesTold([...bySession.values()])
  const homes: Homes = (user) => told.get(user ?? '') === undefined ? assumedHome : told.get(user ?? '')!.home
  const made: RecordedSession[] = []
  const commands: RecordedCommand[] = []
  const folders = new Set<string>()
  const sizes = new Map<string, number>()
  const users = new Set<string>()
  for (const { id, connectionId, started } of sessions) {
    const session: RecordedSession = { id, connectionId, started, from: commands.length, to: commands.length }
    made.push(session)
    const rows = bySession.get(id)!
    const own = homeIn(rows)
    const whereabouts = new Whereabouts(own === undefined ? homes : () => own.home)
    for (const row of rows) {
      const { verb, argument, code } = row
      whereabouts.asked(verb, argument)
      if (verb === 'USER' && argument !== null) users.add(argument)
      const path = row.path ?? whereabouts.pathOf(verb, argument)
      const transfer = transfers.get(row.id) ?? null
      commands.push({
        place: commands.length, session, id: row.id, verb, argument, path, key: whereabouts.keyOf(verb, argument, path), started: row.started, code, error: row.error, transfer,
      })
      if (code === null) continue
      whereabouts.answered(verb, argument, code, row.text ?? '')
      if (code < 400) noteFolders(folders, path, whereabouts.folder)
      if (path !== null && transfer !== null) noteSize(sizes, path, transfer)
    }
    session.to = commands.length
  }
  return { sessions: made, commands, folders, sizes, users, homes }
}

/** What matters of a session is what asks for something of its own. */
export function weightOf(session: RecordedSession, commands: readonly RecordedCommand[]): number {
  let weight = 0
  for (let place = session.from; place < session.to; place++) if (matters(commands[place]!.verb)) weight++
  return weight
}

function homesTold(sessions: readonly (readonly FtpCommandRecord[])[]): Map<string, { readonly home: string | null }> {
  const told = new Map<string, { readonly home: string | null }>()
  for (const rows of sessions) {
    const user = rows.find(({ verb }) => verb === 'USER')?.argument ?? ''
    const home = homeIn(rows)
    if (home !== undefined && !told.has(user)) told.set(user, home)
  }
  return told
}

/** The first PWD tells, where nothing led elsewhere before. */
function homeIn(rows: readonly FtpCommandRecord[]): { readonly home: string | null } | undefined {
  for (const { verb, code, text } of rows) {
    if (/^(?:X?CWD|CDUP|XCUP)$/.test(verb)) return undefined
    if (code !== 257 || (verb !== 'PWD' && verb !== 'XPWD')) continue
    const path = parsePathReply(text ?? '')
    return { home: path?.startsWith('/') === true ? path : null }
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
