import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { ExecutionContext } from 'ava'
import { within } from './deadline.js'

export interface Datagram {
  readonly bytes: Buffer
  readonly host: string
  readonly port: number
}

/** One end of an exchange of datagrams, read in steps: what a test expects next, it takes. */
export class DatagramPeer {
  readonly socket: Socket
  readonly port: number
  readonly #unread: Datagram[] = []
  #wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.socket = socket
    this.port = socket.address().port
    socket.on('message', (bytes, { address, port }) => {
      this.#unread.push({ bytes, host: address, port })
      this.#wake?.()
    })
  }

  /** Resolves when the system has taken it, so that what is sent next comes next. */
  async send(bytes: Uint8Array | string, port: number, host = '127.0.0.1'): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.socket.send(bytes, port, host, (error) => error === null ? resolve() : reject(error))
    })
  }

  async take(): Promise<Datagram> {
    const waiting = async (): Promise<Datagram> => {
      while (this.#unread.length === 0) await new Promise<void>((resolve) => this.#wake = resolve)
      return this.#unread.shift()!
    }
    return within(waiting(), `a datagram at port ${this.port}`)
  }

  async text(): Promise<string> {
    return (await this.take()).bytes.toString('latin1')
  }

  /** How many have come that nobody took. */
  get left(): number {
    return this.#unread.length
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(resolve))
  }
}

/** @param port 0 for any free one. */
export async function datagramPeer(t: ExecutionContext, host = '127.0.0.1', port = 0): Promise<DatagramPeer> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: 2 ** 21, sendBufferSize: 2 ** 21 })
  let open = true
  socket.on('close', () => open = false)
  t.teardown(() => void (open && socket.close()))
  await new Promise<void>((resolve, reject) => socket.once('error', reject).bind(port, host, resolve))
  return new DatagramPeer(socket)
}

/** Sends every datagram back to where it came from, also when there is nothing in it. */
export async function datagramEcho(t: ExecutionContext, host = '127.0.0.1', port = 0): Promise<DatagramPeer> {
  const peer = await datagramPeer(t, host, port)
  peer.socket.on('message', (bytes, from) => peer.socket.send(bytes, from.port, from.address))
  return peer
}
