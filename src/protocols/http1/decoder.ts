import type { Decoder, Direction } from '../decoder.js'
import type { Http1Event } from './events.js'
import { Exchanges } from './exchanges.js'
import { RequestReader } from './request-reader.js'
import { ResponseReader } from './response-reader.js'

export interface Http1DecoderOptions {
  /** Most bytes of one message's head, at least 64; 256 KiB where it isn't given. A longer head is undecodable. */
  readonly headLimit?: number
}

const HEAD_LIMIT = 256 * 1024

/**
 * Reads one HTTP/1.0 or HTTP/1.1 connection, requests going `up` and responses going `down`, after RFC 9112. Holds at
 * most one head, chunk-size line or trailer section a direction. Never throws on what it's given to read: what it can't
 * read becomes an `opaque` event with the reason.
 *
 * Events stand in wire order, a message's spans before the event they are for: head span, request, body spans, end.
 */
export class Http1Decoder implements Decoder<Http1Event> {
  private readonly exchanges = new Exchanges()
  private readonly requests: RequestReader
  private readonly responses: ResponseReader

  /** Throws a RangeError where `headLimit` is no integer of at least 64. */
  constructor(options: Http1DecoderOptions = {}) {
    const headLimit = options.headLimit ?? HEAD_LIMIT
    if (!Number.isSafeInteger(headLimit) || headLimit < 64) {
      throw new RangeError(`headLimit has to be an integer of at least 64, not ${headLimit}`)
    }
    this.requests = new RequestReader(this.exchanges, headLimit)
    this.responses = new ResponseReader(this.exchanges, this.requests, headLimit)
  }

  receive(direction: Direction, bytes: Buffer, at: number): Http1Event[] {
    const out: Http1Event[] = []
    if (direction === 'up') this.requests.receive(bytes, at, out)
    else this.responses.receive(bytes, at, out)
    return out
  }

  end(direction: Direction, at: number, clean: boolean): Http1Event[] {
    const out: Http1Event[] = []
    if (direction === 'up') this.requests.end(at, clean, out)
    else this.responses.end(at, clean, out)
    return out
  }

  /**
   * Ordinals of the requests that await a final response, oldest first; one whose head isn't complete yet included.
   * Requests that came after the responses became unreadable are left out, as nothing could ever answer them.
   */
  get outstanding(): readonly number[] {
    return this.exchanges.outstanding
  }

  /** A request of this method has been sent, which this decoder isn't given: a response will come for it. For who reads responses alone. */
  expect(method: string): void {
    this.exchanges.openRequest().method = method
  }

  /**
   * The oldest request has got its final answer, which this decoder isn't given, with this status. For who reads requests alone, or
   * answers some itself: what comes next answers the next one, and a CONNECT that was refused is followed by HTTP again.
   */
  answered(status: number): void {
    const exchange = this.exchanges.oldest
    if (exchange === undefined) return
    this.exchanges.answer(exchange)
    if (exchange.method === 'CONNECT' && (status < 200 || status > 299)) this.requests.resume(exchange)
  }

  /** The request went on with another method: its response is framed for that one. Not to or from CONNECT. */
  sentAs(message: number, method: string): void {
    const exchange = this.exchanges.find(message)
    if (exchange !== undefined) exchange.method = method
  }

  /** Bytes of input held from earlier calls, both directions together. */
  get bufferedBytes(): number {
    return this.requests.bufferedBytes + this.responses.bufferedBytes
  }
}
