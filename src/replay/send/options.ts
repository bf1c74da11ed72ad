import { WiretapeError } from '../../error.js'
import type { PluginUse } from '../../plugins/uses.js'
import type { RecorderOptions } from '../../recording/recorder.js'
import type { Protocol } from '../../relay/address.js'
import type { AnswerDifference } from '../compare/comparison.js'
import { readIgnored } from '../compare/ignored.js'
import type { Ignored } from '../compare/ignored.js'
import { checkOptions } from '../../recording/known-options.js'
import type { OptionKinds } from '../../recording/known-options.js'
import { Pace } from '../pace.js'
import type { Timing } from '../pace.js'
import { longestTimer } from '../timers.js'
import type { SendProgress } from './send-result.js'

export interface SendOptions {
  /** Where to send: a URL for HTTP, `host:port` for the other protocols. */
  readonly to: string
  /** Which protocol, where several were recorded. */
  readonly protocol?: Protocol
  /** Which recorded relay, where several led to different targets: its target, where it listened, its port, or its name (`http-8080`). */
  readonly relay?: string
  /** `max` (the default) goes on as soon as it can, `recorded` keeps the recorded gaps, `2x` halves them. */
  readonly speed?: Timing
  /** `as-recorded` (the default), or how many connections HTTP requests are dealt out to. */
  readonly connections?: 'as-recorded' | number
  /** An SQL condition over the view of the protocol (`http_exchange`, `connection` or `ftp_session`): only these are sent. */
  readonly where?: string
  /** What `Host` names: the `target` (the default), or the `recorded` host. */
  readonly host?: 'target' | 'recorded'
  /** Where the new traffic is recorded: a path, or options; a new file in `recordings/` where absent. */
  readonly record?: string | RecorderOptions
  /** Plugins that the new traffic passes: a hook can carry a token from an answer into a later request. */
  readonly plugins?: readonly PluginUse[]
  /** What every random choice of the plugins follows from. */
  readonly seed?: number
  /** Takes a line of a plugin's log. */
  readonly log?: (line: string) => void
  /** What isn't compared, as `compareRecordings` takes it. */
  readonly ignore?: readonly string[]
  /** Accept the certificate of an `https://` target unverified. */
  readonly insecure?: boolean
  /** `send`: also what has masked values, as a plugin puts the true ones in. */
  readonly masked?: 'skip' | 'send'
  /** FTP: what PASS says where the recording has it masked. */
  readonly password?: string
  /** Ms without a byte after which an answer isn't waited for any longer: 30,000 by default for HTTP and FTP, 5,000 for TCP, 2,000 for UDP. */
  readonly patience?: number
  /** Where anything wasn't sent, the run isn't `equal`. */
  readonly strict?: boolean
  /** Ends the run early: nothing more is begun, and what was is compared. */
  readonly signal?: AbortSignal
  /** Told how far it has come, some times a second. */
  readonly onProgress?: (progress: SendProgress) => void
  /** Told of each difference as it is found. */
  readonly onDifference?: (difference: AnswerDifference) => void
  /** Told of problems of the new recording. */
  readonly onProblem?: (message: string) => void
}

export interface SendSettings {
  readonly pace: Pace
  /** 0: as recorded. */
  readonly connections: number
  readonly where: string | undefined
  readonly hostOfTarget: boolean
  readonly sendMasked: boolean
  readonly password: string | null
  /** Ms; null for what the protocol has by default. */
  readonly patience: number | null
  readonly ignored: Ignored
}

const mostConnections = 10_000

const known: OptionKinds<SendOptions> = {
  to: 'string', protocol: 'any', relay: 'any', speed: 'any', connections: 'any', where: 'string', host: 'any', record: 'any', plugins: 'list', seed: 'any', log: 'function', ignore: 'list',
  insecure: 'boolean', masked: 'any', password: 'any', patience: 'any', strict: 'boolean', signal: 'object', onProgress: 'function', onDifference: 'function', onProblem: 'function',
}

/** @throws WiretapeError `usage`, naming the option. */
export function readSendOptions(options: SendOptions): SendSettings {
  checkOptions('send', known, options, "{ to: 'http://127.0.0.1:3000' }")
  const { connections = 'as-recorded', host = 'target', masked = 'skip', patience } = options
  if (typeof options.to !== 'string' || options.to === '') throw new WiretapeError('usage', 'where to send is missing: --to TARGET, such as http://127.0.0.1:3000 or 127.0.0.1:5432')
  if (connections !== 'as-recorded' && !(Number.isSafeInteger(connections) && connections >= 1 && connections <= mostConnections)) {
    throw new WiretapeError('usage', `--connections ${String(connections)}: expected as-recorded, or a number from 1 to ${mostConnections}`)
  }
  if (host !== 'target' && host !== 'recorded') throw new WiretapeError('usage', `--host ${String(host)}: expected target or recorded`)
  if (masked !== 'skip' && masked !== 'send') throw new WiretapeError('usage', `--masked ${String(masked)}: expected skip or send`)
  if (patience !== undefined && !(Number.isFinite(patience) && patience > 0 && patience <= longestTimer)) throw new WiretapeError('usage', `--patience ${String(patience)}: expected milliseconds from 1 to ${longestTimer}`)
  if (typeof options.record === 'object' && options.record.append === true) throw new WiretapeError('usage', 'record: the new traffic is a recording of its own, and not appended to another')
  const { password } = options
  if (password !== undefined && (typeof password !== 'string' || /[\r\n\0]/.test(password))) throw new WiretapeError('usage', '--password: expected a text on one line')
  return {
    pace: new Pace(options.speed ?? 'max', '--speed'),
    connections: connections === 'as-recorded' ? 0 : connections,
    where: options.where, hostOfTarget: host === 'target', sendMasked: masked === 'send', password: password ?? null, patience: patience ?? null,
    ignored: readIgnored(options.ignore ?? []),
  }
}
