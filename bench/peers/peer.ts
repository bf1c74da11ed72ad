import type { Session } from '../bench.js'
import type { Program } from '../programs.js'

/** One way from a client to the origin server. */
export interface Peer {
  readonly name: string
  /** What has to be installed for it, if anything. */
  readonly program: Program | null
  /** @param origin the port on which the origin server listens. */
  start(session: Session, origin: number): Promise<RunningPeer>
}

export interface RunningPeer {
  readonly port: number
  /** Where it isn't the loopback address that all the others have. */
  readonly host?: string
  stop(): Promise<Traces>
}

/** What a peer leaves behind that is worth looking at. */
export interface Traces {
  /** wiretape's recording, complete. The one who stopped the peer discards it. */
  readonly recording: string | null
  /** Bytes of memory at the most. */
  readonly peakMemory: number | null
}

export const noTraces: Traces = { recording: null, peakMemory: null }
