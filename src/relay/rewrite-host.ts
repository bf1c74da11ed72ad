import type { Direction } from '../protocols/decoder.js'
import { Http1Decoder } from '../protocols/http1/index.js'
import type { ConnectionRecorder } from '../recording/recorder.js'
import { HeldStream } from './held-stream.js'
import type { Replacement } from './held-stream.js'
import type { Inline, Pieces } from './lane.js'

/**
 * Sets `Host` to the target's in every request, and touches nothing else: the rest of the head, its order, case and
 * spacing, go out as they came. A head is held back until it is complete; what isn't HTTP passes as it is.
 */
export class RewriteHost implements Inline {
  readonly #decoder = new Http1Decoder()
  readonly #authority: string
  readonly #tap: ConnectionRecorder | null
  readonly #up = new HeldStream()
  /** Where the head starts that isn't complete, -1 where none is begun. */
  #head = -1

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
    this.#up.take(bytes)
    const replacements: Replacement[] = []
    for (const event of this.#decoder.receive('up', bytes, 0)) {
      if (event.type === 'span' && event.kind === 'head') {
        if (this.#head < 0) this.#head = event.start
      } else if (event.type === 'request') {
        this.#head = -1
        const sent = withHost(event.raw, this.#authority)
        if (sent !== null) {
          this.#tap?.sent('up', event.start, event.end - event.start, sent)
          replacements.push({ start: event.start, end: event.end, bytes: sent })
        }
      } else if (event.type === 'opaque' && event.direction === 'up') {
        this.#head = -1
      }
    }
    return this.#up.release(this.#head < 0 ? this.#up.end : this.#head, replacements)
  }

  end(direction: Direction): Pieces {
    return direction === 'up' ? this.#up.release(this.#up.end) : []
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
