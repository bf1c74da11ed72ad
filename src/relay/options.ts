import { randomInt } from 'node:crypto'
import { WiretapeError } from '../error.js'
import type { PluginUse } from '../plugins/uses.js'
import { checkOptions } from '../recording/known-options.js'
import type { OptionKinds } from '../recording/known-options.js'
import { checkRecorderOptions } from '../recording/recorder.js'
import type { RecorderOptions } from '../recording/recorder.js'
import type { Address } from '../recording/notes.js'
import { datagramDecoders } from '../recording/udp/datagram-decoders.js'
import { parseRelayAddress } from './address.js'
import type { RelayAddress } from './address.js'
import { readFtpOptions } from './ftp/options.js'
import type { FtpOptions, FtpSettings } from './ftp/options.js'
import type { UdpSettings } from './udp/listener.js'

/** What `startRelay` takes. `LISTEN=TARGET` as on the command line; port 0 picks a free one. */
export interface RelayOptions extends FtpOptions {
  /** HTTP relays: `'8080=http://127.0.0.1:3000'`, one or several. */
  readonly http?: string | readonly string[]
  /** TCP relays: `'15432=127.0.0.1:5432'`, one or several. */
  readonly tcp?: string | readonly string[]
  /** FTP relays: `'2121=127.0.0.1:21'`, one or several. */
  readonly ftp?: string | readonly string[]
  /** UDP relays: `'5353=127.0.0.1:53'`, one or several. */
  readonly udp?: string | readonly string[]
  /** Ms without a datagram after which a UDP session is retired; 60,000 by default. */
  readonly udpIdleTimeout?: number
  /** UDP sessions at once, 10,000 by default; one more retires the longest idle. */
  readonly udpSessions?: number
  /** Bytes asked of the system for UDP socket buffers, 4 MiB by default; it may give less. */
  readonly udpBuffer?: number
  /** What UDP datagrams are read as: `auto` (by port or content), `dns` or `none`. */
  readonly decode?: string
  /** Start also where no relay is named: they are added while it runs. */
  readonly empty?: boolean
  /** Where to record: a path, options, or `true` for a new file in `recordings/`. Absent or false: nothing is recorded. */
  readonly record?: string | boolean | RecorderOptions
  /** Accept the certificate of an `https://` target unverified. */
  readonly insecure?: boolean
  /** Set `Host` to the target's instead of passing on the client's. */
  readonly rewriteHost?: boolean
  /**
   * Faults of HTTP messages that come while it runs reach the next exchange of connections that are open already: the default. For that
   * each exchange is followed as it passes; with false they begin with the next connection.
   */
  readonly injectable?: boolean
  /** Ms to wait for the target to accept a connection; 10,000 by default. */
  readonly connectTimeout?: number
  /** Ms without a byte either way after which a connection is closed; 0, the default, is never. */
  readonly idleTimeout?: number
  /** Ms that open connections are given to finish when the relay stops; 5,000 by default. */
  readonly grace?: number
  /** Plugins, in the order in which they see messages: themselves, or by name as on the command line, `{ plugin, options }` with options. */
  readonly plugins?: readonly PluginUse[]
  /** What every random choice follows from; a new one each run where absent. A whole number. */
  readonly seed?: number
  /** Takes a line of a plugin's log; to standard error where absent. */
  readonly log?: (line: string) => void
  /** Ends the start: what was opened is closed, a recording that was made is gone, and `startRelay` rejects with its reason. Once that has resolved it has no effect. */
  readonly signal?: AbortSignal
  /** Told once of each problem that outlives one connection: out of file descriptors, nothing more recorded. */
  readonly onProblem?: (message: string) => void
}

/** What code alone can give. */
export type CodeOnly = 'empty' | 'injectable' | 'log' | 'onProblem' | 'signal'

/** What a file can say too. */
export const writtenOptions: OptionKinds<Omit<RelayOptions, CodeOnly>> = {
  http: 'any', tcp: 'any', ftp: 'any', udp: 'any', plugins: 'list', seed: 'any', record: 'any', insecure: 'boolean', rewriteHost: 'boolean', connectTimeout: 'any',
  idleTimeout: 'any', grace: 'any', ftpDataPorts: 'string', ftpDataHost: 'string', ftpTrustPasv: 'boolean', ftpRefuseTls: 'boolean', keepPasswords: 'boolean',
  udpIdleTimeout: 'any', udpSessions: 'any', udpBuffer: 'any', decode: 'string',
}

const relayOptions: OptionKinds<RelayOptions> = { ...writtenOptions, empty: 'boolean', injectable: 'boolean', log: 'function', onProblem: 'function', signal: 'object' }

export interface RelaySettings {
  readonly seed: number
  readonly log: (line: string) => void
  readonly addresses: readonly RelayAddress[]
  readonly record: RecorderOptions | null
  readonly insecure: boolean
  readonly rewriteHost: boolean
  readonly injectable: boolean
  /** Relays may come that nobody has named yet. */
  readonly empty: boolean
  readonly connectTimeout: number
  readonly idleTimeout: number
  readonly grace: number
  readonly onProblem: (message: string) => void
  readonly signal: AbortSignal | null
  readonly ftp: FtpSettings
  readonly udp: UdpSettings
  /** Addresses that no connection is dialled to: our own control ports. */
  readonly keptAwayFrom: Address[]
}

const longestTimer = 2 ** 31 - 1

/** Checks everything before anything is opened. @throws WiretapeError `usage`, naming the option. */
export function readRelayOptions(options: RelayOptions): RelaySettings {
  checkOptions('startRelay', relayOptions, options, "{ http: '8080=http://127.0.0.1:3000' }")
  const list = (value: string | readonly string[] | undefined): readonly string[] => {
    const texts: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
    for (const text of texts) if (typeof text !== 'string') throw new WiretapeError('usage', `a relay is named by a text LISTEN=TARGET, not by ${String(text)}`)
    return texts as readonly string[]
  }
  const addresses = [
    ...list(options.http).map((text) => parseRelayAddress('http', text)),
    ...list(options.tcp).map((text) => parseRelayAddress('tcp', text)),
    ...list(options.udp).map((text) => parseRelayAddress('udp', text)),
    ...list(options.ftp).map((text) => parseRelayAddress('ftp', text)),
  ]
  if (addresses.length === 0 && options.empty !== true) {
    throw new WiretapeError('usage', 'nothing to relay: name at least one LISTEN=TARGET, such as --http 8080=http://127.0.0.1:3000, or a --control port by which they are added')
  }
  const { record } = options
  if (record !== undefined && typeof record !== 'string' && typeof record !== 'boolean') checkRecorderOptions('record', record)
  return {
    addresses,
    record: record === undefined || record === false ? null
      : record === true ? {} : typeof record === 'string' ? { path: record } : record,
    insecure: options.insecure ?? false,
    rewriteHost: options.rewriteHost ?? false,
    injectable: options.injectable ?? true,
    empty: options.empty ?? false,
    connectTimeout: milliseconds('connect-timeout', options.connectTimeout, 10_000),
    idleTimeout: milliseconds('idle-timeout', options.idleTimeout, 0),
    grace: milliseconds('grace', options.grace, 5_000),
    ftp: readFtpOptions(options),
    udp: {
      idleTimeout: milliseconds('udp-idle-timeout', options.udpIdleTimeout, 60_000),
      sessions: count('udp-sessions', options.udpSessions, 10_000, 1), buffer: count('udp-buffer', options.udpBuffer, 4 * 1024 * 1024, 0),
      decode: readDecode(options.decode ?? 'auto'),
    },
    keptAwayFrom: [],
    seed: readSeed(options.seed), log: options.log ?? ((line) => process.stderr.write(`${line}\n`)),
    onProblem: options.onProblem ?? ((message) => process.emitWarning(message)),
    signal: options.signal ?? null,
  }
}

function count(name: string, value: number | undefined, otherwise: number, least: number): number {
  if (value === undefined) return otherwise
  if (!Number.isSafeInteger(value) || value < least || value > longestTimer) {
    throw new WiretapeError('usage', `--${name} ${value}: expected a whole number from ${least} to ${longestTimer}`)
  }
  return value
}

function readSeed(seed: number | undefined): number {
  if (seed === undefined) return randomInt(2 ** 31)
  if (!Number.isSafeInteger(seed)) throw new WiretapeError('usage', `--seed ${seed}: expected a whole number`)
  return seed
}

function readDecode(word: string): string {
  const known = ['auto', 'none', ...Object.keys(datagramDecoders)]
  if (!known.includes(word)) throw new WiretapeError('usage', `--decode ${word}: expected one of ${known.join(', ')}`)
  return word
}

/** @throws WiretapeError `usage`, naming the option. */
export function milliseconds(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  if (!Number.isFinite(value) || value < 0 || value > longestTimer) {
    throw new WiretapeError('usage', `--${name} ${value}: expected milliseconds from 0 to ${longestTimer}`)
  }
  return value
}
