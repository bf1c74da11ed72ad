import { existsSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import Sqlite from 'better-sqlite3'
import { WiretapeError, reasonOf, systemCodeOf } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import { checkCondition, conditionError } from './filter.js'
import {
  readCommand, readConnection, readDatagram, readDnsAnswer, readDnsQuery, readEvent, readExchange, readListingEntry, readRecord, readReply, readSegment, readSession,
  readTransfer, recordColumns,
} from './read-rows.js'
import type { Row } from './read-rows.js'
import { asReceived, asSent } from './legs.js'
import { newestRecording } from './recording-path.js'
import type {
  ConnectionRecord, DnsAnswer, DnsQuery, EventRecord, FtpCommandRecord, FtpListingEntry, FtpReply, FtpSession, FtpTransferRecord, HttpExchange, Segment,
  TimelineRecord, UdpDatagram,
} from './rows.js'
import { checkVersion } from './schema.js'
import { isRunning } from './writer-process.js'

export type Side = 'request' | 'response'

export interface Selection {
  /** One SQL condition over the columns of the view: `status >= 500 and duration_ms > 200`. */
  readonly where?: string
  /** Only records with a larger id. */
  readonly after?: number
  /** The first so many. */
  readonly limit?: number
}

/**
 * Opens a recording for reading, also one that is being written.
 * @param path the newest in `recordings/` where absent.
 * @throws WiretapeError `not-found`, `not-a-recording`, `newer-recording` or `storage`.
 */
export function openRecording(path: string = newestRecording()): Recording {
  if (!existsSync(path)) throw new WiretapeError('not-found', `there is no ${path}`)
  if (!statSync(path).isFile()) throw new WiretapeError('not-a-recording', `${path} is not a file: name a recording`)
  let database: Sqlite.Database
  try {
    database = new Sqlite(path, { readonly: true })
  } catch (cause) {
    throw new WiretapeError('storage', `cannot open ${path}: ${reasonOf(cause)}`, { cause })
  }
  try {
    checkVersion(database, path)
    return new Recording(path, database)
  } catch (thrown) {
    database.close()
    throw thrown
  }
}

/** A recording, read-only. Made by `openRecording`. */
export class Recording {
  readonly path: string
  readonly #database: Sqlite.Database
  readonly #reading = new Set<IterableIterator<unknown>>()

  /** Use `openRecording`. */
  constructor(path: string, database: Sqlite.Database) {
    this.path = path
    this.#database = database
    database.pragma('query_only = ON')
    database.pragma('mmap_size = 2147418112')
  }

  /** The timeline, in the order in which things began. */
  records(selection: Selection = {}): IterableIterator<TimelineRecord> {
    return this.#select('record', recordColumns, selection, readRecord, true)
  }

  exchanges(selection: Selection = {}): IterableIterator<HttpExchange> {
    return this.#select('http_exchange', '*', selection, readExchange)
  }

  connections(selection: Selection = {}): IterableIterator<ConnectionRecord> {
    return this.#select('connection', '*', selection, readConnection)
  }

  events(selection: Selection = {}): IterableIterator<EventRecord> {
    return this.#select('event', '*', selection, readEvent)
  }

  ftpSessions(selection: Selection = {}): IterableIterator<FtpSession> {
    return this.#select('ftp_session', '*', selection, readSession)
  }

  ftpCommands(selection: Selection = {}): IterableIterator<FtpCommandRecord> {
    return this.#select('ftp_command', '*', selection, readCommand)
  }

  /** Every reply with its time, preliminary ones too. */
  ftpReplies(selection: Selection = {}): IterableIterator<FtpReply> {
    return this.#select('ftp_reply', 'command_id, time, code, text', selection, readReply)
  }

  ftpTransfers(selection: Selection = {}): IterableIterator<FtpTransferRecord> {
    return this.#select('ftp_transfer', '*', selection, readTransfer)
  }

  /** What a LIST, NLST or MLSD transfer listed, where its form is known. */
  ftpListing(transferId: number): FtpListingEntry[] {
    return (this.#database.prepare(
      'SELECT name, type, size, modified, modified_text FROM ftp_listing WHERE transfer_id = ? ORDER BY position').all(checkId(transferId)) as Row[])
      .map(readListingEntry)
  }

  /** What a transfer carried, read from the file as it is consumed. @throws WiretapeError `not-found`. */
  transferBody(transferId: number): Readable {
    const row = this.#row('SELECT connection_id, direction FROM ftp_transfer WHERE id = ?', checkId(transferId))
    if (row === undefined) throw new WiretapeError('not-found', `there is no FTP transfer ${transferId} in ${this.path}`)
    if (row['connection_id'] === null) return Readable.from([])
    return this.stream(row['connection_id'] as number, row['direction'] as Direction)
  }

  /** Datagrams with their bytes. @param selection where over `id, connection_id, direction, time, size, changed, bytes`. */
  datagrams(selection: Selection = {}): IterableIterator<UdpDatagram> {
    return this.#select(
      '(SELECT d.id, d.connection_id, d.direction, d.time, d.size, d.changed, s.bytes FROM udp_datagram d JOIN segment s ON s.id = d.segment_id)', '*',
      selection, readDatagram)
  }

  dnsQueries(selection: Selection = {}): IterableIterator<DnsQuery> {
    return this.#select('dns_query', '*', selection, readDnsQuery)
  }

  /** What answered a query: the records of every section, in their order. */
  dnsAnswers(queryId: number): DnsAnswer[] {
    return (this.#database.prepare(
      'SELECT section, name, type, class, ttl, data FROM dns_answer WHERE query_id = ? ORDER BY position').all(checkId(queryId)) as Row[])
      .map(readDnsAnswer)
  }

  /** The wire itself. @param selection where over `segment`. */
  segments(selection: Selection = {}): IterableIterator<Segment> {
    return this.#select('segment', '*', selection, readSegment)
  }

  /** @throws WiretapeError `not-found`. */
  record(id: number): TimelineRecord {
    const [found] = this.records({ where: `id = ${checkId(id)}`, limit: 1 })
    if (found !== undefined) return found
    const connection = this.#row('SELECT * FROM connection WHERE id = ?', id)
    const event = this.#row('SELECT * FROM event WHERE id = ?', id)
    const what = connection !== undefined ? `: ${id} is a connection whose messages are the records (--where "connection_id = ${id}")`
      : event !== undefined ? `: ${id} is an event, a row of the table event (sqlite3 FILE "SELECT * FROM event WHERE id = ${id}")` : '; wiretape ls lists the ids there are'
    throw new WiretapeError('not-found', `there is no record ${id} in ${this.path}${what}`)
  }

  /** @throws WiretapeError `not-found`. */
  exchange(id: number): HttpExchange {
    const row = this.#row('SELECT * FROM http_exchange WHERE id = ?', checkId(id))
    if (row === undefined) throw new WiretapeError('not-found', `there is no HTTP exchange ${id} in ${this.path}`)
    return readExchange(row)
  }

  /** @throws WiretapeError `not-found`. */
  connection(id: number): ConnectionRecord {
    const row = this.#row('SELECT * FROM connection WHERE id = ?', checkId(id))
    if (row === undefined) throw new WiretapeError('not-found', `there is no connection ${id} in ${this.path}`)
    return readConnection(row)
  }

  /**
   * The body of an exchange as it came, with the chunked coding undone and the content coding not: a stream of Buffers,
   * read from the file as it is consumed.
   * @param leg `received`, or `sent` for the body as it went out.
   * @throws WiretapeError `not-found`.
   */
  body(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Readable {
    return Readable.from(this.#pieces(exchangeId, side, leg, ['body']), { objectMode: false })
  }

  /**
   * A message as it was on the wire, head, chunking and all.
   * @param leg `received`, or `sent` for the message as it went out, with what was changed.
   * @throws WiretapeError `not-found`.
   */
  message(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Readable {
    return Readable.from(this.#pieces(exchangeId, side, leg, ['head', 'body', 'framing']), { objectMode: false })
  }

  /** A message's head, as bytes: heads are small. Informational responses' heads come first. */
  head(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Buffer {
    return Buffer.concat([...this.#pieces(exchangeId, side, leg, ['head'])])
  }

  /**
   * One direction of a connection, byte for byte.
   * @param leg `received`, or `sent` for the stream as it went out.
   */
  stream(connectionId: number, direction: Direction, leg: 'received' | 'sent' = 'received'): Readable {
    this.connection(connectionId)
    return Readable.from(this.#streamPieces(connectionId, direction, leg), { objectMode: false })
  }

  /** Facts of the run: `started`, `writer` (a process id, while it is being recorded), and `finished` where recording ended in order. */
  facts(): Readonly<Record<string, string>> {
    const rows = this.#database.prepare('SELECT key, value FROM recording').all() as { key: string, value: string }[]
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
  }

  /** Nothing more will be written: recording ended in order, or its process is gone. */
  get ended(): boolean {
    const { finished, writer } = this.facts()
    return finished !== undefined || (writer !== undefined && !isRunning(Number(writer)))
  }

  relays(): readonly { readonly id: number, readonly protocol: string, readonly listen: string, readonly target: string }[] {
    return this.#database.prepare(
      `SELECT id, protocol, listen_host || ':' || listen_port AS listen, target FROM relay ORDER BY id`).all() as never
  }

  /** Iterations that haven't come to their end are ended. */
  close(): void {
    for (const rows of this.#reading) rows.return?.()
    this.#database.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @param bare rows come as arrays, in the order of `columns`: where there are many, their names cost as much as the query. */
  *#select<T>(view: string, columns: string, selection: Selection, read: (row: never) => T, bare = false): IterableIterator<T> {
    const { where, after, limit } = selection
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) throw new WiretapeError('usage', `--limit ${limit}: expected a whole number of records, 0 or more`)
    // "true AND" changes no condition, and makes of a bare SELECT what it is here: an error.
    const conditions = [...(where === undefined ? [] : [`(true AND ${checkCondition(where)})`]), ...(after === undefined ? [] : [`id > ${Math.floor(after)}`])]
    const sql = `SELECT ${columns} FROM ${view}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`} ORDER BY id`
      + (limit === undefined ? '' : ` LIMIT ${Math.max(0, Math.floor(limit))}`)
    let rows: IterableIterator<unknown>
    try {
      rows = this.#database.prepare(sql).raw(bare).iterate()
    } catch (cause) {
      throw this.#readError(cause, where, view)
    }
    this.#reading.add(rows)
    try {
      for (const row of rows) yield read(row as never)
    } catch (cause) {
      // Some conditions fail only on a row: a malformed JSON path, an integer overflow.
      throw this.#readError(cause, where, view)
    } finally {
      this.#reading.delete(rows)
    }
  }

  #readError(cause: unknown, where: string | undefined, view: string): unknown {
    const code = systemCodeOf(cause)
    // A parameter (`?`, `:name`) that nobody binds.
    if (where !== undefined && (cause instanceof TypeError || cause instanceof RangeError)) return conditionError(where, cause, [])
    if (code?.startsWith('SQLITE_') !== true) return cause
    if (/no such table/.test(reasonOf(cause))) return new WiretapeError('storage', `${this.path} was recorded before wiretape kept ${view}: it has none`, { cause })
    if (code === 'SQLITE_ERROR' && where !== undefined) return conditionError(where, cause, this.#columns(view))
    return new WiretapeError('storage', `cannot read ${this.path}: ${reasonOf(cause)}`, { cause })
  }

  *#pieces(exchangeId: number, side: Side, leg: 'received' | 'sent', kinds: readonly string[]): Generator<Buffer> {
    const exchange = this.#row('SELECT connection_id, first_segment, last_segment FROM http_exchange WHERE id = ?', checkId(exchangeId))
    if (exchange === undefined) throw new WiretapeError('not-found', `there is no HTTP exchange ${exchangeId} in ${this.path}`)
    if (exchange['first_segment'] === null) return
    // The ids bound the search where there is no index yet, in a recording still open or cut off.
    const rows = (which: 'received' | 'sent'): Generator => this.#rows(
      `SELECT * FROM segment WHERE id BETWEEN ? AND ? AND +message_id = ? AND direction = ? AND leg = '${which}'
       ${which === 'received' ? `AND kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')})` : ''} ORDER BY id`,
      exchange['first_segment'] as number, exchange['last_segment'] as number, exchangeId, side === 'request' ? 'up' : 'down')
    yield* leg === 'received' ? asReceived(rows('received')) : asSent(rows('received'), rows('sent'), kinds)
  }

  *#streamPieces(connectionId: number, direction: Direction, leg: 'received' | 'sent'): Generator<Buffer> {
    const rows = (which: 'received' | 'sent'): Generator => this.#rows(
      `SELECT * FROM segment WHERE connection_id = ? AND direction = ? AND leg = '${which}' ORDER BY id`, connectionId, direction)
    yield* leg === 'received' ? asReceived(rows('received')) : asSent(rows('received'), rows('sent'))
  }

  /** Rows of a query, that `close` can end. */
  *#rows(sql: string, ...parameters: (string | number)[]): Generator {
    const rows = this.#database.prepare(sql).iterate(...parameters)
    this.#reading.add(rows)
    try {
      yield* rows
    } finally {
      this.#reading.delete(rows)
    }
  }

  #row(sql: string, id: number): Row | undefined {
    return this.#database.prepare(sql).get(id) as Row | undefined
  }

  #columns(view: string): string[] {
    return this.#database.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(view) as string[]
  }
}

function checkId(id: number): number {
  if (!Number.isSafeInteger(id) || id < 0) throw new WiretapeError('usage', `${id} is not an id: wiretape ls lists them`)
  return id
}
