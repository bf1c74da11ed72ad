import { Sleepers } from './sleepers.js'

/** How long a plugin is with a connection as it was set up for it: what its hooks hold meanwhile doesn't outlast it. */
export class Stay {
  readonly #sleepers = new Sleepers()
  /** What goes on after a delay, by the timer of that; in the order in which it came. */
  readonly #held = new Map<NodeJS.Timeout, () => void>()
  #left = false
  #over = false

  /** Waits for a hook. @param others whose waits end early too. @returns false where it ended early. */
  sleep(ms: number, others?: Sleepers): Promise<boolean> {
    return this.#left || this.#over ? Promise.resolve(false) : this.#sleepers.sleep(ms, others)
  }

  /** Goes on when the time is over, or the plugin leaves. */
  hold(ms: number, go: () => void): void {
    if (this.#left) {
      go()
      return
    }
    // Nothing is delivered any more when nothing else keeps the process.
    const timer = setTimeout(() => {
      this.#held.delete(timer)
      go()
    }, ms).unref()
    this.#held.set(timer, go)
  }

  /** The plugin is taken out, or set up anew with other options: what it holds goes on. */
  leave(): void {
    this.#left = true
    this.#sleepers.wakeAll()
    for (const [timer, go] of this.#held) {
      clearTimeout(timer)
      // Not within the call that takes it out: what goes on may put plugins in and take them out itself.
      queueMicrotask(go)
    }
    this.#held.clear()
  }

  /** The connection is over: hooks wait for nothing any more. What is delayed may be for another that lives on, such as an FTP data connection. */
  end(): void {
    this.#over = true
    this.#sleepers.wakeAll()
  }

  /** What is delayed has nowhere to go. */
  drop(): void {
    for (const timer of this.#held.keys()) clearTimeout(timer)
    this.#held.clear()
  }
}
