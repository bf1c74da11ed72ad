import type { RecorderOptions, RelayOptions } from '../index.js'
import { startRelay } from '../index.js'
import { startLiveLine } from './live-line.js'
import { formatBytes, formatCount } from './units.js'

export interface RelayArguments {
  readonly http: readonly string[]
  readonly tcp: readonly string[]
  readonly insecure: boolean
  readonly rewriteHost: boolean
  readonly connectTimeout: number
  readonly idleTimeout: number
  readonly grace: number
  readonly json: boolean
}

/** Runs relays until SIGINT or SIGTERM. @param record null records nothing. @returns the exit code. */
export async function relay(given: RelayArguments, record: RecorderOptions | null): Promise<number> {
  let live: { stop(): void } | undefined
  const options: RelayOptions = {
    http: given.http, tcp: given.tcp, insecure: given.insecure, rewriteHost: given.rewriteHost,
    connectTimeout: given.connectTimeout * 1000, idleTimeout: given.idleTimeout * 1000, grace: given.grace * 1000,
    ...(record === null ? {} : { record }),
    onProblem: (message) => process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}wiretape: ${message}\n`),
  }
  const running = await startRelay(options)
  for (const { protocol, host, port, url, target } of running.listeners) {
    console.log(given.json ? JSON.stringify({ type: 'listening', protocol, host, port, url, target }) : `${protocol.padEnd(5)}${url} → ${target}`)
  }
  if (running.path !== null) {
    console.log(given.json ? JSON.stringify({ type: 'recording', file: running.path }) : `recording to ${running.path}`)
  }
  live = startLiveLine(running)
  await new Promise<void>((resolve) => {
    let signals = 0
    const stop = (): void => {
      signals++
      const { open } = running.stats()
      if (signals === 1 && open > 0 && process.stderr.isTTY) {
        process.stderr.write(`\r\u001b[Kwaiting up to ${given.grace} s for ${formatCount(open)} open connections; Ctrl-C again cuts them\n`)
      }
      void running.stop(signals > 1 ? { grace: 0 } : {}).then(resolve)
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    running.onFailure(() => void running.stop({ grace: 0 }).then(resolve))
  })
  live.stop()
  if (process.stderr.isTTY) {
    const { connections, records, bytesUp, bytesDown } = running.stats()
    process.stderr.write(`${formatCount(connections)} connections, ${running.path === null ? '' : `${formatCount(records)} records, `}`
      + `↑ ${formatBytes(bytesUp)} ↓ ${formatBytes(bytesDown)}${running.path === null ? '' : ` in ${running.path}`}\n`)
  }
  return running.failure === null ? 0 : 1
}
