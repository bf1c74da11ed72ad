/** Bytes that wait for what comes before them, over all connections. */
const mostWaiting = 64 * 1024 * 1024

/** Bytes already told that are remembered, over all connections, to be compared with what comes again. */
const mostRemembered = 16 * 1024 * 1024

/** Bytes of packets, of any kind, after which a told piece is forgotten: it is a view into what was read of the file. */
const rememberedFor = 32 * 1024 * 1024

/** What forgets its oldest remembered piece when it is told to. */
interface Rememberer {
  forgetOldest(): void
}

/** What the reassembly of all connections of a capture holds in memory, and its limits. */
export class ReassemblyMemory {
  #waiting = 0
  #remembered = 0
  /** In the order in which the pieces were told. */
  #queue: { readonly of: Rememberer, readonly size: number, readonly at: number }[] = []
  #first = 0
  #read = 0

  wait(bytes: number): void {
    this.#waiting += bytes
  }

  get isFull(): boolean {
    return this.#waiting > mostWaiting
  }

  /** A packet of this size is read. */
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
