import type { Recording } from './recording.js'
import type { TimelineRecord } from './rows.js'

/** What an id names, as far as it says where to look further. */
export type NamedRecord = Pick<TimelineRecord, 'id' | 'kind' | 'protocol'>

/**
 * What an id names: a record of the timeline, or a connection, also one that isn't in it because messages tell its story.
 * @throws WiretapeError `not-found`.
 */
export function namedRecord(recording: Recording, id: number): NamedRecord {
  const [connection] = recording.connections({ where: `id = ${id}` })
  return connection === undefined ? recording.record(id) : { id, kind: 'connection', protocol: connection.protocol }
}
