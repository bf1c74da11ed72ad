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

/** The last datagrams of one session, found by their place in the stream or in the session. */
export class RecentDatagrams {
  readonly #ring: Ring
  readonly #byOrdinal = new Map<number, RecentDatagram>()
  readonly #byOffset: Readonly<Record<Direction, Map<number, RecentDatagram>>> = { up: new Map(), down: new Map() }

  constructor(store: Store) {
    this.#ring = rings.get(store) ?? new Ring()
    rings.set(store, this.#ring)
  }

  add(datagram: RecentDatagram): void {
    this.#byOrdinal.set(datagram.ordinal, datagram)
    // An empty datagram has the offset of the one after it: that one takes its place.
    this.#byOffset[datagram.direction].set(datagram.offset, datagram)
    this.#ring.add({ datagram, session: this })
  }

  at(direction: Direction, offset: number): RecentDatagram | undefined {
    return this.#byOffset[direction].get(offset)
  }

  withOrdinal(ordinal: number): RecentDatagram | undefined {
    return this.#byOrdinal.get(ordinal)
  }

  forget(datagram: RecentDatagram): void {
    this.#byOrdinal.delete(datagram.ordinal)
    const offsets = this.#byOffset[datagram.direction]
    if (offsets.get(datagram.offset) === datagram) offsets.delete(datagram.offset)
  }

  clear(): void {
    this.#byOrdinal.clear()
    this.#byOffset.up.clear()
    this.#byOffset.down.clear()
  }
}
