import { setImmediate as breathe } from 'node:timers/promises'
import type { Recording } from '../../../recording/recording.js'
import type { After } from '../stand-in.js'
import { dnsAsked, readDnsAsked } from './dns-question.js'
import { Given } from './given.js'

/** Rows read in one go: others have to have their turn. */
const slice = 2000

/** What clients of some relays have asked: ids of datagrams by their bytes, and of DNS queries by their question. */
export class RecordedQuestions {
  readonly datagrams: Given
  readonly queries: Given

  private constructor(after: After) {
    this.datagrams = new Given(after)
    this.queries = new Given(after)
  }

  /** @param over asked between slices: whether nobody waits for it any longer. */
  static async load(recording: Recording, relays: readonly number[], after: After, over: () => boolean): Promise<RecordedQuestions> {
    const found = new RecordedQuestions(after)
    // Asked for each row, so that a slice is read in the order of ids, and takes no longer in a large recording.
    const where = `(SELECT relay_id FROM connection WHERE id = connection_id) IN (${relays.join(', ')})`
    await inSlices((after) => recording.dnsQueries({ where, after, limit: slice }), over, (query) => found.queries.add(dnsAsked(query).key, query.id))
    await inSlices((after) => recording.datagrams({ where: `direction = 'up' AND ${where}`, after, limit: slice }), over, ({ id, bytes }) => {
      const asked = readDnsAsked(bytes)
      // Bytes that read as DNS may still have been something else to the recording.
      if (asked === null || !found.queries.has(asked.key)) found.datagrams.add(bytes, id)
    })
    return found
  }
}

async function inSlices<Row extends { readonly id: number }>(read: (after: number) => Iterable<Row>, over: () => boolean, take: (row: Row) => void): Promise<void> {
  for (let after = 0; !over();) {
    let count = 0
    for (const row of read(after)) {
      take(row)
      after = row.id
      count++
    }
    if (count < slice) return
    await breathe()
  }
}
