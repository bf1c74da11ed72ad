import type { RecorderOptions } from '../index.js'
import { startRelay } from '../index.js'
import { WiretapeError } from '../error.js'
import { BoundControl } from '../control/control.js'
import { readConfig } from './config.js'
import type { Config } from './config.js'
import { readControlAddress } from './control-address.js'
import { printableLine } from './escape.js'
import { startLiveLine } from './live-line.js'
import { printReady } from './ready-lines.js'
import { StopSignals } from './stop-signals.js'
import { formatBytes, formatCount } from './units.js'
import { clearLine, untilStopped } from './until-stopped.js'

export interface RelayArguments {
  readonly http: readonly string[]
  readonly tcp: readonly string[]
  readonly ftp: readonly string[]
  readonly udp: readonly string[]
  readonly plugin: readonly string[]
  readonly udpIdleTimeout: unknown
  readonly udpSessions: unknown
  readonly udpBuffer: unknown
  readonly decode: string | undefined
  readonly ftpDataPorts: string | undefined
  readonly ftpDataHost: string | undefined
  readonly ftpTrustPasv: boolean | undefined
  readonly ftpRefuseTls: boolean | undefined
  readonly keepPasswords: boolean | undefined
  readonly insecure: boolean | undefined
  readonly rewriteHost: boolean | undefined
  readonly connectTimeout: unknown
  readonly idleTimeout: unknown
  readonly grace: unknown
  readonly redact: boolean | undefined
  readonly seed: unknown
  readonly control: string | undefined
  readonly config: string | undefined
  readonly json: boolean
}

/** What the command line says, over what the config file says: lists are joined, the rest is replaced where it is given. */
async function optionsOf(given: RelayArguments, record: RecorderOptions | null): Promise<Config> {
  const config = await readConfig(given.config ?? null)
  const list = (name: 'http' | 'tcp' | 'ftp' | 'udp'): readonly string[] => [...config[name] === undefined ? [] : [config[name]].flat(), ...given[name]]
  const { ftpDataPorts, ftpDataHost, ftpTrustPasv, ftpRefuseTls, keepPasswords, insecure, rewriteHost, decode, udpSessions, udpBuffer, seed, control } = given
  const words = {
    ftpDataPorts, ftpDataHost, ftpTrustPasv, ftpRefuseTls, keepPasswords, insecure, rewriteHost, decode, udpSessions, udpBuffer, seed, control,
    udpIdleTimeout: seconds('udp-idle-timeout', given.udpIdleTimeout), connectTimeout: seconds('connect-timeout', given.connectTimeout),
    idleTimeout: seconds('idle-timeout', given.idleTimeout), grace: seconds('grace', given.grace),
  }
  const { record: recordTo, serve: _, ...rest } = config
  return {
    ...rest, ...Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined)),
    http: list('http'), tcp: list('tcp'), ftp: list('ftp'), udp: list('udp'),
    // First: what later plugins do isn't to be recorded with its secrets either.
    plugins: [...given.redact === true ? ['redact'] : [], ...config.plugins ?? [], ...given.plugin],
    ...(record === null ? {} : { record: recordingOf(recordTo, record) }),
    log: (line) => process.stderr.write(`${clearLine()}${printableLine(line)}\n`),
    onProblem: (message) => process.stderr.write(`${clearLine()}wiretape: ${message}\n`),
  }
}

/** Options of the command line come before the file's. */
function recordingOf(config: Config['record'], given: RecorderOptions): RecorderOptions {
  return { ...(typeof config === 'string' ? { path: config } : typeof config === 'object' ? config : {}), ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
}

/** Runs relays until they are told to stop. @param record null records nothing. @returns the exit code. */
export async function relay(given: RelayArguments, record: RecorderOptions | null): Promise<number> {
  const signals = new StopSignals()
  const { control: place, ...options } = await optionsOf(given, record)
  // Before the relay: a port that is taken leaves no recording.
  const control = place === undefined ? null : await BoundControl.bind(readControlAddress(place))
  // What nobody can ask for while it runs isn't made ready for.
  const injectable = control !== null
  const running = await startRelay({ ...options, injectable, empty: control !== null, signal: signals.signal }).catch(async (thrown: unknown) => {
    await control?.close()
    if (thrown === signals.signal.reason) return null
    throw thrown
  })
  if (running === null) return 0
  control?.attach(running)
  control?.open()
  const { grace = 5_000, plugins = [] } = options
  const over = untilStopped(running, control, grace, signals)
  printReady(running, control, given.json)
  if (running.path !== null) {
    console.log(given.json ? JSON.stringify({ type: 'recording', file: running.path }) : `recording to ${running.path}`)
  }
  if (plugins.length > 0 || control !== null) console.log(given.json ? JSON.stringify({ type: 'seed', seed: running.seed }) : `seed ${running.seed}`)
  const live = startLiveLine(running)
  await over
  live.stop()
  if (process.stderr.isTTY) {
    const { connections, records, bytesUp, bytesDown } = running.stats()
    process.stderr.write(`${formatCount(connections)} connections, ${running.path === null ? '' : `${formatCount(records)} records, `}`
      + `↑ ${formatBytes(bytesUp)} ↓ ${formatBytes(bytesDown)}${running.path === null ? '' : ` in ${running.path}`}\n`)
  }
  const { dropped } = running.stats()
  if (dropped > 0) process.stderr.write(`wiretape: ${dropped} bytes were not recorded: the disk was too slow; events of the kind dropped tell where\n`)
  return running.failure === null ? 0 : 1
}

/** Days of waiting are enough; timers can't be set for longer. */
const longest = 2_147_483

function seconds(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (!(typeof value === 'number' && value >= 0 && value <= longest)) throw new WiretapeError('usage', `--${name} ${JSON.stringify(value)}: expected seconds, from 0 to ${longest}`)
  return value * 1000
}
