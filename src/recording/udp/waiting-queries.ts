import type { Store } from '../store.js'
import type { DnsQueryRow } from './dns-query-row.js'

/** A query whose answer may still come. */
export interface WaitingQuery {
  readonly row: DnsQueryRow
  /** By which its session finds it: `key` has the name, as it was sent on; `id` is for answers without one. */
  key: string
  readonly id: number
  /** It isn't waited for any longer: its session is to forget it. */
  readonly forget: (query: WaitingQuery) => void
}

/** µs after which a query counts as unanswered. Resolvers give up sooner. */
const patience = 30_000_000

/** Queries that wait at once, in all sessions of a recording: a flood that nobody answers has to stay bounded, from many ports too. */
const mostWaiting = 20_000

const ofStores = new WeakMap<Store, WaitingQueries>()

/** Every DNS query of a recording that has no answer yet, the oldest first. */
export class WaitingQueries {
  readonly #waiting = new Set<WaitingQuery>()
  /** Told as unanswered; an answer may still come. */
  readonly #late = new Set<WaitingQuery>()

  static of(store: Store): WaitingQueries {
    let queries = ofStores.get(store)
    if (queries === undefined) {
      const made = new WaitingQueries()
      store.atEachFlush((time) => made.passed(time))
      ofStores.set(store, made)
      queries = made
    }
    return queries
  }

  add(query: WaitingQuery): void {
    if (this.#waiting.size + this.#late.size >= mostWaiting) this.#forgetOldest()
    this.#waiting.add(query)
  }

  /** It is answered, or its session is over. @returns whether it wasn't told as unanswered before. */
  remove(query: WaitingQuery): boolean {
    return this.#waiting.delete(query) || !this.#late.delete(query)
  }

  /** Tells those as unanswered that have waited too long. @param time the clock's, or that of a datagram. */
  passed(time: number): void {
    for (const query of this.#waiting) {
      if (time - query.row.started < patience) return
      this.#waiting.delete(query)
      this.#late.add(query)
      query.row.failed('no answer')
    }
  }

  #forgetOldest(): void {
    for (const queries of [this.#late, this.#waiting]) {
      for (const query of queries) {
        queries.delete(query)
        query.forget(query)
        if (queries === this.#waiting) query.row.failed(`no answer before ${mostWaiting} later queries`)
        return
      }
    }
  }
}
