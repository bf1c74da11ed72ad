import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { within } from './deadline.js'

export type Bytes = string | Uint8Array

/** One end of a TCP connection, read in steps: what a test expects next, it takes. Strings are latin1. */
export class Peer {
  readonly socket: Socket
  /** 'end' after a FIN, an error code such as ECONNRESET after a failure, null while neither has come. */
  ending: string | null = null
  closed = false
  #unread: Buffer = Buffer.alloc(0)
  #changed: (() => void)[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes) => {
      this.#unread = Buffer.concat([this.#unread, bytes])
      this.#wake()
    })
    socket.on('end', () => this.#end('end'))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message))
    socket.on('close', () => {
      this.closed = true
      this.#end('closed')
    })
  }

  write(...pieces: Bytes[]): this {
    for (const piece of pieces) this.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
    return this
  }

  /** Sends a FIN; reading goes on. */
  finish(): this {
    this.socket.end()
    return this
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Bytes that have come and weren't taken. */
  get unread(): number {
    return this.#unread.length
  }

  takeAll(): Buffer {
    return this.#cut(this.#unread.length)
  }

  /** So much has come, or the connection has ended. */
  async atLeast(length: number): Promise<void> {
    await this.#until(() => this.#unread.length >= length || this.ending !== null, `${length} bytes or the end`)
  }

  async take(length: number): Promise<Buffer> {
    await this.#until(() => this.#unread.length >= length, `${length} bytes`)
    return this.#cut(length)
  }

  /** Everything up to and with `text`. */
  async through(text: string): Promise<string> {
    await this.#until(() => this.#unread.includes(text, 0, 'latin1'), JSON.stringify(text))
    return this.#cut(this.#unread.indexOf(text, 0, 'latin1') + Buffer.byteLength(text, 'latin1')).toString('latin1')
  }

  /** Everything until the other side's FIN. */
  async rest(): Promise<Buffer> {
    await this.#until(() => this.ending !== null, 'the end')
    if (this.ending !== 'end') throw new Error(`the connection ended with ${this.ending}, not with a FIN`)
    return this.#cut(this.#unread.length)
  }

  /** How the connection ended, however that was. */
  async over(): Promise<string> {
    await this.#until(() => this.ending !== null, 'an end of any kind')
    return this.ending!
  }

  /** The other side has ended the connection, and this one then does too. */
  async gone(): Promise<void> {
    await this.over()
    this.socket.end()
    await this.#until(() => this.closed, 'the socket to close')
  }

  #end(how: string): void {
    // A reset after a FIN is what a test of resets looks for.
    if (this.ending === null || (this.ending === 'end' && how !== 'closed')) this.ending = how
    this.#wake()
  }

  #cut(length: number): Buffer {
    const taken = this.#unread.subarray(0, length)
    this.#unread = this.#unread.subarray(length)
    return taken
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const waiting = async (): Promise<void> => {
      while (!holds()) {
        if (this.ending !== null && !what.includes('end') && !what.includes('close')) {
          throw new Error(`the connection ended (${this.ending}) before ${what}; unread: ${JSON.stringify(this.#unread.toString('latin1').slice(0, 500))}`)
        }
        await new Promise<void>((resolve) => this.#changed.push(resolve))
      }
    }
    await within(waiting(), `${what}, having ${JSON.stringify(this.#unread.toString('latin1').slice(0, 500))}`)
  }
}

export async function connectTo(t: ExecutionContext, port: number, host = '127.0.0.1'): Promise<Peer> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
  t.teardown(() => socket.destroy())
  const peer = new Peer(socket)
  await within(new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject)), `a connection to ${port}`)
  return peer
}

export interface PeerServer {
  readonly port: number
  /** The next connection, waiting for it where there is none yet. */
  next(): Promise<Peer>
  close(): void
}

/** A server whose every connection the test plays by hand. */
export async function peerServer(t: ExecutionContext, host = '127.0.0.1'): Promise<PeerServer> {
  const waiting: Peer[] = []
  let wanted: ((peer: Peer) => void)[] = []
  const port = await serve(t, (socket) => {
    const peer = new Peer(socket)
    const taker = wanted.shift()
    if (taker === undefined) waiting.push(peer)
    else taker(peer)
  }, host)
  return {
    port: port.port,
    next: () => {
      const ready = waiting.shift()
      return ready !== undefined ? Promise.resolve(ready)
        : within(new Promise<Peer>((resolve) => wanted.push(resolve)), 'a connection at the server')
    },
    close: () => {
      wanted = []
      port.close()
    },
  }
}

/** A server on a free port that is gone, with its connections, when the test is over. */
export async function serve(
  t: ExecutionContext, onSocket: (socket: Socket) => void, host = '127.0.0.1', options: { pauseOnConnect?: boolean } = {},
): Promise<{ port: number, close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true, ...options }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ port: 0, host, backlog: 4096 }, resolve))
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(close)
  return { port: (server.address() as AddressInfo).port, close }
}

/** Sends everything back, and its FIN last. */
export async function echoServer(t: ExecutionContext, host = '127.0.0.1'): Promise<number> {
  return (await serve(t, (socket) => socket.pipe(socket), host)).port
}
