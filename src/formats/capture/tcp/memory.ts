import { ToldRing } from './told-ring.js'

/** What waits for what comes before it, over all connections: bytes, with what pieces cost. */
const mostWaiting = 64 * 1024 * 1024

/** What is held of connections whose protocol doesn't show yet. */
const mostHeld = 16 * 1024 * 1024

/** What a piece that is kept costs besides its bytes. */
const pieceCost = 256

/** What gives up its oldest hole when it is told to. */
interface Waiter {
  giveWay(time: number): void
}

/** What the reassembly of all connections of a capture holds in memory, and its limits. */
export class ReassemblyMemory {
  #waiting = 0
  /** Those that wait, the longest first. */
  readonly #waiters = new Set<Waiter>()
  #held = 0
  /** Bytes already told, to be compared with what comes again. */
  readonly told = new ToldRing()

  /** A piece of so many bytes waits. @returns what it costs. */
  wait(of: Waiter, bytes: number): number {
    this.#waiters.add(of)
    this.#waiting += bytes + pieceCost
    return bytes + pieceCost
  }

  /** A piece that costs so much waits no longer. @param isLast nothing else of this waits. */
  release(of: Waiter, cost: number, isLast: boolean): void {
    this.#waiting -= cost
    if (isLast) this.#waiters.delete(of)
  }

  /** Where too much waits, those give way that wait the longest: not the one that comes last, which may well go on. */
  makeRoom(time: number): void {
    while (this.#waiting > mostWaiting) this.#waiters.values().next().value!.giveWay(time)
  }

  /** @returns the cost of a piece that is held, null where there is no room for it. */
  hold(bytes: number): number | null {
    if (this.#held > mostHeld) return null
    this.#held += bytes + pieceCost
    return bytes + pieceCost
  }

  /** Pieces that cost so much are held no longer. */
  letGo(cost: number): void {
    this.#held -= cost
  }
}
