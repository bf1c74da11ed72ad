import fc from 'fast-check'
import test from 'ava'
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
