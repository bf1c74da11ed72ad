import { summarize } from '../statistics.js'
import type { Summary } from '../statistics.js'
import type { Outcome, Row, Table, Target } from './outcome.js'
import { number } from './number.js'

export interface Verdict {
  /** `recording >= 0.45 x haproxy: 0.51 ok`. */
  readonly text: string
  /** Null where it could not be judged for want of a program or of space; a peer that failed is no excuse. */
  readonly met: boolean | null
}

/**
 * The ratio of two peers, taken round by round: what slows the machine down for a while slows both down.
 * @returns null where they have no round in common.
 */
export function ratio(row: Row, reference: Row): Summary | null {
  const rounds = Math.min(row.samples.length, reference.samples.length)
  if (rounds === 0) return null
  return summarize(Array.from({ length: rounds }, (_, round) => row.samples[round]! / reference.samples[round]!))
}

export function judge(table: Table, target: Target): Verdict {
  const row = table.rows.find(({ peer }) => peer === target.peer)
  const goal = 'below' in target
    ? `${target.peer} < ${number(target.below)} ${table.unit}` : `${target.peer} >= ${target.atLeast} x ${target.times}`
  if (row === undefined || row.samples.length === 0) {
    return { text: `${goal}: not measured, ${row?.absent ?? 'no such peer'}`, met: excuse(row) }
  }
  if ('below' in target) {
    const { median, min, max } = summarize(row.samples)
    const met = median < target.below
    return { text: `${goal}: ${number(median)} ${met ? 'ok' : 'MISSED'}${range(min, max)}`, met }
  }
  const other = table.rows.find(({ peer }) => peer === target.times)
  const found = other === undefined ? null : ratio(row, other)
  if (found === null) return { text: `${goal}: not judged, ${target.times} was not measured`, met: excuse(other) }
  const met = found.median >= target.atLeast
  return { text: `${goal}: ${found.median.toFixed(2)} ${met ? 'ok' : 'MISSED'}${range(found.min, found.max)}`, met }
}

/** @returns whether nothing was missed, lost, or failed. */
export function allWell(outcome: Outcome): boolean {
  return outcome.checks.every(({ ok }) => ok)
    && outcome.tables.every((table) => table.targets.every((target) => judge(table, target).met !== false))
}

function excuse(row: Row | undefined): null | false {
  return row?.absent?.startsWith('skipped') === true ? null : false
}

function range(min: number, max: number): string {
  return min === max ? '' : ` (${number(min)} to ${number(max)})`
}
