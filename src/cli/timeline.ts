import { colour as pc } from './colour.js'
import type { TimelineRecord } from '../index.js'
import { printableLine } from './escape.js'
import { formatBytes, formatDuration, formatTime } from './units.js'

const heading = ['id', 'time', 'proto', 'took', 'size', 'what', 'outcome'] as const

/** The timeline's heading, for people. */
export function timelineHeading(): string {
  return pc.dim(columns(...heading))
}

/** One record as one line. Everything that came from the wire is escaped. */
export function timelineLine(record: TimelineRecord): string {
  const outcome = record.outcome === 'complete' && !record.changed ? '' : printableLine(record.outcome)
  const line = columns(
    String(record.id), formatTime(record.time), record.protocol,
    record.durationMs === null ? '…' : formatDuration(record.durationMs), formatBytes(record.bytes),
    printableLine(record.summary), record.changed ? `changed ${outcome}`.trim() : outcome)
  return record.error === null ? line : pc.red(line)
}

function columns(id: string, time: string, protocol: string, took: string, size: string, what: string, outcome: string): string {
  return `${id.padStart(6)}  ${time.padEnd(12)}  ${protocol.padEnd(5)} ${took.padStart(9)} ${size.padStart(7)}  ${what}${outcome === '' ? '' : `  ${outcome}`}`
}
