import type { Socket } from 'node:net'
import { encodeReply } from '../../../protocols/ftp/encoding.js'
import { resetSocket } from '../../../relay/reset-socket.js'
import type { Pace } from '../../pace.js'
import { ControlLines } from './control-lines.js'
import type { CommandLine } from './control-lines.js'
import { written } from './download.js'
import type { Answer } from './own-answers.js'
import type { RecordedReply } from './recorded-replies.js'

/** Commands that wait to be answered: a client that sends more isn't read until they are. */
const mostWaiting = 128

/** Bytes that are read into commands in one go. */
const slice = 1024

/** Commands answered one after another: then whoever else waits has a turn. */
const mostInTurn = 16

/** After the last reply, so long the client is given to end its side, in ms. */
const farewellPatience = 10_000

export interface ControlConnectionOptions {
  readonly pace: Pace
  /** Called first of all. */
  readonly greet: () => Promise<void>
  /** Called for one command after another, each once the one before is answered. */
  readonly answer: (line: CommandLine) => Promise<void>
  /** Called as soon as ABOR comes, whatever else waits. */
  readonly onAbort: () => void
  readonly onFailed: (thrown: unknown) => void
  /** Called once, last of all. */
  readonly onClosed: () => void
}

/** The wire of a control connection: commands in their order, replies as fast as the client takes them. */
export class ControlConnection {
  readonly #socket: Socket
  readonly #options: ControlConnectionOptions
  readonly #lines: ControlLines
  readonly #gone = new AbortController()
  #waiting: CommandLine[] = []
  #busy = true
  #inTurn = 0
  /** What came and isn't read into commands yet, as too many wait. */
  #unread: Buffer = Buffer.alloc(0)
  #reading = false
  #sentAll = false
  /** No more commands will be read: why, where what came isn't FTP. */
  #ended: { readonly why: string | null } | null = null

  /** @param socket paused. */
  constructor(socket: Socket, options: ControlConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#lines = new ControlLines({ onCommand: (line) => this.#hear(line), onUnreadable: (why) => this.#hearNoMore(why) })
    socket.on('data', (bytes) => {
      this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
      this.#read()
    })
    socket.on('end', () => {
      this.#sentAll = true
      this.#read()
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#gone.abort()
      this.#lines.close()
      this.#waiting = []
      this.#unread = Buffer.alloc(0)
      options.onClosed()
    })
  }

  start(): void {
    this.#socket.resume()
    this.#run(this.#options.greet())
  }

  /** Aborted once the client is gone. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Nothing more can be said. */
  get over(): boolean {
    return this.#socket.writableEnded || this.#socket.destroyed
  }

  /** Whether a command waits to be answered: any, or one of this verb. */
  waits(verb?: string): boolean {
    return verb === undefined ? this.#waiting.length + this.#unread.length > 0 : this.#waiting.some((line) => line.verb === verb)
  }

  async say({ code, text, bytes = encodeReply(code, text) }: Answer): Promise<void> {
    if (this.over) return
    this.#lines.said(bytes)
    await written(this.#socket, bytes)
  }

  /** Each when it is due. @param origin µs of the recording that stand for `since`, which is on the clock of `performance.now()`. */
  async sayAll(replies: readonly RecordedReply[], origin: number, since: number): Promise<void> {
    for (const reply of replies) {
      await this.#options.pace.until(reply.time - origin, since, this.gone)
      await this.say(reply)
    }
  }

  /** Ends it in order, after what was said; what still comes is not answered. */
  finish(): void {
    this.#ended ??= { why: null }
    this.#waiting = []
    if (this.over) return
    this.#socket.resume()
    this.#socket.end()
    const timer = setTimeout(() => this.#socket.destroy(), farewellPatience).unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }

  reset(): void {
    resetSocket(this.#socket)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** As much as may wait; the rest when some of it has been answered. */
  #read(): void {
    if (this.#reading) return
    this.#reading = true
    while (this.#unread.length > 0 && this.#waiting.length <= mostWaiting && this.#ended === null) {
      const bytes = this.#unread.subarray(0, slice)
      this.#unread = this.#unread.subarray(bytes.length)
      this.#lines.take(bytes)
    }
    this.#reading = false
    if (this.#ended !== null) this.#unread = Buffer.alloc(0)
    else if (this.#unread.length > 0) this.#socket.pause()
    else if (this.#sentAll) this.#hearNoMore(null)
    else this.#socket.resume()
  }

  #hear(line: CommandLine): void {
    if (this.#ended !== null) return
    this.#waiting.push(line)
    if (line.verb === 'ABOR') this.#options.onAbort()
    this.#goOn()
  }

  #hearNoMore(why: string | null): void {
    this.#ended ??= { why }
    this.#goOn()
  }

  #goOn(): void {
    if (this.#busy || this.over) return
    const line = this.#waiting.shift()
    if (line !== undefined) {
      this.#busy = true
      if (this.#waiting.length < mostWaiting / 2 && this.#unread.length > 0) this.#read()
      this.#run(this.#options.answer(line))
    } else if (this.#ended !== null) {
      this.#busy = true
      this.#run(this.#takeLeave(this.#ended.why))
    }
  }

  async #takeLeave(why: string | null): Promise<void> {
    if (why !== null) await this.say({ code: 500, text: 'wiretape: this is not FTP.' })
    this.finish()
  }

  #run(work: Promise<void>): void {
    work.catch((thrown: unknown) => {
      if (!this.gone.aborted) this.#options.onFailed(thrown)
      this.destroy()
    }).finally(() => {
      const goOn = (): void => {
        this.#busy = false
        this.#goOn()
      }
      if (++this.#inTurn % mostInTurn === 0) setImmediate(goOn)
      else goOn()
    })
  }
}
