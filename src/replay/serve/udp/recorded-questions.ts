import { setImmediate as breathe } from 'node:timers/promises'
import type { Recording } from '../../../recording/recording.js'
import type { After } from '../stand-in.js'
import { dnsAsked, readDnsAsked } from './dns-question.js'
import { Given } from './given.js'

/** Rows read in one go: others have to have their turn. */
const slice = 2000

/** What clients of some relays have asked: ids of datagrams by their bytes, and of DNS queries by their question. Read while it is served. */
export class RecordedQuestions {
  readonly datagrams: Given
  readonly queries: Given

  #queriesAreRead = false
  #complete = false
  #failure: { readonly thrown: unknown } | null = null
  #grown: (() => void)[] = []

  constructor(after: After) {
    this.datagrams = new Given(after)
    this.queries = new Given(after)
  }

  /**
   * Takes what answers this once enough has been read to tell: at once then, as others that wait may ask for the same.
   * @throws what keeps the recording from being read.
   */
  async whenTold<Taken>(bytes: Buffer, take: () => Taken): Promise<Taken> {
    while (!this.#tells(bytes)) {
      if (this.#failure !== null) throw this.#failure.thrown
      await new Promise<void>((resolve) => this.#grown.push(resolve))
    }
    return take()
  }

  /** Never rejects. @param over asked between slices: whether nobody waits for it any longer. */
  async read(recording: Recording, relays: readonly number[], over: () => boolean): Promise<void> {
    try {
      await this.#read(recording, relays, over)
      this.#complete = true
    } catch (thrown) {
      this.#failure = { thrown }
    } finally {
      this.#tell()
    }
  }

  async #read(recording: Recording, relays: readonly number[], over: () => boolean): Promise<void> {
    const tell = (): void => this.#tell()
    // Asked for each row, so that a slice is read in the order of ids, and takes no longer in a large recording.
    const where = `(SELECT relay_id FROM connection WHERE id = connection_id) IN (${relays.join(', ')})`
    await inSlices((after) => recording.dnsQueries({ where, after, limit: slice }), over, tell, (query) => this.queries.add(dnsAsked(query).key, query.id))
    this.#queriesAreRead = true
    await inSlices((after) => recording.datagrams({ where: `direction = 'up' AND ${where}`, after, limit: slice }), over, tell, ({ id, bytes }) => {
      const asked = readDnsAsked(bytes)
      // Bytes that read as DNS may still have been something else to the recording.
      if (asked === null || !this.queries.has(asked.key)) this.datagrams.add(bytes, id)
    })
  }

  /** What will be read may be asked for too, but it comes after what is there. */
  #tells(bytes: Buffer): boolean {
    if (this.#complete) return true
    const asked = readDnsAsked(bytes)
    if (asked !== null && this.queries.has(asked.key)) return this.queries.isDue(asked.key)
    return this.#queriesAreRead && this.datagrams.isDue(bytes)
  }

  #tell(): void {
    for (const tell of this.#grown.splice(0)) tell()
  }
}

async function inSlices<Row extends { readonly id: number }>(read: (after: number) => Iterable<Row>, over: () => boolean, onSlice: () => void, take: (row: Row) => void): Promise<void> {
  for (let after = 0; !over();) {
    let count = 0
    for (const row of read(after)) {
      take(row)
      after = row.id
      count++
    }
    if (count < slice) return
    onSlice()
    await breathe()
  }
}
