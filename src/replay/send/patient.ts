import { timerOf } from '../timers.js'

/** How a wait went: what was waited for is there; nothing has happened for too long; it takes too long in all; nothing is waited for any longer. */
export type Waited = 'there' | 'silent' | 'late' | 'ended'

/** Waits for what others do, as long as they do something. */
export class Patient {
  readonly #signal: AbortSignal
  readonly #stir = (): void => this.#wake?.()
  #wake: (() => void) | null = null

  /** @param signal ends all waits. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#stir)
  }

  /** Something has happened. */
  stir(): void {
    this.#wake?.()
  }

  /**
   * @param holds what is waited for. @param silence ms in which nothing happens, after which it isn't waited for any longer; asked for anew each time
   *   something has happened. @param atMost ms in all, whatever happens.
   */
  async until(holds: () => boolean, silence: () => number, atMost = Infinity): Promise<Waited> {
    const began = performance.now()
    while (!holds()) {
      if (this.#signal.aborted) return 'ended'
      const left = began + atMost - performance.now()
      if (left <= 0) return 'late'
      const quiet = silence()
      const stirred = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), timerOf(Math.min(quiet, left)))
        this.#wake = () => {
          clearTimeout(timer)
          resolve(true)
        }
      })
      this.#wake = null
      if (!stirred) return holds() ? 'there' : left < quiet ? 'late' : 'silent'
    }
    return 'there'
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#stir)
  }
}
