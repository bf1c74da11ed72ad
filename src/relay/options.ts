import { WiretapeError } from '../error.js'
import type { RecorderOptions } from '../recording/recorder.js'
import { parseRelayAddress } from './address.js'
import type { RelayAddress } from './address.js'

/** What `startRelay` takes. `LISTEN=TARGET` as on the command line; port 0 picks a free one. */
export interface RelayOptions {
  /** HTTP relays: `'8080=http://127.0.0.1:3000'`, one or several. */
  readonly http?: string | readonly string[]
  /** TCP relays: `'15432=127.0.0.1:5432'`, one or several. */
  readonly tcp?: string | readonly string[]
  /** Where to record: a path, options, or `true` for a new file in `recordings/`. Absent or false: nothing is recorded. */
  readonly record?: string | boolean | RecorderOptions
  /** Accept the certificate of an `https://` target unverified. */
  readonly insecure?: boolean
  /** Set `Host` to the target's instead of passing on the client's. */
  readonly rewriteHost?: boolean
  /** Ms to wait for the target to accept a connection; 10,000 by default. */
  readonly connectTimeout?: number
  /** Ms without a byte either way after which a connection is closed; 0, the default, is never. */
  readonly idleTimeout?: number
  /** Ms that open connections are given to finish when the relay stops; 5,000 by default. */
  readonly grace?: number
  /** Told once of each problem that outlives one connection: out of file descriptors, nothing more recorded. */
  readonly onProblem?: (message: string) => void
}

export interface RelaySettings {
  readonly addresses: readonly RelayAddress[]
  readonly record: RecorderOptions | null
  readonly insecure: boolean
  readonly rewriteHost: boolean
  readonly connectTimeout: number
  readonly idleTimeout: number
  readonly grace: number
  readonly onProblem: (message: string) => void
}

const longestTimer = 2 ** 31 - 1

/** Checks everything before anything is opened. @throws WiretapeError `usage`, naming the option. */
export function readRelayOptions(options: RelayOptions): RelaySettings {
  const list = (value: string | readonly string[] | undefined): readonly string[] =>
    value === undefined ? [] : typeof value === 'string' ? [value] : value
  const addresses = [
    ...list(options.http).map((text) => parseRelayAddress('http', text)),
    ...list(options.tcp).map((text) => parseRelayAddress('tcp', text)),
  ]
  if (addresses.length === 0) {
    throw new WiretapeError('usage', 'nothing to relay: name at least one LISTEN=TARGET, such as --http 8080=http://127.0.0.1:3000')
  }
  const { record } = options
  return {
    addresses,
    record: record === undefined || record === false ? null
      : record === true ? {} : typeof record === 'string' ? { path: record } : record,
    insecure: options.insecure ?? false,
    rewriteHost: options.rewriteHost ?? false,
    connectTimeout: milliseconds('connect-timeout', options.connectTimeout, 10_000),
    idleTimeout: milliseconds('idle-timeout', options.idleTimeout, 0),
    grace: milliseconds('grace', options.grace, 5_000),
    onProblem: options.onProblem ?? ((message) => process.emitWarning(message)),
  }
}

function milliseconds(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  if (!Number.isFinite(value) || value < 0 || value > longestTimer) {
    throw new WiretapeError('usage', `${name}: ${value} is not a number of milliseconds from 0 to ${longestTimer}`)
  }
  return value
}
