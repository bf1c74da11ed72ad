const longestTimer = 2 ** 31 - 1

/** Waits of plugins, which end early together when what they are for does: a message, a connection, the plugin's stay. */
export class Sleepers {
  readonly #wakes = new Set<() => void>()

  /** @param others whose waits end early too. @returns false where it was woken before its time. */
  sleep(ms: number, others: Sleepers = this): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (whole: boolean): void => {
        clearTimeout(timer)
        this.#wakes.delete(wake)
        others.#wakes.delete(wake)
        resolve(whole)
      }
      const wake = (): void => end(false)
      const due = performance.now() + ms
      // Timers count in whole ms and may be early by almost one.
      const wait = (): NodeJS.Timeout => setTimeout(() => {
        if (performance.now() >= due) end(true)
        else timer = wait()
      }, Math.min(Math.max(0, due - performance.now()), longestTimer))
      let timer = wait()
      this.#wakes.add(wake)
      others.#wakes.add(wake)
    })
  }

  wakeAll(): void {
    for (const wake of this.#wakes) wake()
  }
}
