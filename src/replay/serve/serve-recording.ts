import { WiretapeError } from '../../error.js'
import { checkOptions } from '../../recording/known-options.js'
import type { OptionKinds } from '../../recording/known-options.js'
import { openRecording } from '../../recording/recording.js'
import type { Recording } from '../../recording/recording.js'
import { formatAddress } from '../../relay/address.js'
import type { Protocol } from '../../relay/address.js'
import { startHttp } from './http/start.js'
import { Pace } from '../pace.js'
import type { Timing } from '../pace.js'
import { startFtp } from './ftp/start-ftp.js'
import { refuseForeign } from './foreign-options.js'
import { readHttpServeOptions } from './http/options.js'
import type { HttpServeOptions } from './http/options.js'
import type { Miss } from './miss.js'
import { placeOf } from './recorded-relays.js'
import type { Place } from './recorded-relays.js'
import type { After, StandIn, StartStandIn } from './stand-in.js'
import { readTcpMatch } from './tcp/match.js'
import type { TcpMatch } from './tcp/match.js'
import { startTcp } from './tcp/start-tcp.js'
import { startUdp } from './udp/start-udp.js'

export interface ServeOptions extends HttpServeOptions {
  /**
   * Where to stand in for a recorded HTTP server: `'8080'`, or `'8080=http://127.0.0.1:3000'` where several were recorded: its target, where the relay
   * listened, or the relay's name. One or several; so for the other protocols. A number is a port.
   */
  readonly http?: number | string | readonly string[]
  readonly tcp?: number | string | readonly string[]
  readonly udp?: number | string | readonly string[]
  readonly ftp?: number | string | readonly string[]
  /** What the next one gets when all recorded answers to the same question have been given: `repeat` (the default), `cycle` or `miss`. */
  readonly after?: After
  /** What of a TCP client's words has to be as recorded: `exact` (the default) every byte, `prefix` the first 16 of each turn, `turn` nothing. */
  readonly tcpMatch?: TcpMatch
  /** `none` (the default) answers at once, `recorded` as it was, `2x` twice as fast. */
  readonly timing?: Timing
  /** Told of problems that aren't a client's doing. */
  readonly onProblem?: (message: string) => void
}

const known: OptionKinds<ServeOptions> = {
  http: 'any', tcp: 'any', udp: 'any', ftp: 'any', after: 'any', timing: 'any', tcpMatch: 'any', match: 'list', ignore: 'list', routes: 'list', refresh: 'list', onMiss: 'string', onProblem: 'function',
}

/** One listener of a server that stands in. */
export interface ServeListener {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** What a client is to be given: `http://127.0.0.1:8080`, or `host:port`. */
  readonly url: string
  /** Whom it stands in for. */
  readonly target: string
}

const starters: Readonly<Record<Protocol, StartStandIn>> = { http: startHttp, tcp: startTcp, udp: startUdp, ftp: startFtp }

/** The newest so many are kept. */
const mostMisses = 1_000

/**
 * Stands in for the servers of a recording. Resolves once every listener is bound. Nothing is dialled, unless `onMiss` says so.
 * @param file a recording's path.
 * @throws WiretapeError `usage`, `not-found`, `not-a-recording`, `bind` …
 */
export async function serveRecording(file: string, options: ServeOptions): Promise<RecordingServer> {
  const recording = openRecording(file)
  const server = new RecordingServer(recording)
  try {
    await server.start(options)
  } catch (thrown) {
    await server.stop()
    throw thrown
  }
  return server
}

/** Servers that answer as recorded. Made by `serveRecording`. */
export class RecordingServer {
  readonly #recording: Recording
  readonly #running: StandIn[] = []
  readonly #listeners: ServeListener[] = []
  readonly #misses: Miss[] = []
  readonly #onMiss: ((miss: Miss) => void)[] = []
  /** Protocols of which relays are served that nobody connected to. */
  readonly #silent = new Set<Protocol>()
  #served = 0
  #missed = 0
  #stopping: Promise<void> | null = null

  /** Use `serveRecording`. */
  constructor(recording: Recording) {
    this.#recording = recording
  }

  /** What is to be known of the recording as a whole, a sentence each. */
  get notes(): readonly string[] {
    const { masked, writer } = this.#recording.facts()
    return [
      ...this.#recording.ended || writer === String(process.pid) ? [] : ['it is still being written: what comes later isn\'t served'],
      ...[...this.#silent].map((protocol) => `nothing was recorded over ${protocol}`),
      ...masked === undefined ? [] : [`secrets in it were masked by ${masked}: answers have asterisks in their place`],
    ]
  }

  get listeners(): readonly ServeListener[] {
    return this.#listeners
  }

  /** The first listener's port, for the usual case of one. */
  get port(): number {
    return this.#listeners[0]!.port
  }

  /** Answers, transfers and datagrams given so far. */
  get served(): number {
    return this.#served
  }

  /** What there was no answer for, so many. */
  get missed(): number {
    return this.#missed
  }

  /** The newest 1,000 of them. */
  get misses(): readonly Miss[] {
    return this.#misses
  }

  onMiss(listener: (miss: Miss) => void): void {
    this.#onMiss.push(listener)
  }

  /** Called by `serveRecording`. */
  async start(options: ServeOptions): Promise<void> {
    checkOptions('serve', known, options, "{ http: '8080' }")
    const pace = new Pace(options.timing ?? 'none', '--timing')
    const after = options.after ?? 'repeat'
    if (!['repeat', 'cycle', 'miss'].includes(after)) throw new WiretapeError('usage', `--after ${after}: expected repeat, cycle or miss`)
    const http = readHttpServeOptions(options)
    const tcp = readTcpMatch(options.tcpMatch)
    const places = (['http', 'tcp', 'udp', 'ftp'] as const).flatMap((protocol) => listed(protocol, options[protocol]).map((text) => placeOf(protocol, text, this.#recording)))
    if (places.length === 0) throw new WiretapeError('usage', `nothing to serve: name at least one listener, such as ${this.#examples()}`)
    refuseForeign(options, places.map(({ protocol }) => protocol))
    if (http.onMiss.kind === 'record' && places.filter(({ protocol }) => protocol === 'http').length > 1) {
      throw new WiretapeError('usage', `--on-miss record=${http.onMiss.target.text}: for one --http listener alone: serve the others by a process of their own`)
    }
    for (const place of places) await this.#open(place, { pace, after, http, tcp, onProblem: options.onProblem ?? ((message) => process.emitWarning(message)) })
  }

  /** Ends all connections, and closes the recording. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      await Promise.all(this.#running.map((one) => one.close()))
      this.#recording.close()
    })()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #open(place: Place, rest: Pick<Parameters<StartStandIn>[0], 'pace' | 'after' | 'http' | 'tcp' | 'onProblem'>): Promise<void> {
    const { protocol, listen, relays, target } = place
    const running = await starters[protocol]({
      ...rest, recording: this.#recording, relays, listen, target,
      onServed: () => { this.#served++ },
      onMiss: (miss) => this.#take(miss),
    })
    this.#running.push(running)
    if (protocol !== 'ftp' && [...this.#recording.connections({ where: `protocol = '${protocol}' AND relay_id IN (${relays.join(', ')})`, limit: 1 })].length === 0) this.#silent.add(protocol)
    const { host, port } = running.address
    this.#listeners.push({ protocol, host, port, url: protocol === 'http' ? `http://${formatAddress({ host, port })}` : formatAddress({ host, port }), target })
  }

  #take(miss: Miss): void {
    this.#missed++
    this.#misses.push(miss)
    if (this.#misses.length > mostMisses) this.#misses.shift()
    for (const listener of this.#onMiss) listener(miss)
  }

  #examples(): string {
    const protocols = [...new Set(this.#recording.relays().map(({ protocol }) => protocol))]
    return protocols.length === 0 ? '--http 8080; but nothing was recorded' : protocols.map((protocol) => `--${protocol} 0`).join(' ')
  }
}

function listed(protocol: Protocol, given: unknown): readonly string[] {
  if (given === undefined) return []
  const all: readonly unknown[] = Array.isArray(given) ? given : [given]
  const wrong = all.find((one) => typeof one !== 'string' && typeof one !== 'number')
  if (wrong !== undefined || all.includes(undefined)) {
    throw new WiretapeError('usage', `serve: ${protocol}: expected a port, or text such as '8080' or '127.0.0.1:8080', or a list of them, not ${wrong === null ? 'null' : typeof wrong}`)
  }
  return all.map(String)
}
