import { WiretapeError } from '../../error.js'
import type { Recording, Side } from '../../recording/recording.js'
import { answerSupplied, wentOut } from '../../recording/udp/went-out.js'
import type { Leg } from './exchange-wire.js'

export interface RawChoice {
  /** Of a connection, an exchange, a transfer, a datagram or a DNS query. */
  readonly id: number
  /** Of an exchange: this body alone. Of a connection: this direction alone, `request` being what the client said. */
  readonly body: Side | undefined
  readonly leg: Leg
}

/**
 * Exact bytes: of a connection both directions, one after the other, or one; of an exchange its messages as they were on the wire, or a body.
 * @throws WiretapeError `usage` or `not-found`.
 */
export function* rawPieces(recording: Recording, { id, body, leg }: RawChoice): Generator<Buffer> {
  const sides: readonly Side[] = body === undefined ? ['request', 'response'] : [body]
  const [connection] = recording.connections({ where: `id = ${id}` })
  if (connection !== undefined) {
    for (const side of sides) yield* bytesOf(recording.streamPieces(id, side === 'request' ? 'up' : 'down', leg))
    return
  }
  const { kind } = recording.record(id)
  switch (kind) {
    case 'exchange':
      for (const side of sides) yield* bytesOf(body === undefined ? recording.messagePieces(id, side, leg) : recording.bodyPieces(id, side, leg))
      return
    case 'transfer': {
      const [transfer] = recording.ftpTransfers({ where: `id = ${id}` })
      if (transfer!.connectionId !== null) yield* bytesOf(recording.streamPieces(transfer!.connectionId, transfer!.direction, leg))
      return
    }
    case 'datagram':
      yield* datagrams(recording, [id], leg)
      return
    case 'query': {
      const [query] = recording.dnsQueries({ where: `id = ${id}` })
      const ids = sides.map((side) => side === 'request' ? query!.datagramId : query!.answerDatagramId).filter((one) => one !== null)
      yield* datagrams(recording, ids, leg)
      if (leg === 'sent' && sides.includes('response')) yield* answerSupplied(recording, query!)
      return
    }
    default:
      throw new WiretapeError('usage', `record ${id} is a ${kind}: raw gives the bytes of a connection, an exchange, a transfer, a datagram or a query; its connection is ${recording.record(id).connectionId}`)
  }
}

function* datagrams(recording: Recording, ids: readonly number[], leg: Leg): Generator<Buffer> {
  for (const datagram of recording.datagrams({ where: `id IN (${ids.join(', ')})` })) yield* leg === 'sent' ? wentOut(recording, datagram) : [datagram.bytes]
}

function* bytesOf(pieces: Iterable<{ readonly bytes: Buffer }>): Generator<Buffer> {
  for (const { bytes } of pieces) yield bytes
}
