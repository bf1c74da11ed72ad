import type { Control, Relay } from '../index.js'
import { formatCount } from './units.js'

/** The live line is written over. */
export function clearLine(): string {
  return process.stderr.isTTY ? '\r\u001b[K' : ''
}

/**
 * Resolves when the relay has stopped: on SIGINT or SIGTERM, of which a second one cuts what the first waits for, or when recording has to end.
 * @param grace ms that open connections get to finish.
 */
export function untilStopped(relay: Relay, control: Control | null, grace: number): Promise<void> {
  const stop = async (options: { grace?: number }): Promise<void> => {
    await Promise.all([control?.close(), relay.stop(options)])
  }
  return new Promise<void>((resolve) => {
    let signals = 0
    const onSignal = (): void => {
      signals++
      const { open } = relay.stats()
      if (signals === 1 && open > 0 && grace > 0 && process.stderr.isTTY) {
        process.stderr.write(`${clearLine()}waiting up to ${grace / 1000} s for ${formatCount(open)} open connections; Ctrl-C again cuts them\n`)
      }
      void stop({ grace: signals > 1 ? 0 : grace }).then(resolve)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    relay.onFailure(() => void stop({ grace: 0 }).then(resolve))
  })
}
