import type { Recording } from '../../recording/recording.js'
import type { EventRecord, Segment } from '../../recording/rows.js'

/** Read at once: of a session that was captured with a small snapshot, there are as many as datagrams. */
const page = 500

/** Of a UDP session's datagrams, those that a capture has cut short, in the order in which they were recorded. */
export class CutDatagrams {
  readonly #recording: Recording
  readonly #where: string
  #events: EventRecord[] = []
  #next = 0
  #after = 0
  #isAll = false

  constructor(recording: Recording, connectionId: number) {
    this.#recording = recording
    // What a slow disk left out is told the same way, but those are datagrams, and none is shorter for it.
    this.#where = `connection_id = ${connectionId} AND kind = 'dropped' AND text LIKE '% not in the capture%'`
  }

  /** Bytes that the datagram had and the recording lacks, which are told at its end. To be asked of each datagram in turn. */
  missing({ direction, offset, bytes }: Segment): number {
    const event = this.#peek()
    if (event === null || event.direction !== direction || event.offset !== offset + bytes.length) return 0
    this.#next++
    return Number(/^\d+/.exec(event.text)?.[0] ?? 0)
  }

  #peek(): EventRecord | null {
    if (this.#next === this.#events.length && !this.#isAll) {
      this.#events = [...this.#recording.events({ where: this.#where, after: this.#after, limit: page })]
      this.#next = 0
      this.#after = this.#events.at(-1)?.id ?? this.#after
      this.#isAll = this.#events.length < page
    }
    return this.#events[this.#next] ?? null
  }
}
