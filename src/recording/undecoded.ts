import type { Queries } from './queries.js'
import type { HttpExchange } from './rows.js'

/** Bytes each way. */
export interface Undecoded {
  readonly up: number
  readonly down: number
}

/**
 * How much came on an exchange's connection that no decoder reads because of it: another protocol that it switched to, or what could not be read.
 * Most exchanges tell by themselves that there is none: the wire isn't looked at.
 */
export function undecodedAfter(queries: Queries, { id, connectionId, method, status, error }: HttpExchange): Undecoded {
  // RFC 9110 §15.2.2 and §9.3.6.
  const switches = status === 101 || (method === 'CONNECT' && status !== null && status >= 200 && status < 300)
  const size = { up: 0, down: 0 }
  if (error === null && !switches) return size
  // What was given to no exchange came when a head that was begun turned out to be none.
  const rows = queries.rawRows(
    `SELECT direction, sum(length(bytes)) FROM segment
     WHERE connection_id = ? AND leg = 'received' AND kind = 'opaque' AND (message_id = ? OR message_id IS NULL) GROUP BY direction`, connectionId, id)
  for (const row of rows) {
    const [direction, bytes] = row as readonly ['up' | 'down', number]
    size[direction] = bytes
  }
  return size
}
