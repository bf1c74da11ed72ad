/** What a joint draws from: the bytes as they come, or a stage. */
export interface Spring {
  next(): Promise<IteratorResult<Buffer, undefined>>
  /** A stage that has come to its end goes out of the way, where it was taken out. @returns what it had drawn from; null where the stream ends. */
  leave?(): Draw | null
  /** It threw. @returns what it had drawn from, where the stream goes on without it; null where the stream ends. */
  failed?(thrown: unknown): Draw | null
}

/** A spring, and what it was asked for already and hasn't given yet. */
export interface Draw {
  readonly from: Spring
  readonly asked: Promise<IteratorResult<Buffer, undefined>> | null
}

const over: IteratorResult<Buffer, undefined> = { done: true, value: undefined }

/**
 * Where one stage's output is the next one's input. While the connection is open, a stage can be put in here, or taken out: what was asked for
 * already goes with its spring, so that nothing is lost, doubled or overtaken.
 */
export class Joint implements AsyncIterableIterator<Buffer, undefined> {
  #from: Spring
  #asked: Promise<IteratorResult<Buffer, undefined>> | null
  #waiter: ((result: IteratorResult<Buffer, undefined>) => void) | null = null
  #ended = false
  /** The reader went before the end. */
  #left = false
  readonly #onGiven: (bytes: Buffer) => void

  /** @param onGiven told of what the reader is given, before it is. */
  constructor({ from, asked }: Draw, onGiven: (bytes: Buffer) => void = () => {}) {
    this.#from = from
    this.#asked = asked
    this.#onGiven = onGiven
  }

  /** The reader was told that nothing more comes. */
  get exhausted(): boolean {
    return this.#ended && !this.#left
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** One at a time: stages and the end of the chain ask for the next when they have the last. */
  next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#ended) return Promise.resolve(over)
    return new Promise((resolve) => {
      this.#waiter = resolve
      this.#ask()
    })
  }

  /** The reader wants no more. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#left ||= !this.#ended
    this.end()
    return Promise.resolve(over)
  }

  /** Tells the reader that nothing more comes. What it draws from stays, for whoever takes it. */
  end(): void {
    this.#ended = true
    this.#give(over)
  }

  /** Gives away what it draws from, for something that is to stand in between. */
  draw(): Draw {
    const drawn = { from: this.#from, asked: this.#asked }
    this.#asked = null
    return drawn
  }

  /** Draws from something else from now on. */
  drawFrom({ from, asked }: Draw): void {
    this.#from = from
    this.#asked = asked
    if (this.#waiter !== null) this.#ask()
  }

  #ask(): void {
    const from = this.#from
    const asked = this.#asked ??= from.next()
    // Where the reader was told of an end meanwhile, what comes now is for whoever draws from here next.
    const isForReader = (): boolean => this.#asked === asked && this.#waiter !== null
    asked.then((result) => {
      if (!isForReader()) return
      this.#asked = null
      if (result.done !== true) this.#give(result)
      else this.#goOn(from.leave?.() ?? null)
    }, (thrown: unknown) => {
      if (!isForReader()) return
      this.#asked = null
      this.#goOn(from.failed?.(thrown) ?? null)
    })
  }

  #goOn(draw: Draw | null): void {
    if (draw === null) this.end()
    else this.drawFrom(draw)
  }

  #give(result: IteratorResult<Buffer, undefined>): void {
    const waiter = this.#waiter
    this.#waiter = null
    if (waiter !== null && result.done !== true) this.#onGiven(result.value)
    waiter?.(result)
  }
}
