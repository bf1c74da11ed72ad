import type { Bench } from '../bench.js'
import { summarize } from '../statistics.js'
import { allWell, judge, ratio } from './judge.js'
import type { Outcome, Table } from './outcome.js'

/** A bench's outcome for a script: every sample, and what was made of them. */
export function outcomeAsJson(bench: Bench, outcome: Outcome): object {
  return {
    bench: bench.name, title: bench.title, ok: allWell(outcome),
    tables: outcome.tables.map(tableAsJson),
    checks: outcome.checks,
  }
}

function tableAsJson(table: Table): object {
  const base = table.rows.find(({ peer }) => peer === table.reference)
  return {
    figure: table.figure, unit: table.unit, reference: table.reference,
    rows: table.rows.map((row) => ({
      peer: row.peer, absent: row.absent, samples: row.samples,
      ...(row.samples.length === 0 ? {} : summarize(row.samples)),
      ratio: base === undefined ? null : ratio(row, base),
    })),
    targets: table.targets.map((target) => judge(table, target)),
  }
}
