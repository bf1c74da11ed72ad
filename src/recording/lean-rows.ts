import type { Queries } from './queries.js'

/*
 * The few columns by which `serve` looks for what it plays: of a million records, all of them would be too much.
 */

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

/**
 * What was asked for over these relays, in its order: the little of each exchange by which it is looked for.
 * @param path null for all paths.
 */
export function* requestLines(queries: Queries, relays: readonly number[], path: string | null): Generator<RequestLine> {
  const rows = queries.rawRows(
    `SELECT e.id, e.method, e.path, e.query, e.request_body_size, e.error, e.status, e.ended FROM http_exchange_row e JOIN connection c ON c.id = e.connection_id
     WHERE c.relay_id IN (${relays.map(Number).join(', ')}) ${path === null ? '' : 'AND e.path = ?'} ORDER BY e.id`, ...(path === null ? [] : [path]))
  for (const row of rows) {
    const [id, method, own, query, bodySize, error, status, ended] = row as readonly [number, string | null, string | null, string | null, number, string | null, number | null, number | null]
    yield { id, method, path: own, query, bodySize, error, status, ended: ended !== null }
  }
}

/** Paths that were asked for over these relays: those that come just before and after one in the order of their letters, so many each way. */
export function pathsAround(queries: Queries, relays: readonly number[], path: string, most: number): readonly string[] {
  const those = (condition: 'before' | 'after'): string[] =>
    queries.database.prepare(
      `SELECT DISTINCT path FROM http_exchange_row WHERE path ${condition === 'before' ? '<' : '>='} ? AND (SELECT relay_id FROM connection WHERE id = connection_id) IN (${relays.map(Number).join(', ')})
       ORDER BY path ${condition === 'before' ? 'DESC' : ''} LIMIT ${Math.floor(most)}`).pluck().all(path) as string[]
  return [...those('after'), ...those('before')]
}

/** The little of each connection of these relays by which it is played again, in their order: the first so many after one. */
export function streamEnds(queries: Queries, relays: readonly number[], protocol: string, after: number, most: number): readonly StreamEnds[] {
  // Recordings from before there were plugins have nothing that was changed.
  const changed = queries.columns('connection').includes('changed') ? 'changed' : '0'
  const rows = queries.database.prepare(
    `SELECT id, end_reason, coalesce(connected, opened), closed, bytes_up, bytes_down, ${changed}, dropped_up + dropped_down FROM connection
     WHERE id > ? AND protocol = ? AND parent_id IS NULL AND relay_id IN (${relays.map(Number).join(', ')}) ORDER BY id LIMIT ?`).raw().all(after, protocol, most) as readonly StreamEndsColumns[]
  return rows.map(([id, endReason, began, closed, bytesUp, bytesDown, wasChanged, dropped]) => ({ id, endReason, began, closed, bytesUp, bytesDown, changed: wasChanged === 1, dropped }))
}
