import type { Recording } from '../../../recording/recording.js'
import type { Pace } from '../../pace.js'
import type { Miss } from '../miss.js'
import type { AnswerCache } from './answer-cache.js'
import type { Forwarder } from './forwarder.js'
import type { RecordedRequests } from './recorded-requests.js'
import type { HttpServeSettings } from './settings.js'
import type { Tunnels } from './tunnels.js'

/** What the connections of one listener share. */
export interface Site {
  readonly recording: Recording
  readonly relays: readonly number[]
  readonly requests: RecordedRequests
  readonly answers: AnswerCache
  readonly tunnels: Tunnels
  readonly settings: HttpServeSettings
  readonly pace: Pace
  /** The live server, where one answers for what the recording doesn't know. */
  readonly forwarder: Forwarder | null
  readonly onServed: () => void
  readonly onMiss: (miss: Miss) => void
  readonly onProblem: (message: string) => void
}
