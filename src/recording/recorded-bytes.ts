import type Sqlite from 'better-sqlite3'
import { WiretapeError } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import { asReceived, asSent } from './legs.js'
import type { RecordedPiece } from './legs.js'
import type { Queries } from './queries.js'
import { readBareSegment, segmentColumns } from './read-rows.js'
import type { Segment } from './rows.js'

export type Side = 'request' | 'response'

/** What is on the wire, put together from the segments: messages and streams. */
export class RecordedBytes {
  readonly #path: string
  readonly #queries: Queries
  #exchangeSegments: Sqlite.Statement | null = null
  #lastSaid: Sqlite.Statement | null = null

  constructor(path: string, queries: Queries) {
    this.#path = path
    this.#queries = queries
  }

  /** @param kinds of the segments that are wanted. @throws WiretapeError `not-found`. */
  *pieces(exchangeId: number, side: Side, leg: 'received' | 'sent', kinds: readonly string[]): Generator<RecordedPiece> {
    const exchange = this.#queries.row('SELECT connection_id, first_segment, last_segment FROM http_exchange WHERE id = ?', exchangeId)
    if (exchange === undefined) throw new WiretapeError('not-found', `there is no HTTP exchange ${exchangeId} in ${this.#path}`)
    if (exchange['first_segment'] === null) return
    // The ids bound the search where there is no index yet, in a recording still open or cut off.
    const rows = (which: 'received' | 'sent'): Generator => this.#queries.rows(
      `SELECT * FROM segment WHERE id BETWEEN ? AND ? AND +message_id = ? AND direction = ? AND leg = '${which}'
       ${which === 'received' ? `AND kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')})` : ''} ORDER BY id`,
      exchange['first_segment'] as number, exchange['last_segment'] as number, exchangeId, side === 'request' ? 'up' : 'down')
    yield* leg === 'received' ? asReceived(rows('received')) : asSent(rows('received'), rows('sent'), kinds)
  }

  *streamPieces(connectionId: number, direction: Direction, leg: 'received' | 'sent'): Generator<RecordedPiece> {
    // The same order twice: by the index where there is one, else by the table itself. Any other would have the whole stream sorted before its first byte.
    const order = this.#queries.indexed() ? '"offset", id' : 'id'
    const rows = (which: 'received' | 'sent'): Generator => this.#queries.rows(
      `SELECT * FROM segment WHERE connection_id = ? AND direction = ? AND leg = '${which}' ORDER BY ${order}`, connectionId, direction)
    yield* leg === 'received' ? asReceived(rows('received')) : asSent(rows('received'), rows('sent'))
  }

  /** All segments of an exchange, in the order in which they were recorded. */
  exchangeSegments(exchangeId: number): readonly Segment[] {
    if (this.#exchangeSegments === null) {
      // Without the index, in a recording still open or cut off, the ids of its first and last segment bound the search.
      const place = this.#queries.indexed() ? 'message_id = :id'
        : '+message_id = :id AND id BETWEEN (SELECT first_segment FROM http_exchange_row WHERE id = :id) AND (SELECT last_segment FROM http_exchange_row WHERE id = :id)'
      this.#exchangeSegments = this.#queries.database.prepare(`SELECT ${segmentColumns} FROM segment WHERE ${place} ORDER BY id`).raw()
    }
    return (this.#exchangeSegments.all({ id: exchangeId }) as never[]).map(readBareSegment)
  }

  /** A message as it came, each few pieces by a query of their own. */
  *messageInSlices(exchangeId: number, side: Side): Generator<RecordedPiece> {
    const bounds = this.#queries.row('SELECT first_segment, last_segment FROM http_exchange WHERE id = ?', exchangeId)!
    const slice = this.#queries.database.prepare(
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
  longestPauseIn(exchangeId: number): number {
    const bounds = this.#queries.row('SELECT first_segment, last_segment FROM http_exchange WHERE id = ?', exchangeId)
    return this.#pause('id BETWEEN ? AND ? AND +message_id = ?', bounds?.['first_segment'] ?? 0, bounds?.['last_segment'] ?? -1, exchangeId)
  }

  /** The same of what came down a connection. */
  longestPauseOn(connectionId: number): number {
    return this.#pause('connection_id = ?', connectionId)
  }

  /** µs: when the last bytes came from either side; null where none did, and where there is no index to find them by. */
  lastSaidOn(connectionId: number): number | null {
    if (!this.#queries.indexed()) return null
    const last = (direction: Direction): string => `SELECT * FROM (SELECT time FROM segment WHERE connection_id = :id AND direction = '${direction}' ORDER BY "offset" DESC LIMIT 1)`
    this.#lastSaid ??= this.#queries.database.prepare(`SELECT max(time) FROM (${last('up')} UNION ALL ${last('down')})`).pluck()
    return this.#lastSaid.get({ id: connectionId }) as number | null
  }

  #pause(which: string, ...parameters: unknown[]): number {
    return this.#queries.database.prepare(
      `SELECT coalesce(max(pause), 0) FROM (SELECT time - lag(time) OVER (ORDER BY id) AS pause FROM segment WHERE ${which} AND direction = 'down' AND leg = 'received')`)
      .pluck().get(...parameters) as number
  }
}
