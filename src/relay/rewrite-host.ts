import type { Direction } from '../protocols/decoder.js'
import { Http1Decoder } from '../protocols/http1/index.js'
import type { ConnectionRecorder } from '../recording/recorder.js'
import type { Inline, Pieces } from './lane.js'

const unchanged: Pieces = []

/**
 * Sets `Host` to the target's in every request, and touches nothing else: the rest of the head, its order, case and
 * spacing, go out as they came. A head is held back until it is complete; what isn't HTTP passes as it is.
 */
export class RewriteHost implements Inline {
  readonly #decoder = new Http1Decoder()
  readonly #authority: string
  readonly #tap: ConnectionRecorder | null
  /** The bytes of a head that isn't complete, and where in the stream they start. */
  #held: Buffer = Buffer.alloc(0)
  #heldFrom = -1
  #offset = 0

  constructor(authority: string, tap: ConnectionRecorder | null) {
    this.#authority = authority
    this.#tap = tap
  }

  pass(direction: Direction, bytes: Buffer): Pieces {
    if (direction === 'down') {
      // Only followed, so that CONNECT and 101 are understood in the other direction.
      this.#decoder.receive('down', bytes, 0)
      return [bytes]
    }
    const from = this.#offset - this.#held.length
    const stream = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    this.#offset += bytes.length
    const out: Buffer[] = []
    let done = from
    let head = this.#heldFrom
    for (const event of this.#decoder.receive('up', bytes, 0)) {
      if (event.type === 'span' && event.kind === 'head') {
        if (head < 0) head = event.start
      } else if (event.type === 'request') {
        head = -1
        const sent = withHost(event.raw, this.#authority)
        if (sent !== null) {
          this.#tap?.sent('up', event.start, event.end - event.start, sent)
          out.push(stream.subarray(done - from, event.start - from), sent)
          done = event.end
        }
      } else if (event.type === 'opaque' && event.direction === 'up') {
        head = -1
      }
    }
    const until = head < 0 ? this.#offset : head
    if (until > done) out.push(stream.subarray(done - from, until - from))
    this.#held = head < 0 ? Buffer.alloc(0) : Buffer.from(stream.subarray(head - from))
    this.#heldFrom = head
    return out
  }

  end(direction: Direction): Pieces {
    if (direction === 'down' || this.#held.length === 0) return unchanged
    const held = this.#held
    this.#held = Buffer.alloc(0)
    this.#heldFrom = -1
    return [held]
  }
}

/** @returns the head with the value of its first `Host` field replaced; null where it has none, or has it already. */
function withHost(head: Buffer, authority: string): Buffer | null {
  const text = head.toString('latin1')
  const match = /\n(?:host)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?\n(?![ \t])/i.exec(text)
  if (match === null || match[1] === authority) return null
  const start = match.index + match[0].indexOf(match[1]!, match[0].indexOf(':') + 1)
  return Buffer.from(text.slice(0, start) + authority + text.slice(start + match[1]!.length), 'latin1')
}
