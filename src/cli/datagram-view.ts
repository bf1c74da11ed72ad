import { colour as pc } from './colour.js'
import type { Recording, Segment } from '../index.js'
import { readText } from '../protocols/content/text.js'
import { printableLine, printableText } from './escape.js'
import { hexDump } from './hex-dump.js'
import { formatBytes, formatTime } from './units.js'

/** One datagram: text where it is that, else a hex dump, with what happened to it. */
export function* datagramView(recording: Recording, id: number): Generator<string> {
  const [datagram] = recording.datagrams({ where: `id = ${id}` })
  if (datagram === undefined) return
  const { client, server, error } = recording.connection(datagram.connectionId)
  const ends = [client, server].map((end) => end === null ? '?' : `${end.host}:${end.port}`)
  yield pc.dim([
    `datagram ${id}`, formatTime(datagram.time), formatBytes(datagram.size), (datagram.direction === 'up' ? ends : ends.toReversed()).join(' → '),
    `session ${datagram.connectionId}`,
  ].join(' · '))
  yield* eventsOf(recording, [id])
  if (datagram.direction === 'up') yield* sessionError(datagram.connectionId, error)
  yield* contentOf(datagram.bytes)
  for (const segment of datagram.changed ? sentOf(recording, datagram.connectionId, id) : []) {
    yield ''
    yield pc.yellow(howSent(segment))
    if (segment.bytes.length > 0 || segment.replaces === 0) yield* contentOf(segment.bytes)
  }
}

/** What plugins did to messages, and why one isn't told by another record. */
export function* eventsOf(recording: Recording, ids: readonly number[]): Generator<string> {
  for (const { kind, source, hook, text } of recording.events({ where: `message_id IN (${ids.join()})` })) {
    yield hook === null ? pc.red(printableLine(`${kind}: ${text}`)) : pc.yellow(printableLine(`${source}: ${text}`))
  }
}

/** What went wrong first on the way to the server, so that silence has its reason. */
export function* sessionError(connectionId: number, error: string | null): Generator<string> {
  if (error !== null) yield pc.red(printableLine(`session ${connectionId}: ${error}`))
}

/** What was sent on instead of a datagram, or besides. */
export function sentOf(recording: Recording, connectionId: number, datagramId: number): Segment[] {
  return [...recording.segments({ where: `connection_id = ${connectionId} AND leg = 'sent' AND message_id = ${datagramId}` })]
}

export function howSent({ replaces, bytes }: Segment): string {
  return replaces === 0 ? 'sent once more' : bytes.length === 0 ? 'not sent on' : `sent instead, ${formatBytes(bytes.length)}`
}

export function* contentOf(bytes: Buffer): Generator<string> {
  if (bytes.length === 0) {
    yield pc.dim('[empty]')
    return
  }
  const text = readText(bytes, null, false)
  if (text !== null) yield printableText(text.text).replace(/\n$/, '')
  else yield* hexDump(bytes)
}
