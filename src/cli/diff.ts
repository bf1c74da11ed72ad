import { compareRecordings } from '../index.js'
import { countRows, DifferenceLines, printNotes, printTable, quantileText } from './differences.js'
import { printableJson } from './escape.js'
import { formatCount } from './units.js'

export interface DiffArguments {
  readonly a: string
  readonly b: string
  readonly ignore: readonly string[]
  readonly json: boolean
}

/** @returns the exit code: 1 where something differs, or nothing was there to compare. */
export async function diff({ a, b, ignore, json }: DiffArguments): Promise<number> {
  const lines = new DifferenceLines(json)
  const comparison = await compareRecordings(a, b, { ignore, onDifference: lines.take }).finally(() => lines.flush())
  if (!json) printNotes(comparison.notes)
  if (json) {
    console.log(printableJson({ type: 'summary', a, b, ...comparison, differences: undefined }))
  } else {
    if (comparison.differenceCount > 0) console.log('')
    printTable([
      ...countRows(comparison, { onlyA: 'only in A', onlyB: 'only in B' }),
      comparison.notSent === 0 ? null : ['not sent', `${formatCount(comparison.notSent)} of A, when B was made`],
      ['latency in A', quantileText(comparison.latency.a)], ['latency in B', quantileText(comparison.latency.b)],
    ])
  }
  return comparison.differenceCount === 0 && comparison.compared > 0 ? 0 : 1
}
