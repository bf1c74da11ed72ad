import type { Database, Statement } from 'better-sqlite3'
import type { Direction } from '../protocols/decoder.js'
import { firstHeader } from '../protocols/http1/index.js'
import type { TlsFacts, Address } from './notes.js'
import { RowBatch } from './row-batch.js'

/** A row of `connection`, kept in memory while the connection is open and written whole each time. */
export interface ConnectionRow {
  readonly id: number
  readonly relayId: number
  readonly protocol: string
  readonly transport: string
  readonly parentId: number | null
  readonly role: string | null
  client: Address | null
  readonly listen: Address | null
  readonly opened: number
  dial: Address | null
  server: Address | null
  connected: number | null
  closed: number | null
  endReason: string | null
  error: string | null
  bytesUp: number
  bytesDown: number
  droppedUp: number
  droppedDown: number
  messages: number
  /** Something else was sent on than was received. */
  changed: boolean
  tls: TlsFacts | null
}

/** A row of `http_exchange_row`. Times in µs since the epoch, sizes in bytes after the transfer coding is undone. */
export interface HttpExchangeRow {
  /** -1 until it is certain that there is an exchange. */
  id: number
  readonly connectionId: number
  status: number | null
  started: number
  firstByte: number | null
  ended: number | null
  requestBodySize: number
  responseBodySize: number
  requestHeaders: number | null
  responseHeaders: number | null
  requestTrailers: number | null
  responseTrailers: number | null
  firstSegment: number | null
  lastSegment: number | null
  changed: boolean
  method: string | null
  scheme: string | null
  /** From an absolute request target or CONNECT; otherwise the host is the header list's. */
  authority: string | null
  path: string | null
  query: string | null
  reason: string | null
  requestVersion: string | null
  responseVersion: string | null
  informational: string | null
  framingFlags: string | null
  error: string | null
}

export interface EventRow {
  readonly time: number
  readonly connectionId: number | null
  readonly messageId: number | null
  readonly kind: string
  readonly source: string
  readonly direction: Direction | null
  readonly offset: number | null
  readonly bytes: number | null
  readonly text: string
  /** The plugin's hook that did it. */
  readonly hook: string | null
  /** The plugin and its options. */
  readonly parameters: string | null
  /** The wait that it asked for. */
  readonly delayMs: number | null
}

/** No blob is larger: a body of any size is read and written in pieces that fit in memory. */
const largestSegment = 64 * 1024

/** Header lists remembered by their text; enough for the clients and servers that talk at the same time. */
const rememberedHeaderLists = 4096

/**
 * The recording's tables as the worker writes them: one prepared statement a table, ids from one sequence, and a
 * transaction that opens with the first row and ends with `commit`.
 */
export class Store {
  readonly #database: Database
  readonly #begin: Statement
  readonly #commit: Statement
  readonly #segments: Record<Direction, Record<'received' | 'sent', Map<string, Statement>>> = {
    up: { received: new Map(), sent: new Map() }, down: { received: new Map(), sent: new Map() },
  }
  readonly #tables = new Map<string, Statement>()
  readonly #retype: Statement
  readonly #adopt: Statement
  readonly #exchange: Statement
  readonly #connection: Statement
  readonly #event: Statement
  readonly #headerList: Statement
  readonly #datagrams: RowBatch
  readonly #relay: Statement
  readonly #headerLists = new Map<string, number>()
  /** The decoder gives a list that a connection repeats as the same array: known without being written out again. */
  readonly #headerArrays = new WeakMap<object, number>()
  readonly #atEachFlush: ((time: number) => void)[] = []
  #nextId: number
  #nextSegment: number
  #nextHeaderList: number
  #records = 0
  #inTransaction = false

  constructor(database: Database) {
    this.#database = database
    const largest = (table: string): number =>
      (database.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get() as number)
    this.#nextId = Math.max(...['connection', 'http_exchange_row', 'event', 'ftp_session', 'ftp_command', 'ftp_transfer', 'udp_datagram', 'dns_query'].map(largest)) + 1
    this.#nextSegment = largest('segment') + 1
    this.#nextHeaderList = largest('header_list') + 1
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    const insert = (table: string, columns: number): Statement =>
      database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${Array(columns).fill('?').join(', ')})`)
    this.#retype = database.prepare(`UPDATE segment SET kind = ?, message_id = NULL WHERE id = ?`)
    this.#adopt = database.prepare(`UPDATE segment SET message_id = ? WHERE id = ?`)
    this.#exchange = insert('http_exchange_row', 26)
    this.#connection = insert('connection', 29)
    this.#event = insert('event', 13)
    this.#headerList = insert('header_list', 4)
    this.#datagrams = new RowBatch(database, 'udp_datagram', 8)
    this.#relay = insert('relay', 5)
  }

  /** Records written so far, for the live line: connections that carried no message count when they close. */
  get records(): number {
    return this.#records
  }

  newId(): number {
    return this.#nextId++
  }

  countRecord(): void {
    this.#records++
  }

  /** Work for every regular flush, also when nothing was recorded meanwhile: for what time alone decides. @param work gets µs. */
  atEachFlush(work: (time: number) => void): void {
    this.#atEachFlush.push(work)
  }

  /** Called several times a second, before a commit. @param time µs. */
  flush(time: number): void {
    for (const work of this.#atEachFlush) work(time)
  }

  begin(): void {
    if (this.#inTransaction) return
    this.#begin.run()
    this.#inTransaction = true
  }

  commit(): void {
    if (!this.#inTransaction) return
    this.#datagrams.settle()
    this.#commit.run()
    this.#inTransaction = false
  }

  /** @returns the id of the first and the last row written: bytes beyond 64 KiB take more than one. */
  segment(
    connectionId: number, direction: Direction, leg: 'received' | 'sent', offset: number, time: number, kind: string,
    messageId: number | null, replaces: number | null, bytes: Buffer,
  ): { first: number, last: number } {
    this.begin()
    const statement = this.#segmentStatement(direction, leg, kind)
    const first = this.#nextSegment
    if (bytes.length <= largestSegment) {
      statement.run(connectionId, offset, time, messageId, replaces, bytes)
      return { first, last: this.#nextSegment++ }
    }
    for (let at = 0; at < bytes.length; at += largestSegment) {
      // What replaces a range stands at its start; further pieces replace nothing more, at its end.
      const place = leg === 'received' ? offset + at : at === 0 ? offset : offset + (replaces ?? 0)
      statement.run(connectionId, place, time, messageId, replaces === null ? null : at === 0 ? replaces : 0,
        bytes.subarray(at, at + largestSegment))
      this.#nextSegment++
    }
    return { first, last: this.#nextSegment - 1 }
  }

  /**
   * The hottest statement: the words that repeat in every row are part of it, and the id is left to SQLite, which then
   * appends without looking for it. As the only writer, we know which one it will be.
   */
  #segmentStatement(direction: Direction, leg: 'received' | 'sent', kind: string): Statement {
    const statements = this.#segments[direction][leg]
    let statement = statements.get(kind)
    if (statement === undefined) {
      statement = this.#database.prepare(
        `INSERT INTO segment (connection_id, direction, leg, "offset", time, kind, message_id, replaces, bytes)
         VALUES (?, '${direction}', '${leg}', ?, ?, '${kind.replaceAll("'", "''")}', ?, ?, ?)`)
      statements.set(kind, statement)
    }
    return statement
  }

  /** Takes a segment back from the message it was thought to belong to. */
  retype(segmentId: number, kind: string): void {
    this.begin()
    this.#retype.run(kind, segmentId)
  }

  /** Gives a segment to the message that it turned out to belong to. */
  adopt(segmentId: number, messageId: number): void {
    this.begin()
    this.#adopt.run(messageId, segmentId)
  }

  headerList(fields: readonly (readonly [string, string])[]): number {
    let id = this.#headerArrays.get(fields)
    if (id !== undefined) return id
    const text = JSON.stringify(fields)
    id = this.#headerLists.get(text)
    if (id === undefined) {
      this.begin()
      id = this.#nextHeaderList++
      this.#headerList.run(id, text, firstHeader(fields, 'host'), firstHeader(fields, 'content-type'))
      if (this.#headerLists.size >= rememberedHeaderLists) this.#headerLists.delete(this.#headerLists.keys().next().value!)
      this.#headerLists.set(text, id)
    }
    this.#headerArrays.set(fields, id)
    return id
  }

  exchange(row: HttpExchangeRow): void {
    this.begin()
    this.#exchange.run(
      row.id, row.connectionId, row.status, row.started, row.firstByte, row.ended, row.requestBodySize,
      row.responseBodySize, row.requestHeaders, row.responseHeaders, row.requestTrailers, row.responseTrailers,
      row.firstSegment, row.lastSegment, row.changed ? 1 : 0, row.method, row.scheme, row.authority, row.path, row.query,
      row.reason, row.requestVersion, row.responseVersion, row.informational, row.framingFlags, row.error)
  }

  connection(row: ConnectionRow): void {
    this.begin()
    this.#connection.run(
      row.id, row.relayId, row.protocol, row.transport, row.parentId, row.role,
      row.client?.host, row.client?.port, row.listen?.host, row.listen?.port,
      row.dial?.host, row.dial?.port, row.server?.host, row.server?.port,
      row.opened, row.connected, row.closed, row.endReason, row.error, row.bytesUp, row.bytesDown,
      row.droppedUp, row.droppedDown, row.messages,
      row.tls?.version, row.tls?.cipher, row.tls?.alpn, row.tls?.serverName, row.changed ? 1 : 0)
  }

  event(row: EventRow): void {
    this.begin()
    this.#event.run(this.newId(), row.time, row.connectionId, row.messageId, row.kind, row.source, row.direction,
      row.offset, row.bytes, row.text, row.hook, row.parameters, row.delayMs)
  }

  datagram(id: number, connectionId: number, direction: Direction, time: number, size: number, segmentId: number, decoded: boolean, changed = false): void {
    this.begin()
    this.#datagrams.add(id, connectionId, direction, time, size, segmentId, decoded ? 1 : 0, changed ? 1 : 0)
  }

  /** @returns the relay's row id. */
  relay(protocol: string, listen: Address, target: string): number {
    this.begin()
    return Number(this.#relay.run(null, protocol, listen.host, listen.port, target).lastInsertRowid)
  }

  /** For tables that are written seldom: statements by their text, prepared once. Columns that aren't named stay null. */
  write(table: string, row: Readonly<Record<string, string | number | null>>): void {
    this.begin()
    const columns = Object.keys(row)
    const key = `${table} ${columns.join()}`
    let statement = this.#tables.get(key)
    if (statement === undefined) {
      statement = this.#database.prepare(
        `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      this.#tables.set(key, statement)
    }
    statement.run(...Object.values(row))
  }

  forget(key: string): void {
    this.begin()
    this.#database.prepare('DELETE FROM recording WHERE key = ?').run(key)
  }

  fact(key: string, value: string): void {
    this.begin()
    this.#database.prepare('INSERT OR REPLACE INTO recording VALUES (?, ?)').run(key, value)
  }
}
