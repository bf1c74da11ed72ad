import { randomInt } from 'node:crypto'
import type { Socket } from 'node:net'
import { formatAddress } from '../address.js'
import { addressOf } from '../connection.js'
import { Listener } from '../listener.js'
import { systemCodeOf, WiretapeError } from '../../error.js'

/**
 * Dynamic ports (RFC 6335 §6), those above what Linux hands out by itself. They are asked for by number: to find a free one, the system
 * looks through all that are still in TIME_WAIT, which after some thousand transfers took it longer than the transfers. Ours
 * aren't in its way either when it looks for one to dial from.
 */
const dynamicPorts = { first: 61_000, last: 65_535 }

/** How long a prepared data connection may stay unused, in ms: servers wait about as long. */
const usualPatience = 60_000

/** Strangers that are told of one by one; whoever wants to can send any number of them. */
const strangersTold = 3

export interface DataListenerOptions {
  /** The relay's own address on the side where it listens. */
  readonly host: string
  readonly ports: { readonly first: number, readonly last: number } | null
  /** The only address that may connect: the control connection's peer on that side. */
  readonly peer: string
  /** How long the port is open without being used, in ms; a minute where absent. */
  readonly patience?: number
  readonly onConnection: (socket: Socket) => void
  /** Called for the first few that are turned away. */
  readonly onForeign: (text: string) => void
}

/** Waits for one data connection, from the peer that it is meant for, for a limited time (RFC 2577 §4). */
export class DataListener {
  readonly #listener: Listener
  readonly #timer: NodeJS.Timeout

  private constructor(listener: Listener, patience: number) {
    this.#listener = listener
    this.#timer = setTimeout(() => this.close(), patience).unref()
  }

  /** @throws WiretapeError `bind` where no port can be had. */
  static async open(options: DataListenerOptions): Promise<DataListener> {
    const ports = options.ports ?? dynamicPorts
    const count = ports.last - ports.first + 1
    // Somewhere else each time: a port just closed may still be waited for by a late client. Of the system's own range, nobody can
    // tell which is next; two relays side by side would follow each other through it otherwise.
    const start = options.ports === null ? randomInt(count) : nextStart++ % count
    for (let tried = 0; ; tried++) {
      try {
        return await DataListener.#bind(options, ports.first + (start + tried) % count)
      } catch (thrown) {
        if (systemCodeOf((thrown as Error).cause) !== 'EADDRINUSE') throw thrown
        if (tried + 1 < count) continue
        const all = count === 1 ? `the one port ${ports.first} is` : `all ${count} ports from ${ports.first} to ${ports.last} are`
        throw new WiretapeError('bind', `${all} in use, by data connections that were prepared and not used yet (a minute at most) or by other programs${
          options.ports === null ? '' : ': --ftp-data-ports takes a wider range'}`, { cause: thrown })
      }
    }
  }

  get port(): number {
    return this.#listener.address.port
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listener.close()
  }

  static async #bind(options: DataListenerOptions, port: number): Promise<DataListener> {
    let served = false
    let strangers = 0
    const listener = await Listener.bind({ host: options.host, port }, (socket) => {
      const from = addressOf(socket.remoteAddress, socket.remotePort)
      if (served || from?.host !== options.peer) {
        socket.on('error', () => {}).destroy()
        if (!served && strangers++ < strangersTold) {
          const more = strangers === strangersTold ? '; no more are told of at this port' : ''
          options.onForeign(`${from === null ? 'somebody' : formatAddress(from)} connected to the data port of ${options.peer} and was turned away${more}`)
        }
        return
      }
      served = true
      options.onConnection(socket)
      // After the dialling: the server waits for that, nobody for this.
      made.close()
    }, () => {})
    const made = new DataListener(listener, options.patience ?? usualPatience)
    return made
  }
}

let nextStart = 0
