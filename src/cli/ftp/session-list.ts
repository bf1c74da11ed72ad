import type { FtpSession } from '../../index.js'
import { printableLine } from '../escape.js'
import { formatDuration, formatTime } from '../units.js'
import { cut } from './fitting.js'
import type { Paint } from './text-picture.js'

/** Narrower, the axis shows nothing. */
const narrowestAxis = 12

/** Sessions on one time axis: which there were, and which ran beside which. */
export function* sessionList(sessions: readonly FtpSession[], columns: number, paint: Paint): Generator<string> {
  const first = sessions.reduce((least, { started }) => Math.min(least, started), Infinity)
  const last = sessions.reduce((most, { started, ended }) => Math.max(most, ended ?? started), first + 1)
  const id = Math.max(7, ...sessions.map((session) => String(session.id).length))
  const axis = Math.max(narrowestAxis, columns - id - 54)
  yield paint.dim(`${'session'.padStart(id)}  ${'time'.padEnd(12)} ${'took'.padStart(9)}  ${' '.repeat(axis)}  user, outcome`)
  for (const { id: number, started, ended, user, outcome } of sessions) {
    const from = Math.min(axis - 1, Math.floor((started - first) / (last - first) * axis))
    const to = ended === null ? axis : Math.max(from + 1, Math.ceil((ended - first) / (last - first) * axis))
    const bar = `${' '.repeat(from)}${(ended === null ? '┄' : '━').repeat(to - from)}`.padEnd(axis)
    const took = ended === null ? '…' : formatDuration((ended - started) / 1000)
    const start = `${String(number).padStart(id)}  ${formatTime(started)} ${took.padStart(9)}  `
    const what = cut(printableLine(`${user ?? 'nobody'}, ${outcome ?? 'open'}`), columns - start.length - axis - 2)
    yield `${start}${paint.good(bar)}  ${outcome === 'quit' ? what : paint.notable(what)}`.trimEnd()
  }
}
