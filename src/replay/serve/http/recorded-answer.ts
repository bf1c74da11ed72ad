import { Http1Decoder, readFramingFields, responseFraming } from '../../../protocols/http1/index.js'
import type { Headers, ResponseEvent } from '../../../protocols/http1/index.js'
import type { RecordedPiece } from '../../../recording/legs.js'
import type { Recording } from '../../../recording/recording.js'
import type { HttpExchange } from '../../../recording/rows.js'
import { wantsClose } from '../../../relay/http/framing-fields.js'

/** What comes after an answer: the connection goes on, is closed or reset, or nothing comes any more. */
export type Ending = 'goes on' | 'close' | 'reset' | 'silence'

/** An answer as the client got it. */
export interface RecordedAnswer {
  readonly id: number
  readonly exchange: HttpExchange
  readonly status: number
  readonly version: string
  readonly headers: Headers
  readonly chunked: boolean
  /** Heads of informational responses but 100, which is the server's own business. */
  readonly informational: Buffer
  /** The final head; empty where none came. */
  readonly head: Buffer
  /** When it came, in µs since the epoch. */
  readonly headAt: number
  /** Body and framing; null where they are too long to be kept, and are read from the file. */
  readonly rest: readonly RecordedPiece[] | null
  /** All of it, 1xx and head too, where it is kept. */
  readonly whole?: Buffer
  readonly ending: Ending
  /** What comes after its head is no HTTP (101, CONNECT). */
  readonly tunnels: boolean
  /** Why it can't be given; null where it can. */
  readonly incomplete: string | null
}

/** Longer bodies aren't kept, in bytes. */
export const mostKept = 256 * 1024

/** Reads the answer of an exchange. @param recording made on the client's side of the relay: what was sent to it counts. */
export function readAnswer(recording: Recording, id: number): RecordedAnswer {
  const exchange = recording.exchange(id)
  const { error, changed, ended, method } = exchange
  const { endReason, droppedDown, droppedUp } = recording.connection(exchange.connectionId)
  const heads: Buffer[] = []
  let headAt = exchange.firstByte ?? exchange.started
  // Of an exchange that was still going on, the answer may be there already, and what was missing is the rest of its request.
  const check = changed || droppedDown > 0 || ended === null ? new WholeCheck(method ?? '') : null
  let rest: RecordedPiece[] | null = []
  let length = 0
  for (const piece of recording.messageInSlices(id, 'response', 'sent')) {
    check?.take(piece.bytes)
    if (piece.kind === 'head') {
      heads.push(piece.bytes)
      headAt = piece.time
      continue
    }
    length += piece.bytes.length
    if (length > mostKept) rest = null
    else rest?.push(piece)
    if (rest === null && check === null) break
  }
  const { informational, final } = readHeads(Buffer.concat(heads), method ?? '')
  const framing = final === null ? null : responseFraming(method ?? '', final.status, readFramingFields(final.headers, []))
  const tunnels = final !== null && (final.status === 101 || (method === 'CONNECT' && final.status < 300))
  const ends = final === null || framing?.kind === 'until-close' || framing?.kind === 'unknown' || wantsClose(final.version, final.headers)
  const lost = droppedDown > 0 && check?.isWhole === false && error === null
  // What a plugin cut was whole when it came.
  const cut = error === null && (check === null || lost || check.isWhole) ? null : cutBy(endReason, final !== null)
  return {
    id, exchange, status: final?.status ?? 0, version: final?.version ?? '1.1', headers: final?.headers ?? [], chunked: framing?.kind === 'chunked',
    informational, headAt, head: final === null ? Buffer.alloc(0) : Buffer.from(final.raw),
    // A client that was torn away before it had the head got none of the body.
    rest: final === null ? [] : rest,
    ending: cut !== null && 'ending' in cut ? cut.ending : ends ? 'close' : 'goes on',
    tunnels,
    incomplete: ended === null && (check?.isWhole !== true || framing?.kind === 'until-close') ? 'the recording ends before it does'
      : lost ? 'not all of its bytes were recorded'
        : tunnels && droppedUp + droppedDown > 0 ? 'it opened a tunnel of which not all bytes were recorded'
          : error !== null && isUndecodable(recording, id) ? `it is no HTTP: ${error}`
            : cut !== null && 'incomplete' in cut ? cut.incomplete : null,
  }
}

function isUndecodable(recording: Recording, id: number): boolean {
  return [...recording.events({ where: `message_id = ${id} and kind = 'undecodable'`, limit: 1 })].length > 0
}

/** How an exchange that didn't come to its end ended, as the client saw it. */
function cutBy(endReason: string | null, answered: boolean): { readonly ending: Ending } | { readonly incomplete: string } {
  switch (endReason) {
    case 'server reset': case 'server failed': case 'connect failed': case 'reset by a plugin': case 'cut for a plugin': case 'ambiguous response':
      return { ending: 'reset' }
    case 'server closed': case 'closed by a plugin':
      return { ending: 'close' }
    case 'client closed': case 'client reset': case 'client failed':
      // The server never answered, as far as anybody knows.
      return answered ? { incomplete: `the client left before it was whole (${endReason})` } : { ending: 'silence' }
    default:
      return { incomplete: endReason === null ? 'the recording ends before it' : `the connection was ended: ${endReason}` }
  }
}

/** Whether bytes are a whole response to a request of this method. */
class WholeCheck {
  readonly #decoder = new Http1Decoder()
  #whole = false
  #ended = false

  constructor(method: string) {
    this.#decoder.expect(method)
  }

  take(bytes: Buffer): void {
    this.#see(this.#decoder.receive('down', bytes, 0))
  }

  get isWhole(): boolean {
    if (!this.#ended) this.#see(this.#decoder.end('down', 0, true))
    this.#ended = true
    return this.#whole
  }

  #see(events: ReturnType<Http1Decoder['receive']>): void {
    for (const event of events) if (event.type === 'end') this.#whole = event.complete
  }
}

function readHeads(heads: Buffer, method: string): { readonly informational: Buffer, readonly final: ResponseEvent | null } {
  const decoder = new Http1Decoder()
  decoder.expect(method)
  const informational: Buffer[] = []
  let final: ResponseEvent | null = null
  for (const event of decoder.receive('down', heads, 0)) {
    if (event.type !== 'response') continue
    if (!event.informational) final = event
    else if (event.status !== 100) informational.push(Buffer.from(event.raw))
  }
  return { informational: Buffer.concat(informational), final }
}
