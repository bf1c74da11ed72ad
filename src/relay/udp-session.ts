import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { reasonOf, systemCodeOf } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import type { Address } from '../recording/notes.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import { formatAddress } from './address.js'

export interface UdpSessionOptions {
  readonly client: Address
  readonly server: Address
  readonly buffer: number
  readonly tap: ConnectionRecorder | null
  /** Sends a datagram to the client, from the port that it knows. */
  readonly reply: (bytes: Buffer, done: (error: Error | null) => void) => void
  /** The socket could not be had. @param code the system's. */
  readonly onFailed: (code: string | null) => void
  readonly onOver: () => void
}

/** Datagrams kept while the socket to the server is being made; a burst beyond it is lost, as on a full line. */
const earlyLimit = 1024

/** One client's exchange of datagrams with the server, over a socket that is connected to it, so that errors come back. */
export class UdpSession {
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 }
  readonly #options: UdpSessionOptions
  readonly #socket: Socket
  #connected = false
  #early: Buffer[] = []
  #error: string | null = null
  #over = false

  constructor(options: UdpSessionOptions) {
    const { server, tap } = options
    this.#options = options
    const socket = createSocket({ type: isIPv6(server.host) ? 'udp6' : 'udp4' })
    this.#socket = socket
    socket.on('message', (bytes) => this.#fromServer(bytes))
    socket.on('error', (error) => {
      this.#failed(error)
      // It never comes to connecting then: the socket itself could not be had.
      if (this.#connected || this.#over) return
      this.close('connect failed')
      options.onFailed(systemCodeOf(error))
    })
    socket.connect(server.port, server.host, (error?: Error) => {
      if (this.#over) return
      if (error !== undefined && error !== null) {
        this.#failed(error)
        this.close('connect failed')
        return
      }
      enlarge(socket, options.buffer)
      const { address, port } = socket.address()
      tap?.connected({ dial: { host: address, port }, server, tls: null })
      this.#connected = true
      for (const bytes of this.#early) socket.send(bytes, this.#sent)
      this.#early = []
    })
  }

  fromClient(bytes: Buffer): void {
    this.bytes.up += bytes.length
    this.#options.tap?.received('up', bytes)
    if (this.#connected) this.#socket.send(bytes, this.#sent)
    else if (this.#early.length < earlyLimit) this.#early.push(bytes)
    else this.#event('udp-dropped', 'a burst came before the socket to the server was there', 'up')
  }

  close(reason: string): void {
    if (this.#over) return
    this.#over = true
    this.#socket.close()
    this.#options.tap?.closed({ reason, error: this.#error })
    this.#options.onOver()
  }

  #fromServer(bytes: Buffer): void {
    this.bytes.down += bytes.length
    this.#options.tap?.received('down', bytes)
    this.#options.reply(bytes, (error) => {
      if (error !== null) this.#event('udp-undelivered', `a datagram of ${bytes.length} bytes did not reach the client: ${reasonOf(error)}`, 'down')
    })
  }

  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.#failed(error)
  }

  /** The server's side told something; the session lives on, as the next datagram may be taken. */
  #failed(error: Error): void {
    const code = systemCodeOf(error)
    const where = formatAddress(this.#options.server)
    const text = code === 'ECONNREFUSED' ? `nobody listens on ${where} (port unreachable)`
      : code === 'EMSGSIZE' ? `a datagram is too large for the way to ${where}` : `sending to ${where} failed: ${reasonOf(error)}`
    this.#error ??= text
    this.#event(code === 'ECONNREFUSED' ? 'udp-unreachable' : 'udp-undelivered', text, 'up')
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
