import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { firstHeader, Http1Decoder } from '../../../protocols/http1/index.js'
import type { Http1Event } from '../../../protocols/http1/index.js'
import { runEnded } from '../../compare/sender-events.js'
import { timerOf } from '../../timers.js'
import type { AnswerLimits } from '../answer-limits.js'
import type { Wire } from '../wire.js'

/** How an exchange went: answered wholly, cut within the answer, or without a byte of one. */
export type Answered = 'whole' | 'cut' | 'none'

/** How long an answer is waited for, and when it is left as the client had left it. */
export interface ExpectedAnswer {
  readonly limits: AnswerLimits
  /** Bytes of the body after which the connection is given up; null where all of them are wanted. */
  readonly enough: number | null
  /** Ms without a byte of an answer after which it is given up; null where it is waited for. */
  readonly waited: number | null
}

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
  #expected: ExpectedAnswer | null = null
  /** Bytes of the answer, and of its body. */
  #came = 0
  #body = 0
  #gaveUp = false
  #deadline: NodeJS.Timeout | undefined
  readonly #wire: Wire
  readonly #signal: AbortSignal
  readonly #stop = (): void => this.#giveUp(runEnded)

  /** @param signal ends it at once, whatever is under way. */
  constructor(wire: Wire, signal: AbortSignal) {
    const socket = connect({ host: wire.host, port: wire.port, noDelay: true })
    this.#socket = socket
    this.#wire = wire
    this.#signal = signal
    signal.addEventListener('abort', this.#stop)
    if (signal.aborted) this.#stop()
    socket.on('timeout', () => this.#giveUp(this.#expected?.limits.tooSilent ?? null))
    socket.on('data', (bytes) => {
      this.#some = true
      this.#came += bytes.length
      this.#take(this.#decoder.receive('down', bytes, 0))
      if (this.#settle !== null && this.#came > this.#expected!.limits.bytes) this.#giveUp(this.#expected!.limits.tooMuch)
    })
    socket.on('end', () => this.#ended(true))
    socket.on('error', () => this.#ended(false))
    socket.on('close', () => {
      this.#signal.removeEventListener('abort', this.#stop)
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

  /** Resolves when the answer is complete, or none will come. @param pieces the request's bytes. */
  async exchange(method: string, pieces: Iterable<Buffer>, expected: ExpectedAnswer): Promise<Answered> {
    this.#exchanges++
    this.#expected = expected
    this.#came = this.#body = 0
    this.#some = false
    if (this.#over) return 'none'
    this.#decoder.expect(method)
    const answered = new Promise<Answered>((resolve) => { this.#settle = resolve })
    const { waited, limits } = expected
    this.#socket.setTimeout(limits.silence)
    const tooLong = (ms: number): NodeJS.Timeout => setTimeout(() => this.#giveUp(limits.tooLong), ms)
    this.#deadline = waited === null ? tooLong(limits.duration) : setTimeout(() => {
      // The client itself left then, which is nothing to be told.
      if (this.#some) this.#deadline = tooLong(limits.duration)
      else this.#giveUp(null)
    }, timerOf(waited))
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
        if (this.#expected?.enough === 0) this.#leave()
      } else if (event.type === 'span' && event.kind === 'body') {
        this.#body += event.end - event.start
        if (this.#expected !== null && this.#expected.enough !== null && this.#body >= this.#expected.enough) this.#leave()
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

  /** @param why it isn't listened to any longer; null where the client did the same. */
  #giveUp(why: string | null): void {
    this.#gaveUp = true
    if (this.#settle !== null && why !== null) this.#wire.tell('left', why, this.#socket.localPort ?? null, this.#exchanges - 1)
    // A reset ends the server's side too, whereas a FIN would be passed on, and an answer that comes after all be recorded. What was just written would be lost by it.
    if (this.#settle !== null && why !== runEnded) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  #answered(how: Answered): void {
    this.#settle?.(how)
    this.#settle = null
    clearTimeout(this.#deadline)
    if (!this.#over) this.#socket.setTimeout(0)
  }
}
