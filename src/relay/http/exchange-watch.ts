import type { Direction } from '../../protocols/decoder.js'
import { Http1Decoder } from '../../protocols/http1/index.js'
import type { Watch } from '../hand-over.js'

/** Follows an HTTP connection that is a pipe, so as to know when it is between two exchanges: there it can be carried message by message instead. */
export class ExchangeWatch implements Watch {
  /** Has read both directions: where the connection is between exchanges, it goes on with either of them. */
  readonly decoder = new Http1Decoder()
  #requestOpen = false
  #responseOpen = false
  /** What passes isn't HTTP any more, or can't be read. */
  #lost = false

  take(direction: Direction, bytes: Buffer): void {
    if (this.#lost) return
    for (const event of this.decoder.receive(direction, bytes, 0)) {
      switch (event.type) {
        case 'request':
          this.#requestOpen = true
          break
        case 'response':
          if (!event.informational) this.#responseOpen = true
          break
        case 'end':
          if (event.direction === 'up') this.#requestOpen = false
          else this.#responseOpen = false
          break
        case 'opaque':
          this.#lost = true
      }
    }
  }

  /** All that was asked has been answered, and nothing more has been begun. */
  get between(): boolean {
    return !this.#lost && !this.#requestOpen && !this.#responseOpen && this.decoder.bufferedBytes === 0 && this.decoder.outstanding.length === 0
  }
}
