import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { reasonOf, systemCodeOf } from '../../error.js'
import type { Direction } from '../../protocols/decoder.js'
import type { Address } from '../../recording/notes.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import { formatAddress } from '../address.js'
import type { PluggedDatagrams } from './plugged.js'

export interface UdpSessionOptions {
  readonly buffer: number
  readonly tap: ConnectionRecorder | null
  /** Sends a datagram to the client, from the port that it knows. */
  readonly reply: (bytes: Uint8Array, done: (error: Error | null) => void) => void
  /** The socket is connected to this one. */
  readonly onConnected: (server: Address) => void
  /** There was no descriptor for the socket. @param code the system's. */
  readonly onOutOfDescriptors: (code: string) => void
  /** Nobody takes what was sent, or there is no way there. */
  readonly onUnreachable?: (why: string) => void
  readonly onOver: (ending: UdpSessionEnding) => void
}

export interface UdpSessionEnding {
  readonly reason: string
  readonly error: string | null
}

/** Datagrams kept while the socket to the server is being made; a burst beyond it is lost, as on a full line. */
const earlyLimit = 1024

/** One client's exchange of datagrams with the server, over a socket that is connected to it, so that errors come back. */
export class UdpSession {
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 }
  /** Handed to the system, by direction. */
  readonly sent: Record<Direction, number> = { up: 0, down: 0 }
  /** Datagrams of both directions so far: an empty one has no bytes to show for it. */
  activity = 0
  /** What stands between receiving and sending; null where no plugin listens. */
  plugged: PluggedDatagrams | null = null
  readonly #options: UdpSessionOptions
  #server: Address | null = null
  #socket: Socket | null = null
  #connected = false
  #early: Uint8Array[] = []
  #error: string | null = null
  #over = false

  constructor(options: UdpSessionOptions) {
    this.#options = options
  }

  /** Plugins have datagrams of it that haven't gone on yet. */
  get holds(): boolean {
    return this.plugged?.holds === true
  }

  /** Connects to the first of the addresses that the system has a way to; it says so at once, without asking the server. */
  dial([server, ...others]: readonly Address[]): void {
    if (this.#over || server === undefined) return
    const { tap, buffer, onConnected } = this.#options
    const socket = createSocket({ type: isIPv6(server.host) ? 'udp6' : 'udp4' })
    this.#socket = socket
    this.#server = server
    socket.on('message', (bytes) => this.#fromServer(bytes))
    socket.on('error', (error) => {
      if (this.#connected) this.#failed(error)
      else if (socket === this.#socket) this.#notConnected(error, others)
    })
    socket.connect(server.port, server.host, (error?: Error | null) => {
      if (this.#over || socket !== this.#socket) return
      if (error !== undefined && error !== null) {
        this.#notConnected(error, others)
        return
      }
      enlarge(socket, buffer)
      const { address, port } = socket.address()
      tap?.connected({ dial: { host: address, port }, server, tls: null })
      this.#connected = true
      onConnected(server)
      for (const bytes of this.#early) this.#sendOn(socket, bytes)
      this.#early = []
    })
  }

  fromClient(bytes: Buffer): void {
    this.#take('up', bytes)
  }

  /** Sends a datagram on; what comes after the session is over goes nowhere. */
  send(direction: Direction, bytes: Uint8Array): void {
    if (this.#over) return
    if (direction === 'down') {
      this.sent.down += bytes.length
      this.#options.reply(bytes, (error) => {
        if (error !== null) this.#event('udp-undelivered', `a datagram of ${bytes.length} bytes did not reach the client: ${reasonOf(error)}`, 'down')
      })
    } else if (this.#connected) {
      this.#sendOn(this.#socket!, bytes)
    } else if (this.#early.length < earlyLimit) {
      this.#early.push(bytes)
    } else {
      this.#event('udp-dropped', 'a burst came before the socket to the server was there', 'up')
    }
  }

  close(reason: string): void {
    if (this.#over) return
    this.#over = true
    this.#socket?.close()
    this.plugged?.abandon(reason)
    const ending = { reason, error: this.#error }
    this.#options.tap?.closed(ending)
    this.#options.onOver(ending)
  }

  #fromServer(bytes: Buffer): void {
    this.#take('down', bytes)
  }

  #take(direction: Direction, bytes: Buffer): void {
    if (direction === 'up') this.bytes.up += bytes.length
    else this.bytes.down += bytes.length
    this.activity++
    this.#options.tap?.received(direction, bytes)
    if (this.plugged === null) this.send(direction, bytes)
    else this.plugged.take(direction, bytes)
  }

  /** A port that was unreachable for an earlier datagram is told to the next one, which the system doesn't send then: it is sent again. */
  #sendOn(socket: Socket, bytes: Uint8Array): void {
    this.sent.up += bytes.length
    socket.send(bytes, (error) => {
      if (error === null) return
      this.#failed(error)
      if (!this.#over && systemCodeOf(error) === 'ECONNREFUSED') socket.send(bytes, this.#sentAgain)
    })
  }

  readonly #sentAgain = (error: Error | null): void => {
    if (error !== null) this.#failed(error)
  }

  #notConnected(error: Error, others: readonly Address[]): void {
    if (this.#over) return
    const code = systemCodeOf(error)
    const outOfDescriptors = code === 'EMFILE' || code === 'ENFILE'
    if (others.length > 0 && !outOfDescriptors) {
      this.#event('udp-next-address', `${formatAddress(this.#server!)} cannot be reached (${code ?? reasonOf(error)}): ${formatAddress(others[0]!)} is tried`, 'up')
      this.#socket?.close()
      this.dial(others)
      return
    }
    this.#failed(error)
    this.close('connect failed')
    if (outOfDescriptors) this.#options.onOutOfDescriptors(code)
  }

  /** The server's side told something; the session lives on, as the next datagram may be taken. */
  #failed(error: Error): void {
    const code = systemCodeOf(error)
    const where = formatAddress(this.#server!)
    const text = code === 'ECONNREFUSED' ? `nobody listens on ${where} (port unreachable)`
      : code === 'EMSGSIZE' ? `a datagram is too large for the way to ${where}` : `sending to ${where} failed: ${reasonOf(error)}`
    this.#error ??= text
    this.#event(code === 'ECONNREFUSED' ? 'udp-unreachable' : 'udp-undelivered', text, 'up')
    if (code !== 'EMSGSIZE' && !this.#over) this.#options.onUnreachable?.(text)
  }

  #event(kind: string, text: string, direction: Direction): void {
    if (!this.#over) this.#options.tap?.event({ kind, source: 'relay', text, direction })
  }
}

/** Grows both buffers of a socket as far as the system allows. */
export function enlarge(socket: Socket, size: number): void {
  if (size === 0) return
  socket.setRecvBufferSize(size)
  socket.setSendBufferSize(size)
}
