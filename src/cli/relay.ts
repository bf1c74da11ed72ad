import type { RecorderOptions, RelayOptions } from '../index.js'
import { startRelay } from '../index.js'
import { WiretapeError } from '../error.js'
import { startLiveLine } from './live-line.js'
import { formatBytes, formatCount } from './units.js'

export interface RelayArguments {
  readonly http: readonly string[]
  readonly tcp: readonly string[]
  readonly ftp: readonly string[]
  readonly udp: readonly string[]
  readonly udpIdleTimeout: number
  readonly udpSessions: number
  readonly udpBuffer: number
  readonly decode: string
  readonly ftpDataPorts: string | undefined
  readonly ftpDataHost: string | undefined
  readonly ftpTrustPasv: boolean
  readonly ftpRefuseTls: boolean
  readonly keepPasswords: boolean
  readonly insecure: boolean
  readonly rewriteHost: boolean
  readonly connectTimeout: number
  readonly idleTimeout: number
  readonly grace: number
  readonly json: boolean
}

/** Runs relays until SIGINT or SIGTERM. @param record null records nothing. @returns the exit code. */
export async function relay(given: RelayArguments, record: RecorderOptions | null): Promise<number> {
  const options: RelayOptions = {
    udp: given.udp, udpIdleTimeout: seconds('udp-idle-timeout', given.udpIdleTimeout), udpSessions: given.udpSessions, udpBuffer: given.udpBuffer, decode: given.decode,
    http: given.http, tcp: given.tcp, ftp: given.ftp, ftpTrustPasv: given.ftpTrustPasv, ftpRefuseTls: given.ftpRefuseTls,
    keepPasswords: given.keepPasswords,
    ...(given.ftpDataPorts === undefined ? {} : { ftpDataPorts: given.ftpDataPorts }),
    ...(given.ftpDataHost === undefined ? {} : { ftpDataHost: given.ftpDataHost }),
    insecure: given.insecure, rewriteHost: given.rewriteHost,
    connectTimeout: seconds('connect-timeout', given.connectTimeout), idleTimeout: seconds('idle-timeout', given.idleTimeout), grace: seconds('grace', given.grace),
    ...(record === null ? {} : { record }),
    onProblem: (message) => process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}wiretape: ${message}\n`),
  }
  const running = await startRelay(options)
  const over = new Promise<void>((resolve) => {
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
  // A script may send a signal as soon as it has read these.
  for (const listener of running.listeners) {
    const { protocol, url, target, buffer } = listener
    console.log(given.json ? JSON.stringify({ type: 'listening', ...listener })
      : `${protocol.padEnd(5)}${url} → ${target}${buffer === undefined ? '' : ` (receive buffer ${formatBytes(buffer)})`}`)
  }
  if (running.path !== null) {
    console.log(given.json ? JSON.stringify({ type: 'recording', file: running.path }) : `recording to ${running.path}`)
  }
  const live = startLiveLine(running)
  await over
  live.stop()
  if (process.stderr.isTTY) {
    const { connections, records, bytesUp, bytesDown } = running.stats()
    process.stderr.write(`${formatCount(connections)} connections, ${running.path === null ? '' : `${formatCount(records)} records, `}`
      + `↑ ${formatBytes(bytesUp)} ↓ ${formatBytes(bytesDown)}${running.path === null ? '' : ` in ${running.path}`}\n`)
  }
  return running.failure === null ? 0 : 1
}

/** Days of waiting are enough; timers can't be set for longer. */
const longest = 2_147_483

function seconds(name: string, value: number): number {
  if (!(value >= 0 && value <= longest)) {
    throw new WiretapeError('usage', `--${name} ${value}: expected seconds, from 0 to ${longest}`)
  }
  return value * 1000
}
