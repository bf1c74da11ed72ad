import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { reasonOf, systemCodeOf } from '../../../error.js'

/** A socket, or why none can be had. */
type Opened = { readonly socket: Socket, readonly port: number } | { readonly refused: string }

/** The sockets of the clients that are repeated. Where the process may have no more of them, one waits until another is given back. */
export class ClientSockets {
  readonly #host: string
  readonly #signal: AbortSignal
  #open = 0
  #waiting: (() => void)[] = []

  /** @param signal nothing is opened any more. */
  constructor(host: string, signal: AbortSignal) {
    this.#host = host
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake())
  }

  /** @returns null where the run was ended before. */
  async open(): Promise<Opened | null> {
    while (!this.#signal.aborted) {
      const opened = await this.#bind()
      if ('socket' in opened) {
        this.#open++
        return opened
      }
      if (!isScarce(opened.error) || this.#open === 0) return { refused: reasonOf(opened.error) }
      await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
    }
    return null
  }

  close(socket: Socket): void {
    socket.close()
    this.#open--
    this.#wake()
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }

  async #bind(): Promise<{ readonly socket: Socket, readonly port: number } | { readonly error: unknown }> {
    const socket = createSocket(isIPv6(this.#host) ? 'udp6' : 'udp4')
    return new Promise((resolve) => {
      const failed = (error: Error): void => {
        socket.close()
        resolve({ error })
      }
      socket.once('error', failed)
      socket.bind(0, this.#host, () => {
        socket.off('error', failed)
        // What the system refuses from here on is lost, as datagrams are.
        socket.on('error', () => {})
        resolve({ socket, port: socket.address().port })
      })
    })
  }
}

/** Too many files are open. */
function isScarce(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCodeOf(error) ?? '')
}
