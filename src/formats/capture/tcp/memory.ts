/** What waits for what comes before it, over all connections: bytes, with what pieces cost. */
const mostWaiting = 64 * 1024 * 1024

/** What is held of connections whose protocol doesn't show yet. */
const mostHeld = 16 * 1024 * 1024

/** What a piece that is kept costs besides its bytes. */
const pieceCost = 256

/** Bytes already told that are remembered, over all connections, to be compared with what comes again. */
const mostRemembered = 16 * 1024 * 1024

/** Bytes of the file after which a told piece is forgotten: it is a view into what was read of it. */
const rememberedFor = 32 * 1024 * 1024

/** What gives up its oldest hole when it is told to. */
interface Waiter {
  giveWay(time: number): void
}

/** What forgets its oldest remembered piece when it is told to. */
interface Rememberer {
  forgetOldest(): void
}

/** What the reassembly of all connections of a capture holds in memory, and its limits. */
export class ReassemblyMemory {
  #waiting = 0
  /** Those that wait, the longest first. */
  readonly #waiters = new Set<Waiter>()
  #held = 0
  #remembered = 0
  /** In the order in which the pieces were told. */
  #queue: { readonly of: Rememberer, readonly size: number, readonly at: number }[] = []
  #first = 0
  #read = 0

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

  /** So much of the file is read. */
  passed(size: number): void {
    this.#read += size
    if (this.#first < this.#queue.length && this.#queue[this.#first]!.at < this.#read - rememberedFor) this.#forget()
  }

  remember(of: Rememberer, size: number): void {
    this.#remembered += size
    this.#queue.push({ of, size, at: this.#read })
    if (this.#remembered > mostRemembered) this.#forget()
  }

  #forget(): void {
    while (this.#first < this.#queue.length && (this.#remembered > mostRemembered || this.#queue[this.#first]!.at < this.#read - rememberedFor)) {
      const oldest = this.#queue[this.#first++]!
      this.#remembered -= oldest.size
      oldest.of.forgetOldest()
    }
    if (this.#first > 1024 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
  }
}
