import type { Recording } from '../../recording/recording.js'

/** One of the recordings that are compared, and which of it counts. */
export interface RecordedSide {
  readonly recording: Recording
  /** Ids of connections that count; null for all. */
  readonly connections: ReadonlySet<number> | null
  /** Ids of the records that count (HTTP exchanges, connections, FTP sessions); null for all. */
  readonly only: ReadonlySet<number> | null
  /**
   * What a request is known by again. A recording of a server's traffic has what the server got (`sent`); one that `sendRecording` made has what was
   * sent there (`received`), as plugins may have changed it since: a token, a time.
   */
  readonly asked: 'received' | 'sent'
  /** Of which it has connections. Of others nothing may be asked: recordings of earlier versions have no tables for them. */
  readonly protocols: ReadonlySet<string>
}

/** The fact that `sendRecording` leaves in the recordings it makes: what they repeat. */
export const repeatsFact = 'repeats'

export function wholeSide(recording: Recording): RecordedSide {
  return { recording, connections: null, only: null, asked: recording.facts()[repeatsFact] === undefined ? 'sent' : 'received', protocols: protocolsOf(recording) }
}

const protocols = ['http', 'tcp', 'udp', 'ftp'] as const

export function protocolsOf(recording: Recording): ReadonlySet<string> {
  return new Set(protocols.filter((protocol) => [...recording.connections({ where: `protocol = '${protocol}' AND parent_id IS NULL`, limit: 1 })].length > 0))
}
