import { Http1Decoder } from '../../../src/protocols/http1/index.js'
import { requestFor, type Sample } from './corpus.js'

/** What a parser makes of a connection that carries a sample and then ends. */
export interface Reading {
  /** The complete messages, written out. */
  readonly messages: string[]
  /** Whether the parser objected, or bytes were left that are no complete message. */
  readonly refused: boolean
}

export interface Message {
  /** `GET /path` or `200 OK`. */
  readonly start: string
  readonly headers: readonly (readonly [string, string])[]
  body: string
  trailers: readonly (readonly [string, string])[]
}

export function write({ start, headers, body, trailers }: Message): string {
  const fields = [...headers, ...trailers.length > 0 ? [['trailers', ''] as const, ...trailers] : []]
  return [start, ...fields.map(([name, value]) => `${name}: ${value}`), JSON.stringify(body)].join(' | ')
}

/** Pairs up a flat list of names and values, as Node's raw headers are. */
export function pairUp(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index) => index % 2 === 0 ? [[name, flat[index + 1]!] as [string, string]] : [])
}

/** The decoder's own reading. */
export function readWithDecoder(sample: Sample): Reading {
  const decoder = new Http1Decoder()
  const direction = sample.kind === 'request' ? 'up' : 'down'
  if (direction === 'down') decoder.receive('up', Buffer.from(requestFor(sample)), 0)
  const bytes = Buffer.from(sample.bytes, 'latin1')
  const messages: string[] = []
  let refused = false
  let current: Message | undefined
  for (const event of [...decoder.receive(direction, bytes, 0), ...decoder.end(direction, 0, true)]) {
    if (event.type === 'request') {
      current = { start: `${event.method} ${event.target}`, headers: event.headers, body: '', trailers: [] }
    } else if (event.type === 'response') {
      current = { start: `${event.status} ${event.reason}`, headers: event.headers, body: '', trailers: [] }
      if (event.informational) messages.push(write(current))
    } else if (event.type === 'span' && event.kind === 'body') {
      current!.body += bytes.toString('latin1', event.start, event.end)
    } else if (event.type === 'trailers') {
      current!.trailers = event.headers
    } else if (event.type === 'opaque') {
      if (event.reason !== null) refused = true
    } else if (event.type === 'end' && event.direction === direction) {
      if (event.complete) messages.push(write(current!))
      else refused = true
    }
  }
  return { messages, refused }
}
