import fc from 'fast-check'
import test from 'ava'
import { Pace } from '../../src/replay/pace.js'
import { inRecordedOrder } from '../../src/replay/send/in-order.js'
import { Run } from '../../src/replay/send/sender.js'
import type { SenderOptions } from '../../src/replay/send/sender.js'
import { RecordedOrder } from '../../src/replay/send/order.js'
import type { Span } from '../../src/replay/send/order.js'

test('what was over before something began is over again before it begins, and all come to their end', async (t) => {
  const span = fc.tuple(fc.nat(30), fc.nat(10)).map(([began, took]): Span => ({ began, over: began + took }))
  await fc.assert(fc.asyncProperty(fc.array(span, { maxLength: 25 }), fc.array(fc.nat(5), { minLength: 25, maxLength: 25 }), async (given, steps) => {
    const spans = given.toSorted((a, b) => a.began - b.began)
    const order = new RecordedOrder(spans)
    const over = new Set<number>()
    await Promise.all(spans.map(async ({ began }, index) => {
      await order.turn(index)
      for (const [other, { over: end }] of spans.entries()) if (end < began) t.true(over.has(other))
      for (let step = 0; step < steps[index]!; step++) await Promise.resolve()
      over.add(index)
      order.done(index)
    }))
    t.is(over.size, spans.length)
  }))
})

test('what lingers when it is over counts among what is open, and holds up nothing else', async (t) => {
  const pace = new Pace('max', '--speed')
  const run = new Run(pace, false, undefined)
  const planned = Array.from({ length: 20 }, (_, id) => ({ id, began: 2 * id, over: 2 * id + 1 }))
  let [open, most, whileLingering] = [0, 0, 0]
  await inRecordedOrder({ run, settings: { pace } } as SenderOptions, planned, 0, async () => {
    if (open > 0) whileLingering++
    most = Math.max(most, ++open)
    return async () => {
      await new Promise((resolve) => { setTimeout(resolve, 10) })
      open--
    }
  }, 3)
  t.is(most, 3)
  t.true(whileLingering > 0)
  t.is(open, 0)
  t.is(run.failure, null)
})
