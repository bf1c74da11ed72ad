import type { Direction } from '../../../src/protocols/decoder.js'
import { FtpDecoder, type FtpEvent } from '../../../src/protocols/ftp/index.js'
import { type Cut, type Step, whole } from '../http1/harness.js'

export { byteByByte, type Cut, down, downEnds, type Step, up, upEnds } from '../http1/harness.js'

export const GREETING: Step = { direction: 'down', bytes: '220 ready\r\n' }

/** Plays the steps and gives every event but spans as a line, in order. */
export function play(...steps: Step[]): string[] {
  return playTo(new FtpDecoder(), steps).events
}

/** As play, after a greeting, whose event is left out. */
export function playGreeted(...steps: Step[]): string[] {
  return play(GREETING, ...steps).slice(1)
}

/** Plays the steps and gives the spans of one direction: neighbours joined, taken-back ones as opaque. */
export function spansOf(direction: Direction, ...steps: Step[]): string[] {
  const owners = playTo(new FtpDecoder(), steps).owners[direction]
  const spans: string[] = []
  for (let start = 0; start < owners.length;) {
    let end = start
    while (owners[end] === owners[start]) end++
    spans.push(`${start}-${end} ${owners[start]}`)
    start = end
  }
  return spans
}

export interface Played {
  /** Every event but spans, in the order given; nothing in them depends on how the bytes were cut. */
  readonly events: string[]
  /** For each byte of a direction the span that it's in: `reply #3`. */
  readonly owners: Record<Direction, string[]>
  /** The bytes of a direction, as latin1. */
  readonly stream: Record<Direction, string>
}

/** Plays the steps, cut as told. Throws where the spans of a call don't tile its bytes. */
export function playTo(decoder: FtpDecoder, steps: readonly Step[], cut: Cut = whole): Played {
  const events: string[] = []
  const owners: Record<Direction, string[]> = { up: [], down: [] }
  const stream: Record<Direction, string> = { up: '', down: '' }
  for (const { direction, bytes, end } of steps) {
    let rest = Buffer.from(bytes, 'latin1')
    for (const length of cut(rest.length)) {
      // A fresh copy that's wiped after the call shows whether the decoder held on to the caller's memory.
      const piece = Buffer.from(rest.subarray(0, length))
      rest = rest.subarray(length)
      stream[direction] += piece.toString('latin1')
      const given = decoder.receive(direction, piece, 0)
      take(given)
      piece.fill(0x21)
      if (owners[direction].length !== stream[direction].length) {
        throw new Error(`spans cover ${owners[direction].length} of ${stream[direction].length} bytes ${direction}`)
      }
    }
    if (end !== undefined) take(decoder.end(direction, 0, end === 'clean'))
  }
  return { events, owners, stream }

  function take(given: readonly FtpEvent[]): void {
    for (const event of given) {
      if (event.type === 'span') {
        const { kind, message, start, end } = event
        const taken = owners[event.direction]
        if (start !== taken.length || end <= start) throw new Error(`span ${start}-${end} doesn't follow ${taken.length}`)
        for (let index = start; index < end; index++) taken.push(`${kind} #${message}`)
      } else {
        if (event.type === 'opaque') owners[event.direction].fill(`opaque #${event.message}`, event.offset)
        events.push(describe(event, stream))
      }
    }
  }
}

function describe(event: Exclude<FtpEvent, { type: 'span' }>, stream: Record<Direction, string>): string {
  switch (event.type) {
    case 'command': {
      const { message, start, end, verb, argument, argumentText, odd, raw } = event
      if (argument?.buffer === raw.buffer) throw new Error('argument is a view of the line')
      if (raw.toString('latin1') !== stream.up.slice(start, end)) throw new Error(`raw isn't bytes ${start}-${end}`)
      return `command ${message}: ${verb}${argumentText === null ? '' : ` {${argumentText}}`}${list(odd)}`
    }
    case 'reply': {
      const { message, start, end, code, text, lines, preliminary, odd, raw } = event
      if (raw.toString('latin1') !== stream.down.slice(start, end)) throw new Error(`raw isn't bytes ${start}-${end}`)
      if (preliminary !== code < 200) throw new Error('preliminary contradicts the code')
      if (text !== lines.join('\n')) throw new Error('text contradicts lines')
      return `reply ${message}: ${code} {${lines.join('|')}}${list(odd)}`
    }
    case 'odd': return `${event.direction} odd at ${event.offset}: ${event.text}`
    case 'opaque': {
      const reason = event.reason === null ? '' : `: ${event.reason}`
      return `${event.direction} opaque ${event.message} from ${event.offset}${reason}`
    }
  }
}

function list(items: readonly string[]): string {
  return items.length === 0 ? '' : ` [${items.join(', ')}]`
}
