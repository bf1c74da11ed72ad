import type { Control, Relay } from '../index.js'
import type { StopSignals } from './stop-signals.js'
import { formatCount } from './units.js'

/** The live line is written over. */
export function clearLine(): string {
  return process.stderr.isTTY ? '\r\u001b[K' : ''
}

/**
 * Resolves when the relay has stopped: on a signal, of which a second one cuts what the first waits for, or when recording has to end.
 * @param grace ms that open connections get to finish.
 */
export function untilStopped(relay: Relay, control: Control | null, grace: number, signals: StopSignals): Promise<void> {
  const stop = async (options: { grace?: number }): Promise<void> => {
    await Promise.all([control?.close(), relay.stop(options)])
  }
  return new Promise<void>((resolve) => {
    signals.onSignal((count) => {
      const { open } = relay.stats()
      if (count === 1 && open > 0 && grace > 0 && process.stderr.isTTY) {
        process.stderr.write(`${clearLine()}waiting up to ${grace / 1000} s for ${formatCount(open)} open connections; Ctrl-C again cuts them\n`)
      }
      void stop({ grace: count > 1 ? 0 : grace }).then(resolve)
    })
    relay.onFailure(() => void stop({ grace: 0 }).then(resolve))
  })
}
