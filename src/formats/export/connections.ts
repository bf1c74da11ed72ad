import type { Recording } from '../../recording/recording.js'
import type { ConnectionRecord } from '../../recording/rows.js'

/** Connections remembered: exchanges of as many may alternate. */
const remembered = 1024

/** The connections of exchanges that are read in their order. */
export class Connections {
  readonly #recording: Recording
  readonly #known = new Map<number, ConnectionRecord | null>()

  constructor(recording: Recording) {
    this.#recording = recording
  }

  /** Null where the recording doesn't have it, as in one that was cut off. */
  get(id: number): ConnectionRecord | null {
    let connection = this.#known.get(id)
    if (connection === undefined) {
      [connection = null] = this.#recording.connections({ where: `id = ${id}`, limit: 1 })
      if (this.#known.size >= remembered) this.#known.delete(this.#known.keys().next().value!)
      this.#known.set(id, connection)
    }
    return connection
  }
}
