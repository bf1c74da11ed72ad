import type { Direction, SpanKind } from '../../../src/protocols/decoder.js'
import { Http1Decoder, type Http1Event } from '../../../src/protocols/http1/index.js'

/** Bytes in one direction, as latin1 text, or the end of that direction. */
export interface Step {
  readonly direction: Direction
  readonly bytes: string
  readonly end?: 'clean' | 'cut'
}

export const up = (bytes: string): Step => ({ direction: 'up', bytes })
export const down = (bytes: string): Step => ({ direction: 'down', bytes })
export const upEnds = (end: 'clean' | 'cut' = 'clean'): Step => ({ direction: 'up', bytes: '', end })
export const downEnds = (end: 'clean' | 'cut' = 'clean'): Step => ({ direction: 'down', bytes: '', end })

/** Where to cut bytes of this length: gives the lengths of the pieces. */
export type Cut = (length: number) => number[]

export const whole: Cut = length => [length]
export const byteByByte: Cut = length => Array.from({ length }, () => 1)

/** Plays the steps and gives every event but spans as a line, in order. */
export function play(...steps: Step[]): string[] {
  return playTo(new Http1Decoder(), steps).events
}

/** Plays the steps and gives the spans of one direction: neighbours joined, taken-back ones as opaque. */
export function spansOf(direction: Direction, ...steps: Step[]): string[] {
  const { spans } = playTo(new Http1Decoder(), steps)
  return spans[direction].map(span => `${span.kind} ${span.start}-${span.end} #${span.message}`)
}

interface Tile {
  kind: SpanKind
  message: number
  start: number
  end: number
}

export interface Played {
  /** Every event but spans, in the order given; nothing in them depends on how the bytes were cut. */
  readonly events: string[]
  readonly spans: Record<Direction, Tile[]>
}

/** Plays the steps, cut as told. Throws where the spans of a call don't tile its bytes. */
export function playTo(decoder: Http1Decoder, steps: readonly Step[], cut: Cut = whole): Played {
  const events: string[] = []
  const spans: Record<Direction, Tile[]> = { up: [], down: [] }
  const offsets: Record<Direction, number> = { up: 0, down: 0 }
  for (const { direction, bytes, end } of steps) {
    let rest = Buffer.from(bytes, 'latin1')
    for (const length of cut(rest.length)) {
      // A fresh copy that's wiped after the call shows whether the decoder held on to the caller's memory.
      const piece = Buffer.from(rest.subarray(0, length))
      rest = rest.subarray(length)
      const given = decoder.receive(direction, piece, 0)
      offsets[direction] = checkTiling(given, direction, offsets[direction], piece.length)
      take(given)
      piece.fill(0x21)
    }
    if (end !== undefined) take(decoder.end(direction, 0, end === 'clean'))
  }
  return { events, spans }

  function take(given: Http1Event[]): void {
    for (const event of given) {
      if (event.type === 'span') addTile(spans[event.direction], event)
      else events.push(describe(event))
      if (event.type === 'opaque') takeBack(spans[event.direction], event.offset, event.message)
    }
  }
}

function checkTiling(given: Http1Event[], direction: Direction, offset: number, length: number): number {
  let position = offset
  for (const event of given) {
    if (event.type !== 'span') continue
    if (event.direction !== direction || event.start !== position || event.end <= event.start) {
      throw new Error(`span ${JSON.stringify(event)} doesn't follow ${direction} ${position}`)
    }
    position = event.end
  }
  if (position !== offset + length) throw new Error(`spans end at ${position}, not at ${offset + length}`)
  return position
}

function addTile(tiles: Tile[], { kind, message, start, end }: Tile): void {
  const last = tiles.at(-1)
  if (last !== undefined && last.kind === kind && last.message === message) last.end = end
  else tiles.push({ kind, message, start, end })
}

function takeBack(tiles: Tile[], offset: number, message: number): void {
  const end = tiles.at(-1)?.end ?? 0
  while (tiles.length > 0 && tiles.at(-1)!.start >= offset) tiles.pop()
  const last = tiles.at(-1)
  if (last !== undefined && last.end > offset) last.end = offset
  if (end > offset) addTile(tiles, { kind: 'opaque', message, start: offset, end })
}

function describe(event: Exclude<Http1Event, { type: 'span' }>): string {
  switch (event.type) {
    case 'request': {
      const { message, method, target, version, headers, flags, start, end, raw } = event
      checkRaw(raw, start, end)
      return `request ${message}: ${method} ${target} ${version}${fields(headers)}${list(flags)}`
    }
    case 'response': {
      const { message, status, reason, version, headers, flags, informational, requested, start, end, raw } = event
      checkRaw(raw, start, end)
      const marks = [...informational ? ['informational'] : [], ...requested ? [] : ['unrequested'], ...flags]
      return `response ${message}: ${status} ${reason} ${version}${fields(headers)}${list(marks)}`
    }
    case 'trailers': return `${event.direction} trailers ${event.message}:${fields(event.headers)}`
    case 'flag': return `${event.direction} flag ${event.message}: ${event.flag} at ${event.offset}`
    case 'end': {
      const { direction, message, complete, error } = event
      if (complete !== (error === null)) throw new Error(`complete is ${complete}, error is ${error}`)
      return `${direction} end ${message}${complete ? '' : `: ${error}`}`
    }
    case 'opaque': {
      const reason = event.reason === null ? '' : `: ${event.reason}`
      return `${event.direction} opaque ${event.message} from ${event.offset}${reason}`
    }
  }
}

function checkRaw(raw: Buffer, start: number, end: number): void {
  if (raw.length !== end - start) throw new Error(`raw has ${raw.length} bytes, not ${end - start}`)
  if (raw.at(-1) !== 0x0a) throw new Error('raw does not end with a line end')
}

function fields(headers: readonly (readonly [string, string])[]): string {
  return headers.map(([name, value]) => ` {${name}: ${value}}`).join('')
}

function list(items: readonly string[]): string {
  return items.length === 0 ? '' : ` [${items.join(', ')}]`
}
