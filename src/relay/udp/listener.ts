import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns'
import { isIPv6 } from 'node:net'
import { WiretapeError, reasonOf, systemCodeOf } from '../../error.js'
import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { ConnectionInfo } from '../../plugins/messages.js'
import type { Address } from '../../recording/notes.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import { formatAddress } from '../address.js'
import type { RelayAddress } from '../address.js'
import { addressOf } from '../connection.js'
import { enlarge, UdpSession } from './session.js'
import { askToClose, askToOpen } from './session-hooks.js'
import { Sessions } from './sessions.js'
import type { Place } from './sessions.js'
import { PluggedDatagrams } from './plugged.js'
import { resolveTarget } from './target.js'

export interface UdpSettings {
  /** Ms without a datagram either way after which a session is retired. */
  readonly idleTimeout: number
  /** Sessions at once; one more retires the longest idle. */
  readonly sessions: number
  /** Bytes asked of the system for each socket buffer; 0 leaves it its own. */
  readonly buffer: number
  /** What datagrams are read as, for the recording. */
  readonly decode: string
}

export interface UdpListenerOptions {
  readonly settings: UdpSettings
  readonly openTap: (client: Address, listen: Address, server: Address) => ConnectionRecorder | null
  /** The plugins of one session. @param ordinal among this relay's, from 1. */
  readonly pluginsFor: (ordinal: number, client: Address, listen: Address, tap: ConnectionRecorder | null) => ConnectionPlugins
  /** Whether the system has room for one session more; where not, that is told already. */
  /** The session is over. */
  readonly release: (plugins: ConnectionPlugins) => void
  readonly hasRoom: () => boolean
  readonly onOutOfDescriptors: (code: string) => void
  readonly onSession: (session: UdpSession, info: ConnectionInfo) => void
  readonly onOver: (session: UdpSession) => void
  /** The target doesn't take what a client sent. */
  readonly onUnreachable: (client: Address, why: string) => void
  readonly onProblem: (kind: string, message: string) => void
}

/** A UDP port and its sessions: one for each client address and port, each with a socket of its own to the target. */
export class UdpListener {
  readonly address: Address
  /** Bytes of receive buffer that the system really gave. */
  readonly buffer: number
  readonly #socket: Socket
  /** The target's addresses; the one that could be had last time comes first. */
  #servers: readonly Address[]
  readonly #options: UdpListenerOptions
  readonly #sessions = new Sessions()
  #ordinal = 0
  /** What came before `start`; null after it. */
  #early: (() => void)[] | null = []

  private constructor(socket: Socket, servers: readonly Address[], options: UdpListenerOptions) {
    const { address, port } = socket.address()
    this.address = { host: address, port }
    this.#socket = socket
    this.#servers = servers
    this.#options = options
    this.buffer = socket.getRecvBufferSize()
    socket.on('message', (bytes, from) => {
      if (this.#early === null) this.#receive(bytes, from)
      else this.#early.push(() => this.#receive(bytes, from))
    })
    socket.on('error', (error) => options.onProblem(systemCodeOf(error) ?? 'udp', `receiving on ${formatAddress(this.address)} failed: ${reasonOf(error)}`))
  }

  /** @throws WiretapeError `usage` for a target that can't be relayed to, `bind` for an address that can't be had. */
  static async bind(relay: RelayAddress, options: UdpListenerOptions): Promise<UdpListener> {
    const servers = await resolveTarget(relay.target)
    let bound = false
    const socket = createSocket({
      type: isIPv6(relay.listen.host) ? 'udp6' : 'udp4',
      // Clients are answered by their IP address: nothing to look up, and no wait for it at each datagram.
      lookup: (host, options, callback) => {
        if (bound) callback(null, host, options.family as number)
        else lookup(host, options, callback)
      },
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (cause) => {
        const where = formatAddress(relay.listen)
        const taken = systemCodeOf(cause) === 'EADDRINUSE'
        reject(new WiretapeError('bind', taken ? `${where} is taken: another program listens there; choose another port, or 0 for any free one`
          : `cannot listen on ${where}: ${reasonOf(cause)}`, { cause }))
      })
      socket.bind({ address: relay.listen.host, port: relay.listen.port, exclusive: true }, resolve)
    })
    bound = true
    socket.removeAllListeners('error')
    enlarge(socket, options.settings.buffer)
    return new UdpListener(socket, servers, options)
  }

  /** Begins to relay, with what has come since the port was bound. */
  start(): void {
    const early = this.#early ?? []
    this.#early = null
    for (const receive of early) receive()
  }

  /** Stops receiving, and retires every session. */
  close(): void {
    this.#socket.close()
    for (const session of this.#sessions) session.close('relay stopped')
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    const place = this.#sessions.find(from.address, from.port)
    if (place !== undefined) {
      this.#sessions.used(place)
      place.session.fromClient(bytes)
    } else if (this.#options.hasRoom()) {
      this.#open({ host: from.address, port: from.port }).fromClient(bytes)
    }
  }

  #open(client: Address): UdpSession {
    const { settings, openTap, onSession, onOver, onProblem, onOutOfDescriptors, pluginsFor, release } = this.#options
    if (this.#sessions.size >= settings.sessions) {
      onProblem('udp-sessions', `${settings.sessions} UDP sessions are open: the longest idle are retired for new ones; --udp-sessions allows more`)
      this.#sessions.longestIdle?.close('retired for a newer session')
    }
    const from = addressOf(client.host, client.port)!
    const tap = openTap(from, this.address, this.#servers[0]!)
    const plugins = pluginsFor(++this.#ordinal, from, this.address, tap)
    const session: UdpSession = new UdpSession({
      buffer: settings.buffer, tap, onOutOfDescriptors, onUnreachable: (why) => this.#options.onUnreachable(from, why),
      reply: (bytes, done) => {
        this.#sessions.used(place)
        this.#socket.send(bytes, client.port, client.host, done)
      },
      onConnected: (server) => {
        if (server !== this.#servers[0]) this.#servers = [server, ...this.#servers.filter((other) => other !== server)]
      },
      onOver: (ending) => {
        this.#sessions.remove(place)
        onOver(session)
        release(plugins)
        askToClose(plugins, session, ending)
      },
    })
    const place: Place = this.#sessions.add(client, session)
    onSession(session, plugins.info)
    const plug = (): void => {
      if (session.plugged !== null || !(plugins.listensTo('udp') || plugins.listensTo('dns'))) return
      session.plugged = new PluggedDatagrams({
        plugins, tap, decode: settings.decode, port: this.#servers[0]!.port, passed: { ...session.bytes }, ordinal: session.activity,
        send: (direction, bytes) => session.send(direction, bytes), cut: () => session.close('cut for a plugin'),
      })
    }
    plug()
    plugins.onChange(plug)
    askToOpen(plugins, session, () => this.#servers)
    return session
  }
}
