/** Waits for what others do, as long as they do something. */
export class Patient {
  #wake: (() => void) | null = null

  /** Something has happened. */
  stir(): void {
    this.#wake?.()
  }

  /**
   * @param holds what is waited for. @param silence ms in which nothing happens, after which it isn't waited for any longer; asked for anew each time
   *   something has happened. @param atMost ms in all, whatever happens.
   * @returns whether it holds.
   */
  async until(holds: () => boolean, silence: () => number, atMost = Infinity): Promise<boolean> {
    const began = performance.now()
    while (!holds()) {
      const left = began + atMost - performance.now()
      if (left <= 0) return false
      const stirred = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), Math.min(silence(), left))
        this.#wake = () => {
          clearTimeout(timer)
          resolve(true)
        }
      })
      this.#wake = null
      if (!stirred) return holds()
    }
    return true
  }
}
