import type { Database, Statement } from 'better-sqlite3'
import { readTransfer } from './read-rows.js'
import type { FtpTransferRecord } from './rows.js'

/** The little of a session by which it is repeated. */
export interface FtpSessionLine {
  readonly id: number
  readonly connectionId: number
  /** µs since the epoch. */
  readonly started: number
}

/** The little of a command by which it is looked for. */
export interface FtpCommandLine {
  readonly id: number
  readonly verb: string
  readonly argument: string | null
  readonly path: string | null
  /** µs since the epoch. */
  readonly started: number
  readonly code: number | null
  readonly text: string | null
  readonly error: string | null
}

type SessionColumns = readonly [id: number, connectionId: number, started: number]
type CommandColumns = readonly [
  id: number, verb: string, argument: string | null, path: string | null, started: number, code: number | null, text: string | null, error: string | null,
]

type Groups = ReadonlyMap<number, readonly number[]>

const columns = 'id, verb, argument, path, started, code, text, error'

/** Rows read in one go. */
const page = 500

/** Rows looked at in one go for a few of them. */
const lookedAt = 5000

/** FTP session by session, in its order: made for recordings of a million commands, of which nobody wants all at once. */
export class FtpRows {
  readonly #database: Database
  readonly #commands: Statement
  readonly #transfers: Statement
  /** It isn't in a recording that is open still, or was cut off: that is gone through once, when it is asked for. */
  readonly #indexed: boolean
  /** Ids of commands and transfers by session. */
  #ids: { readonly commands: Groups, readonly transfers: Groups } | null = null

  constructor(database: Database) {
    this.#database = database
    const indexed = this.#indexed = database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = 'ftp_command_by_session'`).get() !== undefined
    this.#commands = database.prepare(indexed
      ? `SELECT ${columns} FROM ftp_command WHERE session_id = ? AND id > ? ORDER BY id LIMIT ${page}`
      : `SELECT ${columns} FROM ftp_command WHERE id = ?`).raw()
    this.#transfers = database.prepare(indexed ? `SELECT * FROM ftp_transfer WHERE session_id = ? AND id > ? ORDER BY id LIMIT ${page}` : 'SELECT * FROM ftp_transfer WHERE id = ?')
  }

  /** Sessions of these relays, the first so many after one. */
  sessions(relays: readonly number[], after: number, most: number): readonly FtpSessionLine[] {
    const rows = this.#database.prepare(
      `SELECT s.id, s.connection_id, s.started FROM ftp_session s JOIN connection c ON c.id = s.connection_id
       WHERE s.id > ? AND c.protocol = 'ftp' AND c.parent_id IS NULL AND c.relay_id IN (${relays.map(Number).join(', ')}) ORDER BY s.id LIMIT ?`).raw().all(after, most) as SessionColumns[]
    return rows.map(([id, connectionId, started]) => ({ id, connectionId, started }))
  }

  /** A session's commands in their order, some hundreds at a time: none is held between. */
  commands(sessionId: number): Generator<readonly FtpCommandLine[]> {
    return this.#pages(sessionId, 'commands', this.#commands, lineOf)
  }

  /** A session's transfers in their order, some hundreds at a time. */
  transfers(sessionId: number): Generator<readonly FtpTransferRecord[]> {
    return this.#pages(sessionId, 'transfers', this.#transfers, readTransfer)
  }

  *#pages<One extends { readonly id: number }>(sessionId: number, which: 'commands' | 'transfers', statement: Statement, read: (columns: never) => One): Generator<readonly One[]> {
    if (!this.#indexed) {
      const ids = this.#bySession()[which].get(sessionId) ?? []
      for (let at = 0; at < ids.length; at += page) yield ids.slice(at, at + page).map((id) => read(statement.get(id) as never))
      return
    }
    for (let after = -1; ;) {
      const rows = (statement.all(sessionId, after) as never[]).map(read)
      if (rows.length > 0) yield rows
      if (rows.length < page) return
      after = rows.at(-1)!.id
    }
  }

  /**
   * Ids of sessions of these relays in which somebody was told a folder, in the order of that: the first so many after a command, as far as one go reads.
   * @returns with them the last command that was looked at; null where that was the last of all.
   */
  toldFolders(relays: readonly number[], after: number, most: number): { readonly sessions: readonly number[], readonly after: number | null } {
    const rows = this.#database.prepare(
      `SELECT id, CASE WHEN verb IN ('PWD', 'XPWD') AND code = 257 AND (SELECT relay_id FROM connection WHERE id = connection_id) IN (${relays.map(Number).join(', ')}) THEN session_id END
       FROM ftp_command WHERE id > ? ORDER BY id LIMIT ${lookedAt}`).raw().iterate(after) as IterableIterator<[number, number | null]>
    const sessions: number[] = []
    let [count, last] = [0, after]
    for (const [id, sessionId] of rows) {
      count++
      last = id
      if (sessionId !== null && sessions.push(sessionId) === most) return { sessions, after: last }
    }
    return { sessions, after: count < lookedAt ? null : last }
  }

  /** Segments with replies, all of them: by the command that they answer, and what nobody asked for by its connection. */
  replySegments(): { readonly asked: ReadonlyMap<number, readonly number[] | number>, readonly unasked: Groups } {
    const asked = new Map<number, number[] | number>()
    const unasked = new Map<number, number[]>()
    for (const row of this.#database.prepare(`SELECT id, connection_id, message_id FROM segment WHERE kind = 'reply' AND direction = 'down' ORDER BY id`).raw().iterate()) {
      const [id, connectionId, commandId] = row as [number, number, number | null]
      if (commandId === null) {
        const others = unasked.get(connectionId)
        if (others === undefined) unasked.set(connectionId, [id])
        else others.push(id)
        continue
      }
      const others = asked.get(commandId)
      // Nearly always it is one.
      asked.set(commandId, others === undefined ? id : [...typeof others === 'number' ? [others] : others, id])
    }
    return { asked, unasked }
  }

  #bySession(): { readonly commands: Groups, readonly transfers: Groups } {
    return this.#ids ??= { commands: this.#grouped('ftp_command'), transfers: this.#grouped('ftp_transfer') }
  }

  #grouped(table: 'ftp_command' | 'ftp_transfer'): Groups {
    const found = new Map<number, number[]>()
    for (const row of this.#database.prepare(`SELECT id, session_id FROM ${table} ORDER BY id`).raw().iterate()) {
      const [id, sessionId] = row as [number, number]
      const ids = found.get(sessionId)
      if (ids === undefined) found.set(sessionId, [id])
      else ids.push(id)
    }
    return found
  }
}

function lineOf([id, verb, argument, path, started, code, text, error]: CommandColumns): FtpCommandLine {
  return { id, verb, argument, path, started, code, text, error }
}
