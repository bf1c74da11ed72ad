import type { Socket } from 'node:net'
import { WiretapeError, systemCodeOf } from '../error.js'
import type { Address } from '../recording/notes.js'
import { Recorder } from '../recording/recorder.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import type { Protocol, RelayAddress } from './address.js'
import { formatAddress } from './address.js'
import { addressOf, Connection } from './connection.js'
import { connectionCapacity } from './file-descriptors.js'
import { FtpControl } from './ftp/control.js'
import type { DataConnection } from './ftp/control.js'
import { Listener } from './listener.js'
import { OpenConnections } from './open-connections.js'
import { readRelayOptions } from './options.js'
import type { RelayOptions, RelaySettings } from './options.js'
import { UdpListener } from './udp.js'
import { RewriteHost } from './rewrite-host.js'
import { refuseLoops } from './loops.js'

/** How often open connections are looked at for idleness, in ms: timeouts are exact to this. */
const sweepInterval = 100

/** The same problem is told again after this long, in ms. */
const problemInterval = 10_000

export interface RelayListener {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** What a client is to be given: `http://127.0.0.1:8080`, or `host:port`. */
  readonly url: string
  readonly target: string
  /** UDP: bytes of receive buffer that the system really gave. */
  readonly buffer?: number
}

export interface RelayStats {
  readonly open: number
  readonly connections: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly records: number
}

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
  readonly #bound: { readonly address: Address, start?(): void, close(): void }[] = []
  readonly #open: OpenConnections
  readonly #problems = new Map<string, number>()
  #sweeper: NodeJS.Timeout | null = null
  #capacity = Infinity
  #stopping: Promise<void> | null = null
  #cutNow: (() => void) | null = null

  /** Use `startRelay`. */
  constructor(settings: RelaySettings) {
    this.#settings = settings
    this.#open = new OpenConnections(settings.idleTimeout, settings.udp.idleTimeout)
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
    return { ...this.#open.totals(), records: this.#recorder?.records ?? 0 }
  }

  /** Called by `startRelay`: binds every listener, and only then makes a recording, so that a taken port leaves none. */
  async start(): Promise<void> {
    const early: (() => void)[] = []
    let ready = false
    const relayNumbers: number[] = []
    for (const [index, address] of this.#settings.addresses.entries()) {
      if (address.protocol === 'udp') {
        this.#bound.push(await this.#bindUdp(address, () => relayNumbers[index] ?? 0))
        continue
      }
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
      const bound = this.#bound[index]!
      const { address } = bound
      const at = formatAddress(address)
      relayNumbers.push(this.#recorder?.addRelay(protocol, address, target.text) ?? 0)
      this.listeners.push({
        protocol, ...address, target: target.text, url: protocol === 'http' ? `http://${at}` : at,
        ...('buffer' in bound ? { buffer: bound.buffer as number } : {}),
      })
    }
    this.#sweeper = setInterval(() => this.#open.sweep(), sweepInterval).unref()
    this.#capacity = connectionCapacity()
    ready = true
    for (const accept of early) accept()
    for (const bound of this.#bound) bound.start?.()
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
        const looking = setInterval(() => void this.#open.closeIdle(this.#recorder).then(() => {
          if (this.#open.size === 0) over()
        }), 20)
        this.#cutNow = over
      })
    }
    this.#open.closeAll('relay stopped')
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    await this.#recorder?.close()
  }

  #accept(client: Socket, address: RelayAddress, relay: number): void {
    const { insecure, connectTimeout, rewriteHost, ftp } = this.#settings
    const { protocol, target } = address
    if (this.#stopping !== null) {
      client.on('error', () => {}).destroy()
      return
    }
    // Each connection would be read once before it pauses: while the recorder is behind, none is begun.
    if (this.#recorder?.behind === true) {
      this.#recorder.once('ready', () => this.#accept(client, address, relay))
      return
    }
    if (!this.#hasRoom(client)) return
    const tap = this.#recorder?.open({
      relay, protocol, transport: 'tcp', scheme: 'http', keepPasswords: ftp.keepPasswords,
      client: addressOf(client.remoteAddress, client.remotePort), listen: addressOf(client.localAddress, client.localPort),
    }) ?? null
    const control = protocol !== 'ftp' ? null : new FtpControl({
      settings: ftp, tap, client, onData: (data) => this.#acceptData(data, relay, tap),
    })
    this.#open.add(protocol, tap, new Connection(client, {
      tap, dial: { target, timeout: connectTimeout, insecure },
      inline: control ?? (protocol === 'http' && rewriteHost ? new RewriteHost(target.authority, tap) : null),
      onConnected: (server) => control?.connected(server),
      onDialFailed: (_error, code) => this.#dialFailed(code),
      onOver: (over) => this.#open.remove(over),
    }))
  }

  /** A data connection is one of its own: it lives on when its control connection has ended. */
  #acceptData({ socket, accepted, dial, localAddress, setup }: DataConnection, relay: number, control: ConnectionRecorder | null): void {
    if (!this.#hasRoom(socket)) return
    const from = addressOf(socket.remoteAddress, socket.remotePort)
    const tap = control?.child({
      relay, protocol: 'ftp-data', transport: 'tcp', role: 'data', ftp: setup,
      client: accepted === 'client' ? from : null, server: accepted === 'server' ? from : null,
      listen: addressOf(socket.localAddress, socket.localPort),
    }) ?? null
    const text = formatAddress(dial)
    this.#open.add('ftp', tap, new Connection(socket, {
      tap, accepted, inline: null,
      dial: { target: { ...dial, secure: false, authority: text, text }, timeout: this.#settings.connectTimeout, insecure: false, localAddress },
      onDialFailed: (_error, code) => this.#dialFailed(code),
      onOver: (over) => this.#open.remove(over),
    }))
  }

  #bindUdp(address: RelayAddress, relay: () => number): Promise<UdpListener> {
    const settings = this.#settings.udp
    return UdpListener.bind(address, {
      settings,
      openTap: (client, listen, server) => this.#recorder?.open({
        relay: relay(), protocol: 'udp', transport: 'udp', client, listen, server, decode: settings.decode,
      }) ?? null,
      onSession: (session) => this.#open.add('udp', null, session),
      onOver: (session) => this.#open.remove(session),
      onProblem: (kind, message) => this.#problem(kind, message),
    })
  }

  #hasRoom(socket: Socket): boolean {
    if (this.#open.size < this.#capacity) return true
    socket.on('error', () => {}).destroy()
    this.#outOfDescriptors('EMFILE')
    return false
  }

  #dialFailed(code: string | null): void {
    if (code === 'EMFILE' || code === 'ENFILE') this.#outOfDescriptors(code)
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
}
