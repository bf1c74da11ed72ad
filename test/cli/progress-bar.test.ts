import test from 'ava'
import { progressLine } from '../../src/cli/progress-bar.js'
import { columnsOf } from '../../src/cli/columns.js'
import { formatBytes } from '../../src/cli/units.js'

test('how far it is, the rate and the time left', (t) => {
  t.is(progressLine({ done: 0, total: 10, elapsed: 0 }), '░░░░░░░░░░░░░░░░░░░░░░░░ 0/10')
  t.is(progressLine({ done: 1_500, total: 6_000, elapsed: 3_000 }), '██████░░░░░░░░░░░░░░░░░░ 1,500/6,000 · 500/s · 9.0 s left')
  t.is(progressLine({ done: 6_000, total: 6_000, elapsed: 3_000 }), '████████████████████████ 6,000/6,000 · 2,000/s · 0.0 ms left')
  t.is(progressLine({ done: 1_500_000, total: 6_000_000, elapsed: 3_000 }, formatBytes), '██████░░░░░░░░░░░░░░░░░░ 1.5 MB/6.0 MB · 500 kB/s · 9.0 s left')
})

test('a terminal that doesn\'t know how wide it is has 80 columns', (t) => {
  t.deepEqual([120, 0, undefined].map((columns) => columnsOf({ columns })), [120, 80, 80])
})
