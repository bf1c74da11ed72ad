import { createServer, type Server, type Socket } from 'node:net'
import { WiretapeError, reasonOf, systemCodeOf } from '../error.js'
import type { Address } from '../recording/notes.js'
import { formatAddress } from './address.js'

/** A listening TCP socket. Accepted sockets aren't read until they are resumed. */
export class Listener {
  readonly address: Address
  readonly #server: Server

  private constructor(server: Server, address: Address) {
    this.#server = server
    this.address = address
  }

  /**
   * @param onError what goes wrong with accepting later on; the listener lives on.
   * @throws WiretapeError `bind`, naming the address.
   */
  static async bind(address: Address, onAccept: (socket: Socket) => void, onError: (error: Error) => void): Promise<Listener> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: 1 }, onAccept)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new WiretapeError('bind', describe(cause, address), { cause })))
      server.listen({ host: address.host, port: address.port, backlog: 4096 }, resolve)
    })
    server.removeAllListeners('error')
    server.on('error', onError)
    const bound = server.address() as { address: string, port: number }
    return new Listener(server, { host: bound.address, port: bound.port })
  }

  /** Stops accepting; accepted connections are their owners'. */
  close(): void {
    this.#server.close()
  }
}

function describe(error: Error, address: Address): string {
  const where = formatAddress(address)
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE': return `${where} is taken: another program listens there; choose another port, or 0 for any free one`
    case 'EACCES': return `${where} may not be used: ports below 1024 need privileges`
    case 'EADDRNOTAVAIL': return `${where} cannot be listened on: this machine has no such address`
    case 'ENOTFOUND': return `${where} cannot be listened on: ${address.host} has no address`
    default: return `cannot listen on ${where}: ${reasonOf(error)}`
  }
}
