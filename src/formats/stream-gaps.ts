import type { Direction } from '../protocols/decoder.js'
import type { Recording } from '../recording/recording.js'
import type { ConnectionRecord, EventRecord } from '../recording/rows.js'

/** Bytes of a stream that the recording lacks. */
export interface Gap {
  readonly offset: number
  readonly length: number
  /** µs, when that was told. */
  readonly time: number
  /** In words: `not in the capture`. */
  readonly why: string
}

/** Read at once. */
const page = 200

/** Where one direction of a connection lacks bytes, one place after another. */
export class StreamGaps {
  readonly #recording: Recording
  readonly #where: string
  #read: Gap[] = []
  #after = 0
  #isAll: boolean

  constructor(recording: Recording, { id, droppedUp, droppedDown }: ConnectionRecord, direction: Direction) {
    this.#recording = recording
    this.#where = `connection_id = ${id} AND kind = 'dropped' AND direction = '${direction}'`
    this.#isAll = (direction === 'up' ? droppedUp : droppedDown) === 0
  }

  /** The next; null where there are no more. */
  get next(): Gap | null {
    while (this.#read.length === 0 && !this.#isAll) {
      const events = [...this.#recording.events({ where: this.#where, after: this.#after, limit: page })]
      this.#after = events.at(-1)?.id ?? this.#after
      this.#isAll = events.length < page
      this.#read = events.flatMap((event) => readGap(event) ?? [])
    }
    return this.#read[0] ?? null
  }

  /** The next is dealt with. */
  pass(): void {
    this.#read.shift()
  }
}

function readGap({ offset, time, text }: EventRecord): Gap | null {
  const [, bytes, why = ''] = /^(\d+) bytes (.*?)(?:; the rest of this connection is kept undecoded)?$/.exec(text) ?? []
  const length = Number(bytes ?? 0)
  return offset === null || length === 0 ? null : { offset, length, time, why }
}
