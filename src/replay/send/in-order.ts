import { RecordedOrder } from './order.js'
import type { Span } from './order.js'
import type { SenderOptions } from './sender.js'

/** Most that are open at once, whatever was recorded. */
const mostAtOnce = 500

/** What goes on when one is over, and others may begin: it still counts among those that are open. */
export type Lingering = () => Promise<void>

/**
 * Runs each one, as many side by side as were so in the recording: what was over before one began is over again before it begins; where it is paced, its
 * times see to that. The order is that of their times, which needn't be that of their ids: captures may have been put one behind the other.
 * @param first µs: the moment from which all are counted. @param one repeats one, and calls `said` when only its end is left. @param most that are open at once.
 */
export async function inRecordedOrder<Planned extends Span & { readonly id: number }>(
  { run, settings: { pace } }: SenderOptions, given: readonly Planned[], first: number, one: (planned: Planned, said: () => void) => Promise<Lingering | void>, most = mostAtOnce,
): Promise<void> {
  const planned = given.toSorted((a, b) => a.began - b.began)
  const order = pace.waits ? null : new RecordedOrder(planned)
  run.signal.addEventListener('abort', () => order?.release())
  const running = new Set<Promise<void>>()
  for (const [index, each] of planned.entries()) {
    await (order === null ? run.until(each.began - first) : order.turn(index))
    if (run.over) break
    run.begun.add(each.id)
    const over = one(each, () => order?.said(index)).finally(() => {
      order?.done(index)
      run.done()
    })
    const promise = over.then((linger) => linger?.()).catch(run.fail).finally(() => running.delete(promise))
    running.add(promise)
    if (running.size >= most) await Promise.race(running)
  }
  await Promise.all(running)
}

export function firstOf(planned: readonly Span[]): number {
  return planned.reduce((least, { began }) => Math.min(least, began), Infinity)
}
