import { colour as pc } from './colour.js'
import type { Recording, Segment } from '../index.js'
import { readText } from '../protocols/content/text.js'
import { printableLine, printableText } from './escape.js'
import { hexDump } from './hex-dump.js'
import { timelineLine } from './timeline.js'
import { formatBytes, formatDuration, formatTime } from './units.js'

/** A conversation of more bytes than this is cut: the rest is for a file. */
const conversationLimit = 64 * 1024

/** More records of one connection than this are for ls. */
const recordLimit = 1000

/** A connection: its records, and as a conversation what no decoder read: who said what when. */
export function* connectionView(recording: Recording, id: number): Generator<string> {
  const connection = recording.connection(id)
  const { client, server, closed, opened, endReason, error } = connection
  yield pc.dim([
    `connection ${id}`, connection.protocol, formatTime(opened),
    closed === null ? 'still open' : `open for ${formatDuration((closed - opened) / 1000)}`,
    `${formatBytes(connection.bytesUp)} up, ${formatBytes(connection.bytesDown)} down`,
    `${client?.host ?? '?'}:${client?.port ?? '?'} → ${server === null ? '?' : `${server.host}:${server.port}`}`,
    ...(endReason === null ? [] : [endReason]),
  ].join(' · '))
  if (error !== null) yield pc.red(printableLine(error))
  const told = connection.messages > 0
  if (told) yield* recordLines(recording, id)
  let shown = 0
  for (const segment of recording.segments({ where: `connection_id = ${id}${told ? ` AND kind = 'opaque'` : ''}` })) {
    if (told && shown === 0) yield pc.dim('not decoded:')
    if (shown >= conversationLimit) {
      yield pc.dim(`[cut after ${formatBytes(shown)}; the whole: wiretape show ${id} --body request (or response) > FILE]`)
      break
    }
    shown += segment.bytes.length
    yield* turn(segment, opened)
  }
  // What is about a message, its record tells.
  for (const event of recording.events({ where: `connection_id = ${id}${told ? ' AND message_id IS NULL' : ''}` })) {
    yield pc.yellow(`${formatTime(event.time)} ${event.source} ${event.kind}: ${printableLine(event.text)}`)
  }
}

function* recordLines(recording: Recording, id: number): Generator<string> {
  let listed = 0
  for (const record of recording.records({ where: `connection_id = ${id} AND id <> ${id}`, limit: recordLimit + 1 })) {
    if (listed++ === recordLimit) yield pc.dim(`[more than ${recordLimit} records: wiretape ls --where "connection_id = ${id}"]`)
    else yield timelineLine(record)
  }
}

function* turn(segment: Segment, opened: number): Generator<string> {
  const arrow = segment.direction === 'up' ? '→' : '←'
  const instead = segment.leg === 'sent' ? ' sent instead' : ''
  yield pc.cyan(`${arrow} ${formatDuration((segment.time - opened) / 1000)}, ${formatBytes(segment.bytes.length)}${instead}`)
  const text = readText(segment.bytes, null, true)
  if (text !== null) yield printableText(text.text).replace(/\n$/, '')
  else yield* hexDump(segment.bytes, segment.offset)
}
