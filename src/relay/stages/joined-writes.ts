import type { Socket } from 'node:net'

/** Bytes that go out in one system call. */
const mostJoined = 256 * 1024

/** Writes to a socket; what comes together goes out as one: a system call for each piece took longer than all that stages do. */
export class JoinedWrites {
  readonly #to: Socket
  #corked = false

  constructor(to: Socket) {
    this.#to = to
  }

  /** What is written waits for more that is there already. */
  get waits(): boolean {
    return this.#corked
  }

  /** @param joins more is there that may go with it. @param written called when it is with the system. */
  write(bytes: Buffer, joins: boolean, written: () => void): void {
    const waits = joins && this.#to.writableLength < mostJoined
    if (waits && !this.#corked) {
      this.#corked = true
      this.#to.cork()
      // A stage may take its time over the next one.
      process.nextTick(this.flush)
    }
    this.#to.write(bytes, written)
    if (!waits) this.flush()
  }

  readonly flush = (): void => {
    if (!this.#corked) return
    this.#corked = false
    this.#to.uncork()
  }
}
