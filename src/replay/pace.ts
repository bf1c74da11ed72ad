import { setTimeout as sleep } from 'node:timers/promises'
import { WiretapeError } from '../error.js'
import { longestTimer, timerOf } from './timers.js'

/** How fast what was recorded is played: as fast as can be (`none`, `max`), as it was (`recorded`), or so many times as fast (`2x`). */
export type Timing = 'none' | 'max' | 'recorded' | `${number}x`

/** Waits as a recording did, or faster. */
export class Pace {
  /** By how much recorded times are divided; Infinity where nothing is waited for. */
  readonly speed: number

  /** @param text as the user wrote it. @param option for the message. @throws WiretapeError `usage`. */
  constructor(text: string, option: string) {
    const factor = /^(\d+(?:\.\d+)?)x$/.exec(text)
    this.speed = text === 'none' || text === 'max' ? Infinity : text === 'recorded' ? 1 : factor === null ? 0 : Number(factor[1])
    if (!(this.speed > 0)) throw new WiretapeError('usage', `${option} ${text}: expected ${option === '--speed' ? 'max' : 'none'}, recorded, or a factor such as 2x`)
  }

  get waits(): boolean {
    return this.speed !== Infinity
  }

  /**
   * Resolves when so much recorded time has passed since `since`.
   * @param microseconds of the recording. @param since on the clock of `performance.now()`, in ms.
   */
  async until(microseconds: number, since: number, signal?: AbortSignal): Promise<void> {
    if (!this.waits) return
    for (;;) {
      const left = since + microseconds / 1000 / this.speed - performance.now()
      // What is nearly due isn't worth a timer, which is exact to 1 ms.
      if (left >= 0.5) await sleep(timerOf(left), undefined, signal === undefined ? {} : { signal }).catch(() => {})
      if (left <= longestTimer || signal?.aborted === true) return
    }
  }
}
