import { formatDuration } from '../units.js'
import type { Bar } from './bars.js'
import type { Mark, Moment, Said } from './moments.js'
import type { FtpStory } from './story.js'

/** One row of the picture. It stands for all that happened from one time until another. */
export interface Row {
  /** The one that is shown. */
  readonly time: number
  readonly from: number
  readonly until: number
  readonly said: Said | null
  readonly mark: Mark | null
}

/** A pause gets a row of its own from this length on: a tenth of the session, within reason. In µs. */
export function longPause(duration: number): number {
  return Math.min(1_000_000, Math.max(50_000, duration / 10))
}

/** Moments in time order as rows: what belongs together shares one, and long pauses get their own. */
export function rowsOf(moments: readonly Moment[], story: FtpStory, bars: readonly Bar[], pause: number): Row[] {
  const rows: Row[] = []
  for (const moment of moments.toSorted((a, b) => a.time - b.time)) {
    const row: Row = { from: moment.time, until: moment.time, ...moment }
    const last = rows.at(-1)
    const joined = last === undefined || row.from - last.until >= pause ? null : join(last, row, pause / 10)
    if (joined === null) rows.push(withVerb(row, last))
    else rows[rows.length - 1] = joined
  }
  return withPauses(rows, story, bars, pause)
}

/** @param near how close two steps of a bar have to be, in µs, to be told as one. */
function join(a: Row, b: Row, near: number): Row | null {
  if (a.said?.kind === 'command' && a.mark === null && b.said?.kind === 'reply') {
    const { code, text, latencyMs, to, final } = b.said
    if (to !== a.said.id || !final || code >= 400) return null
    return {
      time: a.time, from: a.from, until: b.until, mark: b.mark,
      said: { kind: 'exchange', command: a.said.command, id: a.said.id, code, text, latencyMs: latencyMs ?? 0 },
    }
  }
  if (a.said === null && b.said === null && a.mark !== null && b.mark !== null && a.mark.bar === b.mark.bar) {
    if (b.from - a.until > near || (a.mark.connects ? b.mark.phase !== 'flowing' : a.mark.phase === 'prepared')) return null
    const name = a.mark.name ?? b.mark.name
    const flowed = b.mark.phase === 'drained' && name !== null
    const label = flowed ? '' : b.mark.label
    const ends = b.mark.phase === 'closed' || b.mark.phase === 'open'
    return { time: ends ? b.time : a.time, from: a.from, until: b.until, said: null, mark: { ...b.mark, connects: a.mark.connects, name, label, tone: flowed ? 'plain' : b.mark.tone } }
  }
  if (a.until !== b.from || (a.said !== null && b.said !== null) || (a.mark !== null && b.mark !== null)) return null
  return { time: a.time, from: a.from, until: b.until, said: a.said ?? b.said, mark: a.mark ?? b.mark }
}

/** A reply that doesn't stand under its command names it. */
function withVerb(row: Row, last: Row | undefined): Row {
  const { said } = row
  if (said?.kind !== 'reply') return row
  const follows = last?.said === null || (last?.said?.kind === 'command' && last.said.id === said.to)
    || (last?.said?.kind === 'reply' && last.said.to === said.to)
  return follows ? { ...row, said: { ...said, verb: null } } : row
}

function withPauses(rows: readonly Row[], story: FtpStory, bars: readonly Bar[], pause: number): Row[] {
  const all: Row[] = []
  for (const row of rows) {
    const last = all.at(-1)
    if (last !== undefined && row.from - last.until >= pause) {
      const text = `${formatDuration((row.from - last.until) / 1000)}: ${reason(story, bars, last.until, row.from)}`
      all.push({ time: last.until, from: last.until, until: row.from, said: { kind: 'wait', text }, mark: null })
    }
    all.push(row)
  }
  return all
}

/** What everybody waits for, from one moment to the next. */
function reason({ session, commands }: FtpStory, bars: readonly Bar[], from: number, to: number): string {
  const during = (start: number | null, end: number | null): boolean => start !== null && start <= from && (end === null || end >= to)
  const bar = bars.findLast(({ connected, closed }) => during(connected, closed))
  if (bar !== undefined && bar.lastByte !== null && during(bar.firstByte, bar.lastByte)) return 'data flows'
  const command = commands.find(({ started, replied }) => during(started, replied))
  if (command === undefined) return bar !== undefined ? 'data connection idle' : session.tls ? 'encrypted' : 'the client is silent'
  if (bar?.transfer?.commandId === command.id && (bar.firstByte === null || bar.firstByte >= to)) return `${command.verb} waits for data`
  const unconnected = bars.some(({ transfer, connected, closed }) =>
    transfer?.commandId === command.id && (connected === null || connected >= to) && (closed === null || closed > from))
  return `${command.verb} waits for ${unconnected ? 'its data connection' : 'its reply'}`
}
