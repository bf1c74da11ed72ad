/** Lines for stdout, in blocks: a million single writes cost more than the query they print. */
export class Output {
  #pending: string[] = []
  #size = 0
  readonly #printable: (text: string) => string

  /** @param printable what a block goes through before it is written, once for all its lines. */
  constructor(printable: (text: string) => string = (text) => text) {
    this.#printable = printable
  }

  line(text: string): void {
    this.#pending.push(text)
    this.#size += text.length + 1
    if (this.#size > 65_536) this.flush()
  }

  flush(): void {
    if (this.#pending.length === 0) return
    process.stdout.write(`${this.#printable(this.#pending.join('\n'))}\n`)
    this.#pending = []
    this.#size = 0
  }
}
