import type { ConnectionRecord } from '../../recording/rows.js'
import { MaskedPlaces, untoldMasks } from '../masked-places.js'
import type { SenderOptions } from './sender.js'

/** A connection, or a session, that is to be repeated. */
export interface PlannedConnection {
  readonly id: number
  readonly endReason: string | null
  /** Bytes that the server said. */
  readonly bytesDown: number
  /** Whether the end was recorded: `over` is that then. */
  readonly ended: boolean
  /** µs, as recorded. */
  readonly began: number
  readonly over: number
}

/** The recorded connections in their order, without those that can't be repeated, which are told of. */
export function planConnections({ recording, chosen, settings, run }: SenderOptions): PlannedConnection[] {
  const planned: PlannedConnection[] = []
  const places = new MaskedPlaces(recording, 'up')
  const untold = untoldMasks(recording)
  if (untold !== null) run.notes.push(untold)
  for (const connection of recording.connections(settings.where === undefined ? {} : { where: settings.where })) {
    if (!chosen.connections.has(connection.id)) continue
    const reason = whyNot(connection) ?? (settings.sendMasked ? null : masked(connection, places))
    if (reason !== null) run.skip({ id: connection.id, asked: `connection of ${connection.bytesUp} bytes`, reason })
    else planned.push({ id: connection.id, endReason: connection.endReason, bytesDown: connection.bytesDown, ended: connection.closed !== null, began: connection.opened, over: connection.closed ?? connection.opened })
  }
  return planned
}

function whyNot({ droppedUp, endReason }: ConnectionRecord): string | null {
  if (droppedUp > 0) return `${droppedUp} bytes of what the client sent weren't recorded: the disk was too slow`
  return endReason === 'connect failed' ? 'it never reached its server' : null
}

function masked({ id }: ConnectionRecord, places: MaskedPlaces): string | null {
  if (!places.any(id)) return null
  const [first] = places.received(id)
  return `what its client said has a masked value${first === undefined ? '' : ` (at offset ${first[0]})`}`
}
