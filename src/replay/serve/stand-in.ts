import type { Address } from '../../recording/notes.js'
import type { Recording } from '../../recording/recording.js'
import type { Pace } from '../pace.js'
import type { HttpServeSettings } from './http/settings.js'
import type { Miss } from './miss.js'
import type { TcpMatching } from './tcp/match.js'

/** What becomes of the next one that asks when all recorded answers have been given: the last again, the first again, or a miss. */
export type After = 'repeat' | 'cycle' | 'miss'

/** What a server that stands in for a recorded one is made with. */
export interface StandInOptions {
  readonly recording: Recording
  /** Ids of the recorded relays that it stands behind: one target may have been recorded by several. */
  readonly relays: readonly number[]
  readonly listen: Address
  /** Whom it stands in for. */
  readonly target: string
  readonly pace: Pace
  readonly after: After
  readonly http: HttpServeSettings
  readonly tcp: TcpMatching
  /** Called for each answer, transfer or datagram that was given. */
  readonly onServed: () => void
  readonly onMiss: (miss: Miss) => void
  /** What goes wrong with a connection and isn't the client's doing. */
  readonly onProblem: (message: string) => void
}

/** A server that stands in for a recorded one, bound and answering. */
export interface StandIn {
  readonly address: Address
  /** Takes no more connections, and ends those that are open. Resolves when they are gone. */
  close(): Promise<void>
}

/** @throws WiretapeError `bind`, or `usage` where the recording has nothing for it. */
export type StartStandIn = (options: StandInOptions) => Promise<StandIn>
