import { connect, createServer, isIPv6 } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { once } from 'node:events'
import type { AnswerLimits } from '../answer-limits.js'

/** The client's end of one data connection: dialled, or waited for at a port of its own. */
export class FtpData {
  readonly #socket: Promise<Socket | null>
  readonly #server: Server | null
  readonly #signal: AbortSignal
  readonly #stop = (): void => this.close()
  #made: Socket | null = null

  private constructor(socket: Promise<Socket | null>, server: Server | null, signal: AbortSignal) {
    this.#socket = socket.then((made) => {
      this.#made = made
      made?.on('error', () => {})
      if (signal.aborted) made?.destroy()
      return made
    })
    this.#server = server
    this.#signal = signal
    signal.addEventListener('abort', this.#stop)
  }

  /** To where a PASV or EPSV reply says. @param signal ends it at once. */
  static dial(host: string, port: number, signal: AbortSignal): FtpData {
    const socket = connect({ host, port, noDelay: true })
    return new FtpData(new Promise((resolve) => {
      socket.once('connect', () => resolve(socket))
      socket.once('error', () => resolve(null))
      socket.once('close', () => resolve(null))
    }), null, signal)
  }

  /** At a port that PORT or EPRT is to name. */
  static async listen(host: string, signal: AbortSignal): Promise<{ readonly data: FtpData, readonly port: number }> {
    const server = createServer({ pauseOnConnect: true })
    const accepted = new Promise<Socket | null>((resolve) => {
      server.once('connection', (socket: Socket) => resolve(socket))
      server.once('close', () => resolve(null))
    })
    server.listen(0, host)
    await once(server, 'listening')
    return { data: new FtpData(accepted, server, signal), port: (server.address() as AddressInfo).port }
  }

  /**
   * Reads to the end, and keeps nothing: the relay records. @param left where the client broke it off; null where it didn't.
   * @returns why it was left before its end; null where it wasn't.
   */
  async download(left: { readonly bytes: number, readonly reset: boolean } | null, limits: AnswerLimits): Promise<string | null> {
    const socket = await this.#connected(limits)
    if (socket === null || socket.destroyed) return null
    const over = this.#over(socket, limits)
    let came = 0
    socket.on('data', (bytes) => {
      came += bytes.length
      if (left === null || came < left.bytes) return
      if (left.reset) socket.resetAndDestroy()
      else socket.destroy()
    })
    socket.resume()
    return over
  }

  /** Sends these bytes, and its end, or a reset. @returns why it was left before its end; null where it wasn't. */
  async upload(pieces: Iterable<Buffer>, reset: boolean, limits: AnswerLimits): Promise<string | null> {
    const socket = await this.#connected(limits)
    if (socket === null || socket.destroyed) return null
    const over = this.#over(socket, limits)
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
    return over
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#stop)
    this.#server?.close()
    this.#made?.destroy()
  }

  /** Resolves when the connection is over, at the latest when its limits are: with that, then. */
  #over(socket: Socket, limits: AnswerLimits): Promise<string | null> {
    return new Promise((resolve) => {
      let came = 0
      const leave = (why: string): void => {
        resolve(why)
        socket.destroy()
      }
      const timer = setTimeout(() => leave(limits.tooLong), limits.duration)
      socket.setTimeout(limits.silence, () => leave(limits.tooSilent))
      socket.on('data', (bytes) => {
        came += bytes.length
        if (came > limits.bytes) leave(limits.tooMuch)
      })
      socket.once('close', () => {
        clearTimeout(timer)
        resolve(null)
      })
    })
  }

  async #connected({ silence }: AnswerLimits): Promise<Socket | null> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => { timer = setTimeout(() => resolve(null), silence) })
    const socket = await Promise.race([this.#socket, late])
    clearTimeout(timer)
    this.#server?.close()
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
