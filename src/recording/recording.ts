import { existsSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import Sqlite from 'better-sqlite3'
import { WiretapeError, reasonOf, systemCodeOf } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import { checkCondition, conditionError } from './filter.js'
import {
  readBareSegment, readCommand, readConnection, readDatagram, readDnsAnswer, readDnsQuery, readEvent, readExchange, readListingEntry, readRecord, readReply, readSegment, readSession,
  readTransfer, recordAsJson, recordColumns, segmentColumns,
} from './read-rows.js'
import type { Row } from './read-rows.js'
import { asReceived, asSent } from './legs.js'
import type { RecordedPiece } from './legs.js'
import { FtpRows } from './ftp-rows.js'
import { newestRecording } from './recording-path.js'
import type {
  ConnectionRecord, DnsAnswer, DnsQuery, EventRecord, FtpCommandRecord, FtpListingEntry, FtpReply, FtpSession, FtpTransferRecord, HttpExchange, Segment,
  TimelineRecord, UdpDatagram,
} from './rows.js'
import { checkVersion } from './schema-version.js'
import { StreamPlaces } from './stream-places.js'
import type { StreamSegment } from './stream-places.js'
import { isRunning } from './writer-process.js'

export type Side = 'request' | 'response'

/** The little of an HTTP exchange by which it is looked for. */
export interface RequestLine {
  readonly id: number
  readonly method: string | null
  readonly path: string | null
  /** Without the question mark. */
  readonly query: string | null
  /** Bytes. */
  readonly bodySize: number
  readonly error: string | null
  readonly status: number | null
  /** It is over, one way or another. */
  readonly ended: boolean
}

/** A connection as far as it tells how long its streams are and how it ended. Times are µs since the epoch. */
export interface StreamEnds {
  readonly id: number
  readonly endReason: string | null
  readonly began: number
  readonly closed: number | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly changed: boolean
  /** Bytes that weren't recorded, both ways. */
  readonly dropped: number
}

type StreamEndsColumns = readonly [
  id: number, endReason: string | null, began: number, closed: number | null, bytesUp: number, bytesDown: number, changed: number, dropped: number,
]

/** Prepared queries of one text that are kept for later. */
const mostFree = 64

/** A relay that recorded into the file. */
export interface RecordedRelay {
  readonly id: number
  readonly protocol: string
  /** `host:port`, as does `target`; for HTTP that is a URL. */
  readonly listen: string
  readonly target: string
}

export interface Selection {
  /** One SQL condition over the columns of the view: `status >= 500 and duration_ms > 200`. */
  readonly where?: string
  /** The same over the columns of the view `record`, whatever is selected: what `ls` would list. Of connections and segments: those of connections that have such records. */
  readonly matching?: string
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
  #places: StreamPlaces | null = null
  /** Prepared queries, by their text, that nobody is reading rows of. */
  readonly #free = new Map<string, Sqlite.Statement[]>()
  /** Of one row each, which is read at once. */
  readonly #single = new Map<string, Sqlite.Statement>()
  #exchangeSegments: Sqlite.Statement | null = null
  #summary: Sqlite.Statement | null = null

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

  /** The same, each as the text of a JSON object. It has what the wire had: escape it before it reaches a terminal. */
  recordsAsJson(selection: Selection = {}): IterableIterator<string> {
    return this.#select('record', recordAsJson, selection, ([json]: readonly [string]) => json, true)
  }

  exchanges(selection: Selection = {}): IterableIterator<HttpExchange> {
    return this.#select('http_exchange', '*', selection, readExchange)
  }

  /**
   * What was asked for over these relays, in its order: the little of each exchange by which it is looked for.
   * @param path null for all paths.
   */
  *requestLines(relays: readonly number[], path: string | null): Generator<RequestLine> {
    const rows = this.#rawRows(
      `SELECT e.id, e.method, e.path, e.query, e.request_body_size, e.error, e.status, e.ended FROM http_exchange_row e JOIN connection c ON c.id = e.connection_id
       WHERE c.relay_id IN (${relays.map(Number).join(', ')}) ${path === null ? '' : 'AND e.path = ?'} ORDER BY e.id`, ...(path === null ? [] : [path]))
    for (const row of rows) {
      const [id, method, own, query, bodySize, error, status, ended] = row as readonly [number, string | null, string | null, string | null, number, string | null, number | null, number | null]
      yield { id, method, path: own, query, bodySize, error, status, ended: ended !== null }
    }
  }

  /** Paths that were asked for over these relays: those that come just before and after one in the order of their letters, so many each way. */
  pathsAround(relays: readonly number[], path: string, most: number): readonly string[] {
    const those = (condition: 'before' | 'after'): string[] =>
      this.#database.prepare(
        `SELECT DISTINCT path FROM http_exchange_row WHERE path ${condition === 'before' ? '<' : '>='} ? AND (SELECT relay_id FROM connection WHERE id = connection_id) IN (${relays.map(Number).join(', ')})
         ORDER BY path ${condition === 'before' ? 'DESC' : ''} LIMIT ${Math.floor(most)}`).pluck().all(path) as string[]
    return [...those('after'), ...those('before')]
  }

  connections(selection: Selection = {}): IterableIterator<ConnectionRecord> {
    return this.#select('connection', '*', selection, readConnection)
  }

  /** The little of each connection of these relays by which it is played again, in their order: the first so many after one. */
  streamEnds(relays: readonly number[], protocol: string, after: number, most: number): readonly StreamEnds[] {
    // Recordings from before there were plugins have nothing that was changed.
    const changed = this.#columns('connection').includes('changed') ? 'changed' : '0'
    const rows = this.#database.prepare(
      `SELECT id, end_reason, coalesce(connected, opened), closed, bytes_up, bytes_down, ${changed}, dropped_up + dropped_down FROM connection
       WHERE id > ? AND protocol = ? AND parent_id IS NULL AND relay_id IN (${relays.map(Number).join(', ')}) ORDER BY id LIMIT ?`).raw().all(after, protocol, most) as readonly StreamEndsColumns[]
    return rows.map(([id, endReason, began, closed, bytesUp, bytesDown, wasChanged, dropped]) => ({ id, endReason, began, closed, bytesUp, bytesDown, changed: wasChanged === 1, dropped }))
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

  /** The same, session by session. */
  ftpRows(): FtpRows {
    return new FtpRows(this.#database)
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
    // Recordings from before there were plugins have nothing that was changed.
    const changed = this.#columns('udp_datagram').includes('changed') ? 'd.changed' : '0 AS changed'
    return this.#select(
      `(SELECT d.id, d.connection_id, d.direction, d.time, d.size, ${changed}, s.bytes FROM udp_datagram d JOIN segment s ON s.id = d.segment_id)`, '*',
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

  /** A record's line in the timeline; null where there is none. Made for many: the query is prepared once. */
  summary(id: number): string | null {
    this.#summary ??= this.#database.prepare('SELECT summary FROM record WHERE id = ?').pluck()
    return this.#summary.get(checkId(id)) as string | undefined ?? null
  }

  /** A message's place on its connection, from 0, as decoders count them; null where it has none. */
  ordinal(messageId: number): number | null {
    const one = (sql: string): number | null => this.#database.prepare(sql).pluck().get(checkId(messageId)) as number | undefined ?? null
    return one(`SELECT (SELECT count(*) FROM http_exchange_row b WHERE b.connection_id = e.connection_id AND b.id < e.id) FROM http_exchange_row e WHERE id = ?`)
      ?? one('SELECT ordinal FROM ftp_command WHERE id = ?')
      ?? one('SELECT (SELECT count(*) FROM udp_datagram b WHERE b.connection_id = d.connection_id AND b.id < d.id) FROM udp_datagram d WHERE id = ?')
  }

  /** The exchange of a connection that began last. */
  lastExchange(connectionId: number): HttpExchange | null {
    const row = this.#row('SELECT * FROM http_exchange WHERE id = (SELECT max(id) FROM http_exchange_row WHERE connection_id = ?)', checkId(connectionId))
    return row === undefined ? null : readExchange(row)
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
    return Readable.from(bytesOf(this.#pieces(exchangeId, side, leg, ['body'])), { objectMode: false })
  }

  /**
   * A message as it was on the wire, head, chunking and all.
   * @param leg `received`, or `sent` for the message as it went out, with what was changed.
   * @throws WiretapeError `not-found`.
   */
  message(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Readable {
    return Readable.from(bytesOf(this.messagePieces(exchangeId, side, leg)), { objectMode: false })
  }

  /** A body as by `body`, piece by piece as it came. To be read or ended as `messagePieces`. */
  bodyPieces(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Generator<RecordedPiece> {
    return this.#pieces(exchangeId, side, leg, ['body'])
  }

  /**
   * All of an exchange on the wire, both directions and both legs, in the order in which it was recorded. Made for many exchanges one after
   * another: the query is prepared once. All is held in memory: for exchanges that are known to be small.
   */
  exchangeSegments(exchangeId: number): readonly Segment[] {
    if (this.#exchangeSegments === null) {
      // Without the index, in a recording still open or cut off, the ids of its first and last segment bound the search.
      const place = this.#indexed() ? 'message_id = :id'
        : '+message_id = :id AND id BETWEEN (SELECT first_segment FROM http_exchange_row WHERE id = :id) AND (SELECT last_segment FROM http_exchange_row WHERE id = :id)'
      this.#exchangeSegments = this.#database.prepare(`SELECT ${segmentColumns} FROM segment WHERE ${place} ORDER BY id`).raw()
    }
    return (this.#exchangeSegments.all({ id: checkId(exchangeId) }) as never[]).map(readBareSegment)
  }

  /** A message's head, as bytes: heads are small. Informational responses' heads come first. */
  head(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Buffer {
    return Buffer.concat([...bytesOf(this.#pieces(exchangeId, side, leg, ['head']))])
  }

  /** A message as by `message`, piece by piece as it came. To be read without waiting in between, or to be ended by `return()`. */
  messagePieces(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Generator<RecordedPiece> {
    return this.#pieces(exchangeId, side, leg, ['head', 'body', 'framing'])
  }

  /**
   * The same for a message that may be large and is read over a long time: each few pieces by a query of their own, so that no read stays open
   * in between. One that was changed is read in one go, as by `messagePieces`.
   */
  *messageInSlices(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Generator<RecordedPiece> {
    const { changed } = this.exchange(exchangeId)
    if (changed) {
      yield* this.messagePieces(exchangeId, side, leg)
      return
    }
    const bounds = this.#row('SELECT first_segment, last_segment FROM http_exchange WHERE id = ?', exchangeId)!
    const slice = this.#database.prepare(
      `SELECT id, bytes, kind, time, "offset" FROM segment WHERE id BETWEEN ? AND ? AND +message_id = ? AND direction = ? AND leg = 'received'
       AND kind IN ('head', 'body', 'framing') ORDER BY id LIMIT 16`)
    let from = bounds['first_segment'] as number | null
    while (from !== null) {
      const rows = slice.all(from, bounds['last_segment'], exchangeId, side === 'request' ? 'up' : 'down') as (RecordedPiece & { readonly id: number })[]
      for (const { bytes, kind, time, offset } of rows) yield { bytes, kind, time, offset, leg: 'received' }
      from = rows.length === 0 ? null : rows.at(-1)!.id + 1
    }
  }

  /** µs that passed at most between two pieces of an answer's bytes. */
  longestPause(exchangeId: number): number {
    const bounds = this.#row('SELECT first_segment, last_segment FROM http_exchange WHERE id = ?', checkId(exchangeId))
    return this.#pause('id BETWEEN ? AND ? AND +message_id = ?', bounds?.['first_segment'] ?? 0, bounds?.['last_segment'] ?? -1, exchangeId)
  }

  /** The same of what came down a connection. */
  longestPauseOn(connectionId: number): number {
    return this.#pause('connection_id = ?', checkId(connectionId))
  }

  /** A stream as by `stream`, piece by piece as it came. */
  streamPieces(connectionId: number, direction: Direction, leg: 'received' | 'sent' = 'received'): Generator<RecordedPiece> {
    return this.#streamPieces(connectionId, direction, leg)
  }

  /** The segment that holds a byte of a stream as it came, found without reading those before it; null beyond its end and where bytes are missing. */
  segmentAt(connectionId: number, direction: Direction, offset: number): StreamSegment | null {
    this.#places ??= new StreamPlaces(this.#database)
    return this.#places.at(connectionId, direction, offset)
  }

  /** The same of many connections at once: of those that have one there. All of them are held: not more than some hundreds should be asked for. */
  segmentsAt(connectionIds: readonly number[], direction: Direction, offset: number): StreamSegment[] {
    this.#places ??= new StreamPlaces(this.#database)
    return this.#places.atMany(connectionIds, direction, offset)
  }

  /**
   * One direction of a connection, byte for byte.
   * @param leg `received`, or `sent` for the stream as it went out.
   */
  stream(connectionId: number, direction: Direction, leg: 'received' | 'sent' = 'received'): Readable {
    this.connection(connectionId)
    return Readable.from(bytesOf(this.#streamPieces(connectionId, direction, leg)), { objectMode: false })
  }

  /**
   * Facts of the run: `started`, `writer` (a process id, while it is being recorded), `finished` where recording ended in order, and `masked` with the
   * plugins that kept secrets out. `masks` is `told` where each place that they masked has an event.
   */
  facts(): Readonly<Record<string, string>> {
    const rows = this.#database.prepare('SELECT key, value FROM recording').all() as { key: string, value: string }[]
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
  }

  /** Nothing more will be written: recording ended in order, or its process is gone. */
  get ended(): boolean {
    const { finished, writer } = this.facts()
    return finished !== undefined || (writer !== undefined && !isRunning(Number(writer)))
  }

  relays(): readonly RecordedRelay[] {
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
    const { where, matching, after, limit } = selection
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) throw new WiretapeError('usage', `--limit ${limit}: expected a whole number of records, 0 or more`)
    // "true AND" changes no condition, and makes of a bare SELECT what it is here: an error.
    const conditions = [...(where === undefined ? [] : [`(true AND ${checkCondition(where)})`]), ...(after === undefined ? [] : [`id > ${Math.floor(after)}`])]
    if (matching !== undefined) conditions.push(`${view === 'segment' ? 'connection_id' : 'id'} IN (SELECT ${view === 'connection' || view === 'segment' ? 'connection_id' : 'id'} FROM matching)`)
    const matches = matching === undefined ? '' : `SELECT id, connection_id FROM record WHERE (true AND ${checkCondition(matching)})`
    const sql = `${matching === undefined ? '' : `WITH matching AS MATERIALIZED (${matches}) `}SELECT ${columns} FROM ${view}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`} ORDER BY id`
      + (limit === undefined ? '' : ` LIMIT ${Math.max(0, Math.floor(limit))}`)
    let rows: IterableIterator<unknown>
    try {
      // By itself too: as part of the other, it could name columns of the view outside.
      if (matching !== undefined) this.#database.prepare(matches)
      rows = this.#database.prepare(sql).raw(bare).iterate()
    } catch (cause) {
      throw this.#readError(cause, where, matching, view)
    }
    this.#reading.add(rows)
    try {
      for (const row of rows) yield read(row as never)
    } catch (cause) {
      // Some conditions fail only on a row: a malformed JSON path, an integer overflow.
      throw this.#readError(cause, where, matching, view)
    } finally {
      this.#reading.delete(rows)
    }
  }

  #readError(cause: unknown, where: string | undefined, matching: string | undefined, view: string): unknown {
    if (where === undefined && matching !== undefined) return this.#readError(cause, matching, undefined, 'record')
    const code = systemCodeOf(cause)
    // A parameter (`?`, `:name`) that nobody binds.
    if (where !== undefined && (cause instanceof TypeError || cause instanceof RangeError)) return conditionError(where, cause, [])
    if (code?.startsWith('SQLITE_') !== true) return cause
    if (/no such table/.test(reasonOf(cause))) return new WiretapeError('storage', `${this.path} was recorded before wiretape kept ${view}: it has none`, { cause })
    if (code === 'SQLITE_ERROR' && where !== undefined) return conditionError(where, cause, this.#columns(view))
    return new WiretapeError('storage', `cannot read ${this.path}: ${reasonOf(cause)}`, { cause })
  }

  *#pieces(exchangeId: number, side: Side, leg: 'received' | 'sent', kinds: readonly string[]): Generator<RecordedPiece> {
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

  *#streamPieces(connectionId: number, direction: Direction, leg: 'received' | 'sent'): Generator<RecordedPiece> {
    // The same order twice: by the index where there is one, else by the table itself. Any other would have the whole stream sorted before its first byte.
    const order = this.#indexed() ? '"offset", id' : 'id'
    const rows = (which: 'received' | 'sent'): Generator => this.#rows(
      `SELECT * FROM segment WHERE connection_id = ? AND direction = ? AND leg = '${which}' ORDER BY ${order}`, connectionId, direction)
    yield* leg === 'received' ? asReceived(rows('received')) : asSent(rows('received'), rows('sent'))
  }

  #pause(which: string, ...parameters: unknown[]): number {
    return this.#database.prepare(
      `SELECT coalesce(max(pause), 0) FROM (SELECT time - lag(time) OVER (ORDER BY id) AS pause FROM segment WHERE ${which} AND direction = 'down' AND leg = 'received')`)
      .pluck().get(...parameters) as number
  }

  /** Rows of a query, that `close` can end. */
  #rows(sql: string, ...parameters: (string | number)[]): Generator {
    return this.#read(sql, false, parameters)
  }

  /** The same, each an array. */
  #rawRows(sql: string, ...parameters: (string | number)[]): Generator {
    return this.#read(sql, true, parameters)
  }

  /** The query is one of a few: to prepare it costs more than to read a message's rows. */
  *#read(sql: string, raw: boolean, parameters: readonly (string | number)[]): Generator {
    let free = this.#free.get(sql)
    if (free === undefined) this.#free.set(sql, free = [])
    const statement = free.pop() ?? this.#database.prepare(sql).raw(raw)
    const rows = statement.iterate(...parameters)
    this.#reading.add(rows)
    try {
      yield* rows
    } finally {
      this.#reading.delete(rows)
      if (free.length < mostFree) free.push(statement)
    }
  }

  /** Recording ended in order, and the secondary indexes were built. */
  #indexed(): boolean {
    return this.#database.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'segment_by_connection'`).get() !== undefined
  }

  #row(sql: string, id: number): Row | undefined {
    let statement = this.#single.get(sql)
    if (statement === undefined) this.#single.set(sql, statement = this.#database.prepare(sql))
    return statement.get(id) as Row | undefined
  }

  #columns(view: string): string[] {
    return this.#database.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(view) as string[]
  }
}

function* bytesOf(pieces: Iterable<RecordedPiece>): Generator<Buffer> {
  for (const { bytes } of pieces) yield bytes
}

function checkId(id: number): number {
  if (!Number.isSafeInteger(id) || id < 0) throw new WiretapeError('usage', `${id} is not an id: wiretape ls lists them`)
  return id
}
