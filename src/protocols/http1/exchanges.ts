/** A request and its responses, as far as pairing and framing need to know them. */
export interface Exchange {
  readonly message: number
  readonly requested: boolean
  /** Empty until the request's head is complete, and for good where it can't be read. */
  method: string
  answered: boolean
}

/** Which exchange a response belongs to: the oldest that has no final response yet (RFC 9112 §9.3.2). */
export class Exchanges {
  private next = 0
  private readonly waiting: Exchange[] = []
  private answersCome = true

  /**
   * A request's first byte is here. It waits for an answer from now on, since a server may give one (400, 408, 431)
   * before the head is complete.
   */
  openRequest(): Exchange {
    const exchange: Exchange = { message: this.next++, requested: true, method: '', answered: false }
    if (this.answersCome) this.waiting.push(exchange)
    return exchange
  }

  /** A response's first byte is here. */
  openResponse(): Exchange {
    return this.waiting[0] ?? { message: this.next++, requested: false, method: '', answered: false }
  }

  /** The final response's head is complete. */
  answer(exchange: Exchange): void {
    exchange.answered = true
    if (this.waiting[0] === exchange) this.waiting.shift()
  }

  /** No response can be read any more, so nothing is gained by keeping further requests for them. */
  stopAnswering(): void {
    this.answersCome = false
  }

  /** It turned out not to be a request. */
  withdraw(exchange: Exchange): void {
    const index = this.waiting.lastIndexOf(exchange)
    if (index !== -1) this.waiting.splice(index, 1)
  }

  get oldest(): Exchange | undefined {
    return this.waiting[0]
  }

  /** One that has no final response yet. */
  find(message: number): Exchange | undefined {
    return this.waiting.find(exchange => exchange.message === message)
  }

  get outstanding(): readonly number[] {
    return this.waiting.map(exchange => exchange.message)
  }
}
