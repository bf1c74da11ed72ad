import type { Direction } from '../../protocols/decoder.js'
import type { Store } from '../store.js'
import type { Told } from './datagram-reader.js'

/** A datagram's row, as long as something may still be told of it. */
export interface RecentDatagram {
  readonly id: number
  readonly connectionId: number
  /** Place in its session, from 0, both directions counted together. */
  readonly ordinal: number
  readonly direction: Direction
  readonly offset: number
  readonly time: number
  readonly size: number
  readonly segmentId: number
  readonly told: Told | null
  changed: boolean
}

/** Datagrams remembered of all sessions of a recording together: what a plugin does to one is told within moments. */
const mostRemembered = 8192

const ofStores = new WeakMap<Store, RecentDatagrams>()

/**
 * The last datagrams of a recording. They are looked for from the newest on, as it is mostly one of the last; an index would cost
 * each of thousands of sessions more than all else that is kept of it, for what only plugins need.
 */
export class RecentDatagrams {
  readonly #ring: RecentDatagram[] = []
  #next = 0

  static of(store: Store): RecentDatagrams {
    const found = ofStores.get(store) ?? new RecentDatagrams()
    ofStores.set(store, found)
    return found
  }

  add(datagram: RecentDatagram): void {
    this.#ring[this.#next] = datagram
    this.#next = (this.#next + 1) % mostRemembered
  }

  /** The datagram that begins there. An empty one has the offset of the one after it, which is found then. */
  at(connectionId: number, direction: Direction, offset: number): RecentDatagram | undefined {
    return this.#newest((one) => one.connectionId === connectionId && one.direction === direction && one.offset <= offset, (one) => one.offset === offset)
  }

  withOrdinal(connectionId: number, ordinal: number): RecentDatagram | undefined {
    return this.#newest((one) => one.connectionId === connectionId && one.ordinal <= ordinal, (one) => one.ordinal === ordinal)
  }

  /** The newest one that is near enough, if it is the right one: older ones lie further back still. */
  #newest(near: (one: RecentDatagram) => boolean, right: (one: RecentDatagram) => boolean): RecentDatagram | undefined {
    const ring = this.#ring
    for (let back = 1; back <= ring.length; back++) {
      const one = ring[(this.#next - back + ring.length) % ring.length]!
      if (near(one)) return right(one) ? one : undefined
    }
    return undefined
  }
}
