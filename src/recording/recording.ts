import { existsSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import type Sqlite from 'better-sqlite3'
import { WiretapeError, reasonOf } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import {
  readCommand, readConnection, readDatagram, readDnsAnswer, readDnsQuery, readEvent, readExchange, readListingEntry, readRecord, readReply, readSegment, readSession,
  readTransfer, recordAsJson, recordColumns,
} from './read-rows.js'
import type { Row } from './read-rows.js'
import type { RecordedPiece } from './legs.js'
import { tellDamage } from './damage.js'
import { checkWord } from './known-options.js'
import { missingOf } from './missing-bytes.js'
import type { MissingBytes } from './missing-bytes.js'
import { FtpRows } from './ftp-rows.js'
import { pathsAround, requestLines, streamEnds } from './lean-rows.js'
import type { RequestLine, StreamEnds } from './lean-rows.js'
import { openToRead } from './open-database.js'
import { Queries } from './queries.js'
import type { Selection } from './queries.js'
import { RecordedBytes } from './recorded-bytes.js'
import type { Side } from './recorded-bytes.js'
import { newestRecording } from './recording-path.js'
import type {
  ConnectionRecord, DnsAnswer, DnsQuery, EventRecord, FtpCommandRecord, FtpListingEntry, FtpReply, FtpSession, FtpTransferRecord, HttpExchange, Segment,
  TimelineRecord, UdpDatagram,
} from './rows.js'
import { checkVersion } from './schema-version.js'
import { StreamPlaces } from './stream-places.js'
import type { StreamSegment } from './stream-places.js'
import { undecodedAfter } from './undecoded.js'
import type { Undecoded } from './undecoded.js'
import { isRunning } from './writer-process.js'

export type { Selection } from './queries.js'
export type { Side } from './recorded-bytes.js'
export type { RequestLine, StreamEnds } from './lean-rows.js'

/** A relay that recorded into the file. */
export interface RecordedRelay {
  readonly id: number
  readonly protocol: string
  /** `host:port`, as does `target`; for HTTP that is a URL. */
  readonly listen: string
  readonly target: string
}

/**
 * Opens a recording for reading, also one that is being written.
 * @param path the newest in `recordings/` where absent.
 * @throws WiretapeError `not-found`, `not-a-recording`, `newer-recording` or `storage`.
 */
export function openRecording(path: string = newestRecording()): Recording {
  if (typeof path !== 'string') throw new WiretapeError('usage', `openRecording: expected the path of a recording, not ${inspect(path)}`)
  if (!existsSync(path)) throw new WiretapeError('not-found', `there is no ${path}`)
  if (!statSync(path).isFile()) throw new WiretapeError('not-a-recording', `${path} is not a file: name a recording`)
  let database: Sqlite.Database
  try {
    database = openToRead(path)
  } catch (cause) {
    if (cause instanceof WiretapeError) throw cause
    throw new WiretapeError('storage', `cannot open ${path}: ${reasonOf(cause)}`, { cause })
  }
  try {
    checkVersion(database, path)
    tellDamage(database, path)
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
  readonly #queries: Queries
  readonly #bytes: RecordedBytes
  #places: StreamPlaces | null = null
  #summary: Sqlite.Statement | null = null

  /** Use `openRecording`. */
  constructor(path: string, database: Sqlite.Database) {
    this.path = path
    this.#database = database
    this.#queries = new Queries(path, database)
    this.#bytes = new RecordedBytes(path, this.#queries)
    database.pragma('query_only = ON')
    database.pragma('mmap_size = 2147418112')
  }

  /** The timeline, in the order in which things began. */
  records(selection: Selection = {}): IterableIterator<TimelineRecord> {
    return this.#queries.select('record', recordColumns, selection, readRecord, true)
  }

  /** The same, each as the text of a JSON object. It has what the wire had: escape it before it reaches a terminal. */
  recordsAsJson(selection: Selection = {}): IterableIterator<string> {
    return this.#queries.select('record', recordAsJson, selection, ([json]: readonly [string]) => json, true)
  }

  exchanges(selection: Selection = {}): IterableIterator<HttpExchange> {
    return this.#queries.select('http_exchange', '*', selection, readExchange)
  }

  /**
   * What was asked for over these relays, in its order: the little of each exchange by which it is looked for.
   * @param path null for all paths.
   */
  requestLines(relays: readonly number[], path: string | null): Generator<RequestLine> {
    return requestLines(this.#queries, relays, path)
  }

  /** Paths that were asked for over these relays: those that come just before and after one in the order of their letters, so many each way. */
  pathsAround(relays: readonly number[], path: string, most: number): readonly string[] {
    return pathsAround(this.#queries, relays, path, most)
  }

  connections(selection: Selection = {}): IterableIterator<ConnectionRecord> {
    return this.#queries.select('connection', '*', selection, readConnection)
  }

  /** The little of each connection of these relays by which it is played again, in their order: the first so many after one. */
  streamEnds(relays: readonly number[], protocol: string, after: number, most: number): readonly StreamEnds[] {
    return streamEnds(this.#queries, relays, protocol, after, most)
  }

  events(selection: Selection = {}): IterableIterator<EventRecord> {
    return this.#queries.select('event', '*', selection, readEvent)
  }

  ftpSessions(selection: Selection = {}): IterableIterator<FtpSession> {
    return this.#queries.select('ftp_session', '*', selection, readSession)
  }

  ftpCommands(selection: Selection = {}): IterableIterator<FtpCommandRecord> {
    return this.#queries.select('ftp_command', '*', selection, readCommand)
  }

  /** Every reply with its time, preliminary ones too. */
  ftpReplies(selection: Selection = {}): IterableIterator<FtpReply> {
    return this.#queries.select('ftp_reply', 'command_id, time, code, text', selection, readReply)
  }

  ftpTransfers(selection: Selection = {}): IterableIterator<FtpTransferRecord> {
    return this.#queries.select('ftp_transfer', '*', selection, readTransfer)
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

  /**
   * What a transfer carried, read from the file as it is consumed.
   * @param leg `received`, or `sent` for what went on, with what was changed.
   * @throws WiretapeError `not-found`.
   */
  transferBody(transferId: number, leg: 'received' | 'sent' = 'received'): Readable {
    const row = this.#queries.row('SELECT connection_id, direction FROM ftp_transfer WHERE id = ?', checkId(transferId))
    if (row === undefined) throw new WiretapeError('not-found', `there is no FTP transfer ${transferId} in ${this.path}`)
    if (row['connection_id'] === null) return Readable.from([])
    return this.stream(row['connection_id'] as number, row['direction'] as Direction, leg)
  }

  /** Bytes that went on of transfers that were `changed`, by their ids: fewer than came where a plugin cut them. */
  bytesSent(transfers: readonly FtpTransferRecord[]): ReadonlyMap<number, number> {
    const changed = transfers.filter((transfer) => transfer.changed && transfer.connectionId !== null)
    if (changed.length === 0) return new Map()
    const rows = this.#database.prepare(
      `SELECT connection_id, direction, sum(length(bytes) - coalesce(replaces, 0)) FROM segment
       WHERE leg = 'sent' AND connection_id IN (${changed.map(({ connectionId }) => connectionId).join(', ')}) GROUP BY connection_id, direction`).raw().all() as [number, Direction, number][]
    const more = new Map(rows.map(([connectionId, direction, bytes]) => [`${connectionId} ${direction}`, bytes]))
    return new Map(changed.map(({ id, connectionId, direction, bytes }) => [id, bytes + (more.get(`${connectionId} ${direction}`) ?? 0)]))
  }

  /** Datagrams with their bytes. @param selection where over `id, connection_id, direction, time, size, changed, bytes`. */
  datagrams(selection: Selection = {}): IterableIterator<UdpDatagram> {
    // Recordings from before there were plugins have nothing that was changed.
    const changed = this.#queries.columns('udp_datagram').includes('changed') ? 'd.changed' : '0 AS changed'
    return this.#queries.select(
      `(SELECT d.id, d.connection_id, d.direction, d.time, d.size, ${changed}, s.bytes FROM udp_datagram d JOIN segment s ON s.id = d.segment_id)`, '*',
      selection, readDatagram)
  }

  dnsQueries(selection: Selection = {}): IterableIterator<DnsQuery> {
    return this.#queries.select('dns_query', '*', selection, readDnsQuery)
  }

  /** What answered a query: the records of every section, in their order. */
  dnsAnswers(queryId: number): DnsAnswer[] {
    return (this.#database.prepare(
      'SELECT section, name, type, class, ttl, data FROM dns_answer WHERE query_id = ? ORDER BY position').all(checkId(queryId)) as Row[])
      .map(readDnsAnswer)
  }

  /** The wire itself. @param selection where over `segment`. */
  segments(selection: Selection = {}): IterableIterator<Segment> {
    return this.#queries.select('segment', '*', selection, readSegment)
  }

  /** @throws WiretapeError `not-found`. */
  record(id: number): TimelineRecord {
    const [found] = this.records({ where: `id = ${checkId(id)}`, limit: 1 })
    if (found !== undefined) return found
    const connection = this.#queries.row('SELECT * FROM connection WHERE id = ?', id)
    const event = this.#queries.row('SELECT * FROM event WHERE id = ?', id)
    const what = connection !== undefined ? `: ${id} is a connection whose messages are the records (--where "connection_id = ${id}"; wiretape show ${id} shows it)`
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

  /** Id of the last one that is there yet; 0 where there is none. */
  newestExchange(): number {
    return this.#database.prepare('SELECT coalesce(max(id), 0) FROM http_exchange_row').pluck().get() as number
  }

  /** The exchange of a connection that began last. */
  lastExchange(connectionId: number): HttpExchange | null {
    const row = this.#queries.row('SELECT * FROM http_exchange WHERE id = (SELECT max(id) FROM http_exchange_row WHERE connection_id = ?)', checkId(connectionId))
    return row === undefined ? null : readExchange(row)
  }

  /** @throws WiretapeError `not-found`. */
  exchange(id: number): HttpExchange {
    const row = this.#queries.row('SELECT * FROM http_exchange WHERE id = ?', checkId(id))
    if (row === undefined) throw new WiretapeError('not-found', `there is no HTTP exchange ${id} in ${this.path}`)
    return readExchange(row)
  }

  /** How much came on an exchange's connection that no decoder reads because of it: another protocol that it switched to, or what could not be read. */
  undecodedAfter(exchange: HttpExchange): Undecoded {
    return undecodedAfter(this.#queries, exchange)
  }

  /** @throws WiretapeError `not-found`. */
  connection(id: number): ConnectionRecord {
    const row = this.#queries.row('SELECT * FROM connection WHERE id = ?', checkId(id))
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
    return Readable.from(bytesOf(this.bodyPieces(exchangeId, side, leg)), { objectMode: false })
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
    return this.#bytes.pieces(checkId(exchangeId), checkSide(side), checkLeg(leg), ['body'])
  }

  /**
   * All of an exchange on the wire, both directions and both legs, in the order in which it was recorded. Made for many exchanges one after
   * another: the query is prepared once. All is held in memory: for exchanges that are known to be small.
   */
  exchangeSegments(exchangeId: number): readonly Segment[] {
    return this.#bytes.exchangeSegments(checkId(exchangeId))
  }

  /** A message's head, as bytes: heads are small. Informational responses' heads come first. */
  head(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Buffer {
    return Buffer.concat([...bytesOf(this.#bytes.pieces(checkId(exchangeId), checkSide(side), checkLeg(leg), ['head']))])
  }

  /** A message as by `message`, piece by piece as it came. To be read without waiting in between, or to be ended by `return()`. */
  messagePieces(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Generator<RecordedPiece> {
    return this.#bytes.pieces(checkId(exchangeId), checkSide(side), checkLeg(leg), ['head', 'body', 'framing'])
  }

  /**
   * The same for a message that may be large and is read over a long time: each few pieces by a query of their own, so that no read stays open
   * in between. One that was changed is read in one go, as by `messagePieces`.
   */
  messageInSlices(exchangeId: number, side: Side, leg: 'received' | 'sent' = 'received'): Generator<RecordedPiece> {
    return this.exchange(exchangeId).changed ? this.messagePieces(exchangeId, side, leg) : this.#bytes.messageInSlices(exchangeId, side)
  }

  /** µs that passed at most between two pieces of an answer's bytes. */
  longestPause(exchangeId: number): number {
    return this.#bytes.longestPauseIn(checkId(exchangeId))
  }

  /** The same of what came down a connection. */
  longestPauseOn(connectionId: number): number {
    return this.#bytes.longestPauseOn(checkId(connectionId))
  }

  /** µs: when the last bytes of a connection came; null where it had none, and in a recording that has no index, where finding out takes a look at all of it. */
  lastSaidOn(connectionId: number): number | null {
    return this.#bytes.lastSaidOn(checkId(connectionId))
  }

  /** A stream as by `stream`, piece by piece as it came. */
  streamPieces(connectionId: number, direction: Direction, leg: 'received' | 'sent' = 'received'): Generator<RecordedPiece> {
    return this.#bytes.streamPieces(checkId(connectionId), checkDirection(direction), checkLeg(leg))
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
    return Readable.from(bytesOf(this.streamPieces(connectionId, direction, leg)), { objectMode: false })
  }

  /**
   * What passed of a connection, an exchange or a transfer, and isn't in its bytes: the disk was too slow, or a capture doesn't have it. Empty where
   * they are whole.
   * @param side only of what the client said, or the server.
   */
  missing(id: number, side?: Side): readonly MissingBytes[] {
    return missingOf(this.#queries, checkId(id), side === undefined ? undefined : checkSide(side))
  }

  /**
   * Facts of the run: `started`, `seed`, `writer` (a process id, while it is being recorded), `finished` where recording ended in order, and `masked` with the
   * plugins that kept secrets out. Runs that appended have `started.2`, `seed.2` and so on. `masks` is `told` where each place that they masked has an event.
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
    this.#queries.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function* bytesOf(pieces: Iterable<RecordedPiece>): Generator<Buffer> {
  for (const { bytes } of pieces) yield bytes
}

function checkId(id: number): number {
  if (!Number.isSafeInteger(id) || id < 0) throw new WiretapeError('usage', `${inspect(id)} is not an id: wiretape ls lists them`)
  return id
}

function checkSide(side: Side): Side {
  checkWord('side', ['request', 'response'], side)
  return side
}

function checkLeg(leg: 'received' | 'sent'): 'received' | 'sent' {
  checkWord('leg', ['received', 'sent'], leg)
  return leg
}

function checkDirection(direction: Direction): Direction {
  checkWord('direction', ['up', 'down'], direction)
  return direction
}
