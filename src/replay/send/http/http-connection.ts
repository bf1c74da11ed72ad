import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { firstHeader, Http1Decoder } from '../../../protocols/http1/index.js'
import type { Http1Event } from '../../../protocols/http1/index.js'
import type { Address } from '../../../recording/notes.js'

/** How an exchange went: answered wholly, cut within the answer, or without a byte of one. */
export type Answered = 'whole' | 'cut' | 'none'

/** One connection to the relay, on which requests are sent one after another. What is answered is read, and left to the relay to record. */
export class HttpConnection {
  readonly #socket: Socket
  readonly #decoder = new Http1Decoder()
  #settle: ((how: Answered) => void) | null = null
  #some = false
  #over = false
  /** The server closes after the answer at hand. */
  #closing = false
  #exchanges = 0
  #enough: number | null = null
  #body = 0
  #gaveUp = false
  readonly #stop: () => void
  readonly #signal: AbortSignal | undefined

  /** @param patience ms without a byte after which the connection is given up. @param signal ends it at once, whatever is under way. */
  constructor(relay: Address, patience: number, signal: AbortSignal | undefined) {
    const socket = connect({ host: relay.host, port: relay.port, noDelay: true })
    this.#socket = socket
    this.#signal = signal
    this.#stop = () => {
      this.#gaveUp = true
      socket.destroy()
    }
    signal?.addEventListener('abort', this.#stop)
    socket.setTimeout(patience, this.#stop)
    socket.on('data', (bytes) => {
      this.#some = true
      this.#take(this.#decoder.receive('down', bytes, 0))
    })
    socket.on('end', () => this.#ended(true))
    socket.on('error', () => this.#ended(false))
    socket.on('close', () => {
      this.#signal?.removeEventListener('abort', this.#stop)
      this.#ended(false)
    })
  }

  /** Another request can be sent. */
  get usable(): boolean {
    return !this.#over && !this.#closing
  }

  /** The server closed it between two exchanges, as it may at any moment: the request that met that may not have been read. */
  get wasClosed(): boolean {
    return this.#exchanges > 1 && !this.#gaveUp
  }

  /**
   * Resolves when the answer is complete, or none will come. @param pieces the request's bytes. @param enough bytes of the body after which the connection is
   * given up, as the client did; null where all of them are wanted.
   */
  async exchange(method: string, pieces: Iterable<Buffer>, enough: number | null): Promise<Answered> {
    this.#exchanges++
    this.#enough = enough
    this.#body = 0
    this.#some = false
    if (this.#over) return 'none'
    this.#decoder.expect(method)
    const answered = new Promise<Answered>((resolve) => { this.#settle = resolve })
    for (const piece of pieces) {
      if (this.#settle === null || this.#over) break
      if (!this.#socket.write(piece)) await this.#room(answered)
    }
    // An answer that came before its request was out: what is left of it would be read as the next one.
    const early = this.#settle === null
    const how = await answered
    if (early && this.#socket.writableLength > 0) this.#closing = true
    return how
  }

  close(): void {
    if (this.#over) return
    this.#socket.end()
    this.#socket.setTimeout(1_000)
  }

  async #room(answered: Promise<Answered>): Promise<void> {
    let drained = (): void => {}
    const room = new Promise<void>((resolve) => { drained = resolve })
    this.#socket.once('drain', drained)
    await Promise.race([room, answered])
    this.#socket.off('drain', drained)
  }

  #take(events: readonly Http1Event[]): void {
    for (const event of events) {
      if (event.type === 'response' && !event.informational) {
        const connection = (firstHeader(event.headers, 'connection') ?? '').toLowerCase()
        this.#closing = connection.includes('close') || (event.version === '1.0' && !connection.includes('keep-alive')) || event.status === 101
        if (this.#enough === 0) this.#leave()
      } else if (event.type === 'span' && event.kind === 'body') {
        this.#body += event.end - event.start
        if (this.#enough !== null && this.#body >= this.#enough) this.#leave()
      } else if (event.type === 'end' && event.direction === 'down') {
        this.#answered(event.complete ? 'whole' : 'cut')
      } else if (event.type === 'opaque' && event.direction === 'down') {
        this.#leave()
      }
    }
  }

  #leave(): void {
    this.#closing = true
    this.#answered('cut')
    this.#socket.destroy()
  }

  #ended(clean: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#take(this.#decoder.end('down', 0, clean))
    this.#answered(this.#some ? 'cut' : 'none')
    if (clean) this.#socket.end()
  }

  #answered(how: Answered): void {
    this.#settle?.(how)
    this.#settle = null
  }
}
