import type { Direction } from '../protocols/decoder.js'
import { Http1Decoder } from '../protocols/http1/index.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
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
  #emit: ((direction: Direction, pieces: Pieces) => void) | null = null

  constructor(authority: string, tap: ConnectionRecorder | null) {
    this.#authority = authority
    this.#tap = tap
  }

  attach(emit: (direction: Direction, pieces: Pieces) => void): void {
    this.#emit = emit
  }

  pass(direction: Direction, bytes: Buffer): Pieces {
    if (direction === 'down') {
      // Only followed, so that CONNECT and 101 are understood: what looked like the next head then wasn't one.
      for (const event of this.#decoder.receive('down', bytes, 0)) {
        if (event.type !== 'opaque' || event.direction !== 'up') continue
        this.#head = -1
        this.#emit?.('up', this.#up.release(this.#up.end))
      }
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

/**
 * Looks by index, not by one pattern: a head is the client's, and has to take linear time.
 * @returns the head with the value of its first `Host` field replaced; null where it has none, or has it already.
 */
export function withHost(head: Buffer, authority: string): Buffer | null {
  const text = head.toString('latin1')
  const match = /\nhost[ \t]*:/i.exec(text)
  if (match === null) return null
  let start = match.index + match[0].length
  const lineEnd = text.indexOf('\n', start)
  let end = text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  // A folded value is left alone: what it means is not for us to say.
  if (isBlank(text[lineEnd + 1]) || text.slice(start, end) === authority) return null
  return Buffer.from(text.slice(0, start) + authority + text.slice(end), 'latin1')
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
