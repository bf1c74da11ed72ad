import type { Socket } from 'node:net'
import { WiretapeError, systemCodeOf } from '../error.js'
import { Recorder } from '../recording/recorder.js'
import type { Protocol, RelayAddress } from './address.js'
import { formatAddress } from './address.js'
import { addressOf, Connection } from './connection.js'
import { connectionCapacity } from './file-descriptors.js'
import { Listener } from './listener.js'
import { readRelayOptions } from './options.js'
import type { RelayOptions, RelaySettings } from './options.js'
import { RewriteHost } from './rewrite-host.js'
import { refuseLoops } from './loops.js'

/** How often open connections are looked at for idleness, in ms: timeouts are exact to this. */
const sweepInterval = 100

/** Ms for which an HTTP connection that last heard from the server has to be quiet to count as idle when stopping. */
const quietWhenStopping = 250

/** The same problem is told again after this long, in ms. */
const problemInterval = 10_000

export interface RelayListener {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** What a client is to be given: `http://127.0.0.1:8080`, or `host:port`. */
  readonly url: string
  readonly target: string
}

export interface RelayStats {
  readonly open: number
  readonly connections: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly records: number
}

type Open = { readonly protocol: Protocol, seenUp: number, seenDown: number, lastWasDown: boolean, quietSince: number }

/**
 * Starts relays and, where asked, a recording of all they carry. Resolves once every listener is bound.
 * @throws WiretapeError `usage` (an option, before anything is opened), `bind`, `exists`, `storage` and the other codes
 *   of opening a recording.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const relay = new Relay(readRelayOptions(options))
  try {
    await relay.start()
  } catch (thrown) {
    await relay.stop({ grace: 0 })
    throw thrown
  }
  return relay
}

/** Running relays. Made by `startRelay`. */
export class Relay {
  readonly listeners: RelayListener[] = []
  readonly #settings: RelaySettings
  #recorder: Recorder | null = null
  readonly #bound: Listener[] = []
  readonly #open = new Map<Connection, Open>()
  readonly #problems = new Map<string, number>()
  #sweeper: NodeJS.Timeout | null = null
  #capacity = Infinity
  #connections = 0
  #closedUp = 0
  #closedDown = 0
  #stopping: Promise<void> | null = null
  #cutNow: (() => void) | null = null

  /** Use `startRelay`. */
  constructor(settings: RelaySettings) {
    this.#settings = settings
  }

  /** The recording's path; null where nothing is recorded. */
  get path(): string | null {
    return this.#recorder?.path ?? null
  }

  /** The first listener's port, for the usual case of one. */
  get port(): number {
    return this.listeners[0]!.port
  }

  /** Why recording had to end; null while all is well. */
  get failure(): WiretapeError | null {
    return this.#recorder?.failure ?? null
  }

  /** Called once, when recording has to end: the disk is full, the file is gone. */
  onFailure(listener: (error: WiretapeError) => void): void {
    this.#recorder?.once('failed', listener)
  }

  stats(): RelayStats {
    let bytesUp = this.#closedUp
    let bytesDown = this.#closedDown
    for (const connection of this.#open.keys()) {
      bytesUp += connection.bytes.up
      bytesDown += connection.bytes.down
    }
    return { open: this.#open.size, connections: this.#connections, bytesUp, bytesDown, records: this.#recorder?.records ?? 0 }
  }

  /** Called by `startRelay`: binds every listener, and only then makes a recording, so that a taken port leaves none. */
  async start(): Promise<void> {
    const early: (() => void)[] = []
    let ready = false
    const relayNumbers: number[] = []
    for (const [index, address] of this.#settings.addresses.entries()) {
      const accept = (socket: Socket): void => this.#accept(socket, address, relayNumbers[index] ?? 0)
      this.#bound.push(await Listener.bind(
        address.listen, (socket) => ready ? accept(socket) : early.push(() => accept(socket)),
        (error) => this.#acceptFailed(error, address)))
    }
    refuseLoops(this.#settings.addresses, this.#bound.map((listener) => listener.address))
    const { record, onProblem } = this.#settings
    if (record !== null) {
      this.#recorder = await Recorder.open(record)
      this.#recorder.on('failed', (error) => onProblem(error.message))
    }
    for (const [index, { protocol, target }] of this.#settings.addresses.entries()) {
      const { address } = this.#bound[index]!
      const at = formatAddress(address)
      relayNumbers.push(this.#recorder?.addRelay(protocol, address, target.text) ?? 0)
      this.listeners.push({ protocol, ...address, target: target.text, url: protocol === 'http' ? `http://${at}` : at })
    }
    this.#sweeper = setInterval(() => this.#sweep(), sweepInterval).unref()
    this.#capacity = connectionCapacity()
    ready = true
    for (const accept of early) accept()
  }

  /**
   * Stops accepting, gives open connections `grace` ms to finish (idle HTTP connections aren't waited for), cuts the
   * rest and completes the recording. A second call with `grace: 0` cuts at once.
   */
  stop(options: { grace?: number } = {}): Promise<void> {
    const grace = options.grace ?? this.#settings.grace
    if (grace === 0) this.#cutNow?.()
    this.#stopping ??= this.#stop(grace)
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(grace: number): Promise<void> {
    for (const listener of this.#bound) listener.close()
    if (this.#open.size > 0 && grace > 0) {
      await new Promise<void>((resolve) => {
        const over = (): void => {
          clearTimeout(deadline)
          clearInterval(looking)
          resolve()
        }
        const deadline = setTimeout(over, grace)
        const looking = setInterval(() => {
          this.#closeQuiet()
          if (this.#open.size === 0) over()
        }, 10)
        this.#cutNow = over
      })
    }
    for (const connection of this.#open.keys()) connection.close('relay stopped')
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    await this.#recorder?.close()
  }

  #accept(client: Socket, address: RelayAddress, relay: number): void {
    const { insecure, connectTimeout, rewriteHost } = this.#settings
    const { protocol, target } = address
    if (this.#open.size >= this.#capacity) {
      client.on('error', () => {}).destroy()
      this.#outOfDescriptors('EMFILE')
      return
    }
    this.#connections++
    const tap = this.#recorder?.open({
      relay, protocol, transport: 'tcp', scheme: 'http',
      client: addressOf(client.remoteAddress, client.remotePort), listen: addressOf(client.localAddress, client.localPort),
    }) ?? null
    const connection = new Connection(client, {
      tap, dial: { target, timeout: connectTimeout, insecure },
      inline: protocol === 'http' && rewriteHost ? new RewriteHost(target.authority, tap) : null,
      onOver: (over) => this.#over(over),
    })
    this.#open.set(connection, { protocol, seenUp: 0, seenDown: 0, lastWasDown: false, quietSince: Date.now() })
  }

  #over(connection: Connection): void {
    this.#open.delete(connection)
    this.#closedUp += connection.bytes.up
    this.#closedDown += connection.bytes.down
  }

  #acceptFailed(error: Error, address: RelayAddress): void {
    const code = systemCodeOf(error)
    if (code === 'EMFILE' || code === 'ENFILE') this.#outOfDescriptors(code)
    else this.#problem(code ?? error.message, `accepting for ${address.target.text} failed: ${error.message}`)
  }

  #outOfDescriptors(code: string): void {
    this.#problem('descriptors', `out of file descriptors (${code}) at ${this.#open.size} connections: new ones are turned away until others close; `
      + 'raise the limit with ulimit -n')
  }

  #problem(kind: string, message: string): void {
    const now = Date.now()
    if (now - (this.#problems.get(kind) ?? 0) < problemInterval) return
    this.#problems.set(kind, now)
    this.#settings.onProblem(message)
    this.#recorder?.event({ kind: 'problem', source: 'relay', text: message })
  }

  #sweep(): void {
    const now = Date.now()
    const idle = this.#settings.idleTimeout
    for (const [connection, seen] of this.#open) {
      const { up, down } = connection.bytes
      if (up !== seen.seenUp || down !== seen.seenDown) {
        // Both may have moved since; for HTTP, bytes down that came with bytes up are most likely their answer.
        seen.lastWasDown = down !== seen.seenDown
        seen.seenUp = up
        seen.seenDown = down
        seen.quietSince = now
      } else if (idle > 0 && now - seen.quietSince >= idle) {
        connection.close('idle timeout')
      }
    }
  }

  #closeQuiet(): void {
    const now = Date.now()
    for (const [connection, seen] of this.#open) {
      const { up, down } = connection.bytes
      const quiet = up === seen.seenUp && down === seen.seenDown
        && now - seen.quietSince >= quietWhenStopping
      if (quiet && seen.protocol === 'http' && (seen.lastWasDown || seen.seenUp === 0)) connection.close('relay stopped')
    }
  }
}
