import type { RecordedPiece } from '../../recording/legs.js'
import { asReceived, asSent } from '../../recording/legs.js'
import type { Recording, Side } from '../../recording/recording.js'
import type { HttpExchange, Segment } from '../../recording/rows.js'

export type Leg = 'received' | 'sent'

/** Exchanges with bodies of up to so many bytes together are read at once; larger ones piece by piece. */
const readAtOnce = 1024 * 1024

/** The bytes of one exchange, read with one query where they are few: of most recordings most exchanges are. */
export class ExchangeWire {
  readonly exchange: HttpExchange
  readonly #recording: Recording
  readonly #segments: readonly Segment[] | null

  constructor(recording: Recording, exchange: HttpExchange) {
    this.exchange = exchange
    this.#recording = recording
    // What plugins sent instead isn't counted in the sizes.
    this.#segments = !exchange.changed && exchange.requestBodySize + exchange.responseBodySize <= readAtOnce ? recording.exchangeSegments(exchange.id) : null
  }

  /** A message's head, those of informational responses before it. */
  head(side: Side, leg: Leg): Buffer {
    return this.#segments === null ? this.#recording.head(this.exchange.id, side, leg) : Buffer.concat([...this.#held(side, leg, 'head')].map(({ bytes }) => bytes))
  }

  /** A body, with the chunked coding undone and the content coding not. */
  body(side: Side, leg: Leg): Iterable<RecordedPiece> {
    return this.#segments === null ? this.#recording.bodyPieces(this.exchange.id, side, leg) : this.#held(side, leg, 'body')
  }

  /** When the last byte of a side came as received; null where there is none. */
  lastTime(side: Side): number | null {
    let last: number | null = null
    if (this.#segments === null) for (const { time } of this.#recording.messagePieces(this.exchange.id, side)) last = time
    else for (const { direction, leg, time } of this.#segments) if (leg === 'received' && direction === directionOf(side)) last = time
    return last
  }

  *#held(side: Side, leg: Leg, kind: string): Generator<RecordedPiece> {
    const those = this.#segments!.filter(({ direction }) => direction === directionOf(side))
    const received = those.filter((segment) => segment.leg === 'received' && segment.kind === kind)
    if (leg === 'received') yield* asReceived(received)
    else yield* asSent(received, those.filter((segment) => segment.leg === 'sent'), [kind])
  }
}

function directionOf(side: Side): 'up' | 'down' {
  return side === 'request' ? 'up' : 'down'
}
