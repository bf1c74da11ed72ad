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
}

/** The fact that `sendRecording` leaves in the recordings it makes: what they repeat. */
export const repeatsFact = 'repeats'

export function wholeSide(recording: Recording): RecordedSide {
  return { recording, connections: null, only: null, asked: recording.facts()[repeatsFact] === undefined ? 'sent' : 'received' }
}

/** What is known by the same key, the k-th of one with the k-th of the other. */
export class Pairing {
  readonly #waiting = new Map<string, number[]>()
  readonly #taken = new Map<string, number>()

  /** One of the second recording, in their order. */
  add(key: string, id: number): void {
    const ids = this.#waiting.get(key)
    if (ids === undefined) this.#waiting.set(key, [id])
    else ids.push(id)
  }

  /** The counterpart of the first recording's next one with this key; null where there is none left. */
  take(key: string): number | null {
    const taken = this.#taken.get(key) ?? 0
    const found = this.#waiting.get(key)?.[taken]
    if (found === undefined) return null
    this.#taken.set(key, taken + 1)
    return found
  }

  /** Those that nobody took, in their order. */
  get left(): number[] {
    return [...this.#waiting].flatMap(([key, ids]) => ids.slice(this.#taken.get(key) ?? 0)).sort((a, b) => a - b)
  }
}
