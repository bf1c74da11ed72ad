import { connect, createServer, isIPv6 } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { once } from 'node:events'

/** The client's end of one data connection: dialled, or waited for at a port of its own. */
export class FtpData {
  readonly #socket: Promise<Socket | null>
  readonly #server: Server | null
  readonly #patience: number
  #made: Socket | null = null

  private constructor(socket: Promise<Socket | null>, server: Server | null, patience: number) {
    this.#socket = socket.then((made) => {
      this.#made = made
      made?.on('error', () => {})
      return made
    })
    this.#server = server
    this.#patience = patience
  }

  /** To where a PASV or EPSV reply says. */
  static dial(host: string, port: number, patience: number): FtpData {
    const socket = connect({ host, port, noDelay: true })
    socket.setTimeout(patience, () => socket.destroy())
    return new FtpData(new Promise((resolve) => {
      socket.once('connect', () => resolve(socket))
      socket.once('error', () => resolve(null))
      socket.once('close', () => resolve(null))
    }), null, patience)
  }

  /** At a port that PORT or EPRT is to name. */
  static async listen(host: string, patience: number): Promise<{ readonly data: FtpData, readonly port: number }> {
    const server = createServer({ pauseOnConnect: true })
    const accepted = new Promise<Socket | null>((resolve) => {
      server.once('connection', (socket: Socket) => resolve(socket))
      server.once('close', () => resolve(null))
    })
    server.listen(0, host)
    await once(server, 'listening')
    return { data: new FtpData(accepted, server, patience), port: (server.address() as AddressInfo).port }
  }

  /** Reads to the end, and keeps nothing: the relay records. @param left where the client broke it off; null where it didn't. */
  async download(left: { readonly bytes: number, readonly reset: boolean } | null): Promise<void> {
    const socket = await this.#connected()
    if (socket === null || socket.destroyed) return
    const over = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
    let came = 0
    socket.on('data', (bytes) => {
      came += bytes.length
      if (left === null || came < left.bytes) return
      if (left.reset) socket.resetAndDestroy()
      else socket.destroy()
    })
    socket.resume()
    await over
  }

  /** Sends these bytes, and its end, or a reset. */
  async upload(pieces: Iterable<Buffer>, reset: boolean): Promise<void> {
    const socket = await this.#connected()
    if (socket === null || socket.destroyed) return
    const over = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
    for (const piece of pieces) {
      if (socket.destroyed) break
      if (!socket.write(piece)) await Promise.race([new Promise<void>((resolve) => { socket.once('drain', () => resolve()) }), over])
    }
    socket.resume()
    if (reset) {
      if (socket.writableLength > 0) await Promise.race([new Promise<void>((resolve) => { socket.once('drain', () => resolve()) }), over])
      socket.resetAndDestroy()
    } else {
      socket.end()
    }
    await over
  }

  close(): void {
    this.#server?.close()
    this.#made?.destroy()
  }

  async #connected(): Promise<Socket | null> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => { timer = setTimeout(() => resolve(null), this.#patience) })
    const socket = await Promise.race([this.#socket, late])
    clearTimeout(timer)
    this.#server?.close()
    socket?.setTimeout(this.#patience, () => socket.destroy())
    return socket
  }
}

/** As PORT writes an address. */
export function portArgument(host: string, port: number): string {
  return `${host.replaceAll('.', ',')},${port >> 8},${port & 255}`
}

/** As EPRT writes it (RFC 2428 §2). */
export function eprtArgument(host: string, port: number): string {
  return `|${isIPv6(host) ? 2 : 1}|${host}|${port}|`
}
