import type { Direction } from '../protocols/decoder.js'
import { firstHeader } from '../protocols/http1/index.js'
import type { Queries } from './queries.js'
import { readConnection, readExchange } from './read-rows.js'
import type { Side } from './recorded-bytes.js'
import type { HttpExchange } from './rows.js'

/** Bytes of one direction of a connection that passed, and aren't in the recording. */
export interface MissingBytes {
  readonly direction: Direction
  /** How many, in one gap or several. */
  readonly bytes: number
  /** Where in the stream the first of them was. */
  readonly offset: number
}

/**
 * What is missing in the bytes of a connection, an exchange, a transfer or a session.
 * @param side only of what the client said, or the server; of a transfer, which has one direction, both words mean that.
 */
export function missingOf(queries: Queries, id: number, side: Side | undefined): MissingBytes[] {
  const directions = side === undefined ? ['up', 'down'] as const : [directionOf(side)]
  const exchange = queries.row('SELECT * FROM http_exchange WHERE id = ?', id)
  if (exchange !== undefined) return missingOfExchange(queries, readExchange(exchange), directions)
  const transfer = queries.row('SELECT connection_id, direction FROM ftp_transfer WHERE id = ?', id)
  if (transfer !== undefined) return missingOfStreams(queries, transfer['connection_id'] as number | null, [transfer['direction'] as Direction])
  const session = queries.row('SELECT connection_id FROM ftp_session WHERE id = ?', id)
  return missingOfStreams(queries, session?.['connection_id'] as number | undefined ?? id, directions)
}

function directionOf(side: Side): Direction {
  return side === 'request' ? 'up' : 'down'
}

function missingOfStreams(queries: Queries, connectionId: number | null, directions: readonly Direction[]): MissingBytes[] {
  const row = connectionId === null ? undefined : queries.row('SELECT * FROM connection WHERE id = ?', connectionId)
  if (row === undefined) return []
  const { droppedUp, droppedDown } = readConnection(row)
  return directions.flatMap((direction) => {
    const bytes = direction === 'up' ? droppedUp : droppedDown
    if (bytes === 0) return []
    const first = queries.row(`SELECT min("offset") AS "offset" FROM event WHERE connection_id = ? AND kind = 'dropped' AND direction = '${direction}'`, connectionId!)
    return [{ direction, bytes, offset: first?.['offset'] as number | null ?? 0 }]
  })
}

/** From the first gap on, either way, a connection's bytes are in no message: it has cut what was under way, and nothing before that. */
function missingOfExchange(queries: Queries, exchange: HttpExchange, directions: readonly Direction[]): MissingBytes[] {
  if (exchange.error === null) return []
  const missing = missingOfStreams(queries, exchange.connectionId, ['up', 'down'])
  const cutsAnswer = directions.includes('down')
  const cutsRequest = directions.includes('up') && !requestIsWhole(exchange)
  return missing.filter(({ direction }) => direction === 'up' ? cutsRequest || cutsAnswer : cutsAnswer)
}

/** As far as its head tells. */
function requestIsWhole({ requestHeaders, requestBodySize }: HttpExchange): boolean {
  return firstHeader(requestHeaders, 'transfer-encoding') === undefined && Number(firstHeader(requestHeaders, 'content-length') ?? 0) === requestBodySize
}
