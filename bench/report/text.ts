import type { Bench } from '../bench.js'
import { summarize } from '../statistics.js'
import { judge, ratio } from './judge.js'
import { number } from './number.js'
import type { Outcome, Table } from './outcome.js'

/** A bench's outcome as people read it. */
export function formatOutcome(bench: Bench, outcome: Outcome): string {
  const verdicts = outcome.tables.flatMap((table) => table.targets.map((target) => judge(table, target).text))
  const checks = outcome.checks.map(({ text, ok }) => `${text}${ok ? '' : ' FAILED'}`)
  return [
    `${bench.name}: ${bench.title}`,
    ...outcome.tables.map((table) => indent(formatTable(table))),
    ...(verdicts.length + checks.length === 0 ? [] : [indent([...verdicts, ...checks].join('\n'))]),
  ].join('\n\n')
}

function formatTable(table: Table): string {
  const { figure, unit, rows, reference } = table
  const base = rows.find(({ peer }) => peer === reference)
  const header = [`${figure}, ${unit}`, 'median', 'min', 'max', ...(base === undefined ? [] : [`x ${reference}`, 'min', 'max'])]
  const lines = rows.map((row) => {
    if (row.samples.length === 0) return [row.peer, row.absent ?? 'not measured']
    const { median, min, max } = summarize(row.samples)
    const times = base === undefined || base === row ? null : ratio(row, base)
    return [row.peer, ...[median, min, max].map(number),
      ...(times === null ? [] : [times.median, times.min, times.max].map((value) => value.toFixed(value < 0.1 ? 3 : 2)))]
  })
  return align([header, ...lines])
}

/** Columns side by side, all but the first to the right. A line that is short of columns ends in a remark: it sets no width. */
function align(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((cells) => cells.length === 2 && column > 0 ? 0 : cells[column]?.length ?? 0)))
  return lines.map((cells) => cells.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[0]!) : cells.length === 2 ? cell : cell.padStart(widths[column]!)).join('  ').trimEnd()).join('\n')
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
