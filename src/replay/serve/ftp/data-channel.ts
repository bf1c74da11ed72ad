import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Address } from '../../../recording/notes.js'
import { DataListener } from '../../../relay/ftp/data-listener.js'

/** How long a data connection is waited for after the command that needs it, in ms; so long, too, a port stays open unused. */
const usualPatience = 60_000

/**
 * The data connection that a client has prepared last: a port of ours, on which only the client's host may connect, or an address of the
 * client's, which is dialled once it is needed.
 */
export class DataChannel {
  #listener: DataListener | null = null
  #accepted: Socket | null = null
  #waiting: ((socket: Socket) => void) | null = null
  #dial: Address | null = null
  #closed = false
  readonly #patience: number

  /** @param patience in ms; a minute where absent. */
  constructor(patience: number = usualPatience) {
    this.#patience = patience
  }

  get prepared(): boolean {
    return this.#listener !== null || this.#accepted !== null || this.#dial !== null
  }

  /** Whether the client is to be dialled. */
  get active(): boolean {
    return this.#dial !== null
  }

  /** @param host our own address. @param peer the only one that may connect. @throws WiretapeError `bind`. */
  async listen(host: string, peer: string): Promise<number> {
    this.#forget()
    const listener = await DataListener.open({
      host, ports: null, peer, patience: this.#patience,
      onConnection: (socket) => {
        if (this.#listener !== listener) {
          socket.on('error', () => {}).destroy()
          return
        }
        // What happens before anybody takes it is found out then.
        socket.on('error', () => {})
        const waiting = this.#waiting
        if (waiting === null) this.#accepted = socket
        else waiting(socket)
      },
      onForeign: () => {},
    })
    if (this.#closed) listener.close()
    this.#listener = listener
    return listener.port
  }

  /** The client listens there. */
  dialAt(address: Address): void {
    this.#forget()
    this.#dial = address
  }

  /** The data connection, paused; null where none comes, or none can be made. What was prepared is used up. */
  async take(signal: AbortSignal): Promise<Socket | null> {
    const socket = this.#dial === null ? await this.#arrival(signal) : await dialled(this.#dial, this.#patience, signal)
    this.#accepted = null
    this.#forget()
    return socket
  }

  close(): void {
    this.#closed = true
    this.#forget()
  }

  #forget(): void {
    this.#listener?.close()
    this.#accepted?.destroy()
    this.#listener = this.#accepted = this.#dial = null
  }

  #arrival(signal: AbortSignal): Promise<Socket | null> {
    if (this.#accepted !== null || this.#listener === null || signal.aborted) return Promise.resolve(signal.aborted ? null : this.#accepted)
    return within<Socket>(this.#patience, signal, (done) => {
      this.#waiting = done
    }).finally(() => {
      this.#waiting = null
    })
  }
}

function dialled({ host, port }: Address, patience: number, signal: AbortSignal): Promise<Socket | null> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  return within<Socket>(patience, signal, (done) => {
    socket.once('connect', () => done(socket))
    socket.on('error', () => done(null))
  }).then((made) => {
    if (made === null) socket.destroy()
    return made?.pause() ?? null
  })
}

/** What `start` says is done; null where it takes too long, or `signal` ends it. */
function within<T>(patience: number, signal: AbortSignal, start: (done: (value: T | null) => void) => void): Promise<T | null> {
  return new Promise((resolve) => {
    const done = (value: T | null): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', gaveUp)
      resolve(value)
    }
    const gaveUp = (): void => done(null)
    const timer = setTimeout(gaveUp, patience).unref()
    signal.addEventListener('abort', gaveUp, { once: true })
    if (signal.aborted) gaveUp()
    else start(done)
  })
}
