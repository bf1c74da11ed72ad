import type { Socket } from 'node:net'
import { systemCodeOf } from '../error.js'
import type { Action } from '../plugins/actions.js'
import type { ConnectionPlugins } from '../plugins/connection-plugins.js'
import type { ConnectionInfo } from '../plugins/messages.js'
import type { PluginSet } from '../plugins/plugin-set.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import type { Recorder } from '../recording/recorder.js'
import { formatAddress } from './address.js'
import type { RelayAddress, Target } from './address.js'
import { addressOf, Connection } from './connection.js'
import type { ConnectionEnding } from './ending.js'
import { closing, masksOf, opening, stagesOf } from './connection-hooks.js'
import { outOfDescriptors } from './file-descriptors.js'
import { FtpControl } from './ftp/control.js'
import type { DataConnection } from './ftp/data-connection.js'
import { listensToTransfers, PluggedTransfer } from './ftp/transfer-hooks.js'
import { holdSocket } from './held-socket.js'
import { ExchangeWatch } from './http/exchange-watch.js'
import { HttpSession } from './http/session.js'
import type { HttpSessionSettings } from './http/session.js'
import type { Journal } from './journal.js'
import { listening } from './listening.js'
import type { Carried, OpenConnections } from './open-connections.js'
import type { RelaySettings } from './options.js'
import { readBuffered } from './reads.js'
import { resetSocket } from './reset-socket.js'
import { retargetTo } from './retarget.js'
import { RewriteHost } from './rewrite-host.js'

export interface CarrierOptions {
  readonly settings: RelaySettings
  readonly plugins: PluginSet
  readonly journal: Journal
  readonly recorder: Recorder | null
  readonly open: OpenConnections
  readonly onProblem: (kind: string, message: string) => void
}

/** Takes accepted sockets and makes connections of them: asks the plugins, opens the record, dials. */
export class Carrier {
  readonly #options: CarrierOptions
  readonly #ordinals = new Map<number, number>()
  #stopping = false

  constructor(options: CarrierOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopping = true
  }

  /** @param relay its ordinal among those started together. @param number by which the recorder knows it. */
  accept(accepted: Socket, address: RelayAddress, relay: number, number: number): void {
    const { recorder, settings } = this.#options
    if (this.#stopping) {
      accepted.on('error', () => {}).destroy()
      return
    }
    // Each connection would be read once before it pauses: while the recorder is behind, none is begun.
    if (recorder?.behind === true) {
      recorder.once('ready', () => this.accept(accepted, address, relay, number))
      return
    }
    if (!this.#hasRoom(accepted)) return
    const client = readBuffered(accepted)
    const { protocol } = address
    const ordinal = (this.#ordinals.get(relay) ?? 0) + 1
    this.#ordinals.set(relay, ordinal)
    const info: ConnectionInfo = {
      relay, ordinal, protocol, client: addressOf(client.remoteAddress, client.remotePort),
      listen: addressOf(client.localAddress, client.localPort), target: address.target.text,
    }
    const tap = recorder?.open({
      relay: number, protocol, transport: 'tcp', scheme: 'http', keepPasswords: settings.ftp.keepPasswords,
      client: info.client, listen: info.listen,
    }) ?? null
    const plugins = this.pluginsFor(info, tap)
    this.#opened(plugins, client, 'client', tap, address.target, (target) => this.#carry(client, { ...address, target }, number, tap, plugins))
  }

  /** The plugins of one connection, telling the record of it what they do. */
  pluginsFor(info: ConnectionInfo, tap: ConnectionRecorder | null): ConnectionPlugins {
    const { plugins: all, journal } = this.#options
    const plugins = all.for(info, listening[info.protocol], (event) => {
      journal.add(info, event)
      tap?.event(event)
    })
    if (plugins.listensTo('recording')) tap?.maskWith((direction) => masksOf(plugins, direction), info.protocol === 'http')
    return plugins
  }

  #carry(client: Socket, { protocol, target, unreachable }: RelayAddress, number: number, tap: ConnectionRecorder | null, plugins: ConnectionPlugins): void {
    const { settings: { insecure, connectTimeout, keptAwayFrom, rewriteHost, injectable, ftp }, open } = this.#options
    if (protocol === 'http' && plugins.listensTo('http')) {
      open.add(protocol, tap, this.#session(client, target, tap, plugins), plugins.info)
      return
    }
    const watch = protocol === 'http' && injectable ? new ExchangeWatch() : null
    const control = protocol !== 'ftp' ? null : new FtpControl({
      settings: ftp, tap, client, plugins,
      onCut: (reason) => connection.reset(reason), onClose: (reason) => connection.finish(reason),
      onData: (data) => this.#acceptData(data, number, tap, plugins, control!, connection),
    })
    const connection: Connection = new Connection(client, {
      tap, dial: { target, timeout: connectTimeout, insecure, keptAwayFrom }, unreachable,
      inline: control ?? (protocol === 'http' && rewriteHost ? new RewriteHost(target.authority, tap) : null),
      plugins, stages: stagesOf(plugins),
      handOver: watch === null ? null : {
        watch, wanted: () => plugins.listensTo('http'),
        take: (from, handedOver) => open.replace(from, this.#session(client, target, tap, plugins, { ...handedOver, decoder: watch.decoder })),
      },
      onConnected: (server) => control?.connected(server),
      onDialFailed: (_error, code) => this.#dialFailed(code),
      onOver: (over, ending) => this.#over(over, plugins, ending),
    })
    open.add(protocol, tap, connection, plugins.info)
  }

  #session(client: Socket, target: Target, tap: ConnectionRecorder | null, plugins: ConnectionPlugins, standing?: HttpSessionSettings['standing']): HttpSession {
    const { insecure, connectTimeout, keptAwayFrom, rewriteHost } = this.#options.settings
    return new HttpSession(client, {
      target, connectTimeout, insecure, keptAwayFrom, rewriteHost, tap, plugins, stages: () => stagesOf(plugins), standing,
      onDialFailed: (_error, code) => this.#dialFailed(code),
      onOver: (over, ending) => this.#over(over, plugins, ending),
    })
  }

  /** A data connection is one of its own: it lives on when its control connection has ended. */
  #acceptData(data: DataConnection, number: number, controlTap: ConnectionRecorder | null, parent: ConnectionPlugins, control: FtpControl, controlConnection: Connection): void {
    const { accepted, dial, setup } = data
    if (!this.#hasRoom(data.socket)) {
      controlTap?.event({ kind: 'ftp-data-refused', source: 'relay', text: `out of file descriptors: the data connection that ${setup.form} asked for was turned away` })
      return
    }
    const socket = readBuffered(data.socket)
    const from = addressOf(socket.remoteAddress, socket.remotePort)
    const listen = addressOf(socket.localAddress, socket.localPort)
    const tap = controlTap?.child({
      relay: number, protocol: 'ftp-data', transport: 'tcp', role: 'data', ftp: setup,
      client: accepted === 'client' ? from : null, server: accepted === 'server' ? from : null, listen,
    }) ?? null
    const text = formatAddress(dial)
    const target: Target = { ...dial, secure: false, authority: text, text }
    const info: ConnectionInfo = {
      relay: parent.info.relay, ordinal: setup.command, protocol: 'ftp-data', client: accepted === 'client' ? from : null, listen, target: text, parent: parent.info,
    }
    const plugins = this.pluginsFor(info, tap)
    this.#opened(plugins, socket, accepted, tap, target, (to) => {
      if (!listensToTransfers(parent)) {
        this.#carryData({ ...data, socket }, to, tap, plugins, null, controlConnection)
        return
      }
      const held = holdSocket(socket, this.#options.open, info, accepted, (reason) => this.#gone(reason, tap, plugins))
      PluggedTransfer.begin(parent, control.plugged!.transfers, info, setup, (transfer) => {
        if (held.release()) this.#carryData({ ...data, socket }, to, tap, plugins, transfer, controlConnection)
      })
    })
  }

  #carryData({ socket, accepted, localAddress }: DataConnection, target: Target, tap: ConnectionRecorder | null, plugins: ConnectionPlugins, transfer: PluggedTransfer | null, control: Connection): void {
    const { settings: { connectTimeout, keptAwayFrom }, open } = this.#options
    const ofStream = stagesOf(plugins)
    const connection: Connection = new Connection(socket, {
      tap, accepted, inline: null, plugins, stages: (direction) => [...ofStream(direction), ...transfer?.stages(direction) ?? []],
      dial: { target, timeout: connectTimeout, insecure: false, keptAwayFrom, localAddress },
      // Both peers see it end: one that never came would be waited for.
      onConnected: () => {
        if (transfer?.ending === 'reset') connection.reset('reset by a plugin')
        else if (transfer?.ending === 'close') connection.close('closed by a plugin')
      },
      onDialFailed: (_error, code) => this.#dialFailed(code),
      onOver: (over, ending) => {
        transfer?.over(over.bytes, ending)
        this.#over(over, plugins, ending)
      },
    })
    open.add('ftp', tap, connection, plugins.info, control)
  }

  /** Asks the plugins before anything is dialled. */
  #opened(plugins: ConnectionPlugins, socket: Socket, side: 'client' | 'server', tap: ConnectionRecorder | null, target: Target, go: (target: Target) => void): void {
    if (!plugins.has(opening)) {
      go(target)
      return
    }
    const held = holdSocket(socket, this.#options.open, plugins.info, side, (reason) => this.#gone(reason, tap, plugins))
    plugins.run(opening, null, (call) => call(plugins.info), (actions) => {
      if (!held.release()) return
      const ending = actions.find(({ action }) => action === 'close' || action === 'reset')
      if (ending !== undefined) {
        socket.on('error', () => {})
        if (ending.action === 'reset') resetSocket(socket)
        else socket.destroy()
        this.#gone('refused by a plugin', tap, plugins)
        return
      }
      go(this.#retargeted(actions, plugins, target))
    })
  }

  #retargeted(actions: readonly Action[], plugins: ConnectionPlugins, target: Target): Target {
    const to = actions.findLast((action) => action.action === 'retarget')
    if (to === undefined) return target
    try {
      return retargetTo(plugins.info.protocol === 'http' ? 'http' : 'tcp', to.target, plugins.info)
    } catch (thrown) {
      plugins.tell({ kind: 'plugin-failed', source: 'relay', hook: opening.path, text: `retarget(${to.target}): ${(thrown as Error).message}; it goes to ${target.text}` })
      return target
    }
  }

  /** Ended before anything was made of it. */
  #gone(reason: string, tap: ConnectionRecorder | null, plugins: ConnectionPlugins): void {
    this.#options.plugins.release(plugins)
    tap?.closed({ reason, error: null })
  }

  #over(connection: Carried, plugins: ConnectionPlugins, { reason, error }: ConnectionEnding): void {
    this.#options.open.remove(connection)
    this.#options.plugins.release(plugins)
    if (!plugins.has(closing)) return
    const { up, down } = connection.bytes
    plugins.run(closing, null, (call) => call({ connection: plugins.info, reason, error, bytesUp: up, bytesDown: down }), () => {})
  }

  #hasRoom(socket: Socket): boolean {
    if (this.#options.open.hasRoom('tcp')) return true
    socket.on('error', () => {}).destroy()
    this.#outOfDescriptors('EMFILE')
    return false
  }

  #dialFailed(code: string | null): void {
    if (code === 'EMFILE' || code === 'ENFILE') this.#outOfDescriptors(code)
  }

  acceptFailed(error: Error, address: RelayAddress): void {
    const code = systemCodeOf(error)
    if (code === 'EMFILE' || code === 'ENFILE') this.#outOfDescriptors(code)
    else this.#options.onProblem(code ?? error.message, `accepting for ${address.target.text} failed: ${error.message}`)
  }

  #outOfDescriptors(code: string): void {
    this.#options.onProblem('descriptors', outOfDescriptors(code, this.#options.open.size))
  }
}
