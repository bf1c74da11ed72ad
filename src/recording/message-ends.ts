import type { Direction } from '../protocols/decoder.js'
import { Http1Decoder } from '../protocols/http1/index.js'

/** Finds where the messages of an HTTP connection end: what masks take for secret in one has no part in the next. */
export class MessageEnds {
  readonly #decoder = new Http1Decoder()
  readonly #position: Record<Direction, number> = { up: 0, down: 0 }
  /** Stream offset of the end of what was read last. */
  readonly #read: Record<Direction, number> = { up: 0, down: 0 }

  /** @returns the places in `bytes`, in their order, before which a message of this direction is over. */
  endsIn(direction: Direction, bytes: Buffer): number[] {
    const base = this.#position[direction]
    this.#position[direction] += bytes.length
    const ends: number[] = []
    for (const event of this.#decoder.receive(direction, bytes, 0)) {
      if (event.type === 'span' && event.direction === direction) this.#read[direction] = event.end
      else if (event.type === 'end' && event.direction === direction) ends.push(Math.max(0, this.#read[direction] - base))
    }
    return ends
  }
}
