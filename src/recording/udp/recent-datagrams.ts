import type { Direction } from '../../protocols/decoder.js'
import type { Store } from '../store.js'
import type { Told } from './datagram-reader.js'

/** A datagram's row, as long as something may still be told of it. */
export interface RecentDatagram {
  readonly id: number
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
const mostRemembered = 16_384

type Remembered = { readonly datagram: RecentDatagram, readonly session: RecentDatagrams }

/** The last datagrams over all sessions, in a ring. */
class Ring {
  readonly #places: Remembered[] = []
  #next = 0

  add(remembered: Remembered): void {
    const before = this.#places[this.#next]
    before?.session.forget(before.datagram)
    this.#places[this.#next] = remembered
    this.#next = (this.#next + 1) % mostRemembered
  }
}

const rings = new WeakMap<Store, Ring>()

/** The last datagrams of one session, found by their place in the stream or in the session. There are thousands of sessions: one map has to do. */
export class RecentDatagrams {
  readonly #ring: Ring
  readonly #found = new Map<number, RecentDatagram>()

  constructor(store: Store) {
    this.#ring = rings.get(store) ?? new Ring()
    rings.set(store, this.#ring)
  }

  add(datagram: RecentDatagram): void {
    this.#found.set(ordinalKey(datagram.ordinal), datagram)
    // An empty datagram has the offset of the one after it: that one takes its place.
    this.#found.set(offsetKey(datagram.direction, datagram.offset), datagram)
    this.#ring.add({ datagram, session: this })
  }

  at(direction: Direction, offset: number): RecentDatagram | undefined {
    return this.#found.get(offsetKey(direction, offset))
  }

  withOrdinal(ordinal: number): RecentDatagram | undefined {
    return this.#found.get(ordinalKey(ordinal))
  }

  forget(datagram: RecentDatagram): void {
    this.#found.delete(ordinalKey(datagram.ordinal))
    const key = offsetKey(datagram.direction, datagram.offset)
    if (this.#found.get(key) === datagram) this.#found.delete(key)
  }

  clear(): void {
    this.#found.clear()
  }
}

function ordinalKey(ordinal: number): number {
  return 3 * ordinal
}

function offsetKey(direction: Direction, offset: number): number {
  return 3 * offset + (direction === 'up' ? 1 : 2)
}
