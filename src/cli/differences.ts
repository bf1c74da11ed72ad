import type { AnswerDifference, Comparison, Quantiles } from '../index.js'
import { colour } from './colour.js'
import { printableJson, printableLine } from './escape.js'
import { Output } from './output.js'
import { formatCount, formatDuration } from './units.js'

/** Prints differences as they are found: a line each, or a JSON object. */
export class DifferenceLines {
  readonly #output = new Output()
  readonly #json: boolean

  constructor(json: boolean) {
    this.#json = json
  }

  readonly take = (difference: AnswerDifference): void => {
    this.#output.line(this.#json ? printableJson({ type: 'difference', ...difference }) : lineOf(difference))
  }

  flush(): void {
    this.#output.flush()
  }
}

/** `12 → 30  GET /books  status: 200 → 500`. */
function lineOf({ a, b, asked, field, was, now }: AnswerDifference): string {
  const ids = `${a ?? '-'} → ${b ?? '-'}`
  const what = was === 'there' && now === null ? 'missing now' : was === null && now === 'there' ? 'new: nothing like it was recorded'
    : `${colour.red(told(was))} → ${colour.green(told(now))}`
  return `${colour.dim(ids.padStart(13))}  ${printableLine(asked)}  ${colour.bold(printableLine(field))}: ${what}`
}

/** To stderr: what the numbers don't say. */
export function printNotes(notes: readonly string[]): void {
  for (const note of notes) process.stderr.write(`${printableLine(note)}\n`)
}

function told(value: string | null): string {
  return value === null ? '(none)' : value === '' ? '(empty)' : printableLine(value)
}

/** Rows of the summary: a name, and what stands beside it. */
export function printTable(rows: readonly (readonly [name: string, text: string] | null)[]): void {
  const shown = rows.filter((row) => row !== null)
  const width = Math.max(...shown.map(([name]) => name.length))
  for (const [name, text] of shown) console.log(`${name.padEnd(width)}  ${text}`)
}

export function countRows({ same, different, failed, uncompared, onlyA, onlyB }: Comparison, names: { readonly onlyA: string, readonly onlyB: string }): (readonly [string, string] | null)[] {
  return [
    ['same', formatCount(same)], ['different', formatCount(different)], ['failed', formatCount(failed)],
    uncompared === 0 ? null : ['not compared', formatCount(uncompared)],
    onlyA === 0 ? null : [names.onlyA, formatCount(onlyA)], onlyB === 0 ? null : [names.onlyB, formatCount(onlyB)],
  ]
}

export function quantileText(quantiles: Quantiles | null): string {
  return quantiles === null ? '-' : `p50 ${formatDuration(quantiles.p50)} · p99 ${formatDuration(quantiles.p99)} · at most ${formatDuration(quantiles.max)}`
}
