import type { Socket } from 'node:net'
import { reasonOf, systemCodeOf } from '../error.js'
import type { ConnectionRecorder } from '../recording/recorder.js'
import { dial } from './dial.js'
import type { DialOptions, Dialled } from './dial.js'
import { Lane } from './lane.js'
import type { Inline } from './lane.js'

export interface ConnectionSettings {
  readonly dial: DialOptions
  readonly tap: ConnectionRecorder | null
  readonly inline: Inline | null
  /** Called once, when both sockets are gone. */
  readonly onOver: (connection: Connection) => void
}

/** Codes by which the system says that the peer tore the connection down instead of closing it. */
const resets = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/**
 * One client's connection and the one dialled for it, from accepting to both being gone. What happens on one side
 * happens on the other: data, a close of one direction, a reset.
 */
export class Connection {
  readonly #client: Socket
  readonly #settings: ConnectionSettings
  readonly #dialling: { abort(): void }
  #server: Dialled | null = null
  #up: Lane | null = null
  #down: Lane | null = null
  #open = 1
  #reason: string | null = null
  #error: string | null = null

  constructor(client: Socket, settings: ConnectionSettings) {
    this.#client = client
    this.#settings = settings
    client.on('error', (error) => this.#broken('client', error))
    client.once('close', () => this.#closed())
    this.#dialling = dial(
      { ...settings.dial, onRead: (bytes) => this.#down!.take(bytes) },
      (dialled) => this.#connected(dialled),
      (error) => this.#cut('connect failed', error))
  }

  get bytesUp(): number {
    return this.#up?.bytes ?? 0
  }

  get bytesDown(): number {
    return this.#down?.bytes ?? 0
  }

  /** Ends both sides now. @param reason why, for the record: `idle timeout`, `relay stopped`. */
  close(reason: string): void {
    this.#cut(reason, null)
  }

  #connected(dialled: Dialled): void {
    const client = this.#client
    const { socket, raw, tls } = dialled
    if (client.destroyed) {
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const { tap, inline } = this.#settings
    this.#server = dialled
    this.#open++
    socket.on('error', (error) => this.#broken('server', error))
    if (raw !== socket) raw.on('error', (error) => this.#broken('server', error))
    socket.once('close', () => this.#closed())
    tap?.connected({
      dial: addressOf(raw.localAddress, raw.localPort), server: addressOf(raw.remoteAddress, raw.remotePort), tls,
    })
    const up = new Lane('up', client, socket, tap, inline, false)
    const down = new Lane('down', socket, client, tap, inline, tls === null)
    this.#up = up
    this.#down = down
    client.on('data', up.takeOrPause)
    if (tls !== null) socket.on('data', down.takeOrPause)
    client.once('end', () => {
      this.#reason ??= 'client closed'
      up.end()
    })
    socket.once('end', () => {
      this.#reason ??= 'server closed'
      down.end()
    })
    client.resume()
    socket.resume()
  }

  #broken(side: 'client' | 'server', error: Error): void {
    const code = systemCodeOf(error)
    if (code !== null && resets.has(code)) {
      this.#reason ??= `${side} reset`
      this.#error ??= `${side} reset the connection`
    } else {
      this.#reason ??= `${side} failed`
      this.#error ??= `${side} connection failed: ${reasonOf(error)}`
    }
    // The other peer has to see it as it was: a FIN here would make a torn-down stream look complete.
    if (side === 'client') {
      this.#dialling.abort()
      if (this.#server !== null) reset(this.#server.raw, this.#server.socket)
    } else {
      reset(this.#client, this.#client)
    }
  }

  #cut(reason: string, error: string | null): void {
    this.#reason ??= reason
    this.#error ??= error
    this.#dialling.abort()
    this.#server?.socket.destroy()
    this.#client.destroy()
  }

  #closed(): void {
    if (--this.#open > 0) return
    this.#settings.tap?.closed({ reason: this.#reason ?? 'closed', error: this.#error })
    this.#settings.onOver(this)
  }
}

/** An IPv4 client of a dual-stack listener is told by its IPv4 address. */
export function addressOf(host: string | undefined, port: number | undefined): { host: string, port: number } | null {
  return host === undefined || port === undefined ? null : { host: host.replace(/^::ffff:(?=\d+\.)/, ''), port }
}

function reset(raw: Socket, socket: Socket): void {
  if (!raw.destroyed) raw.resetAndDestroy()
  if (socket !== raw) socket.destroy()
}
