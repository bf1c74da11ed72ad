import type { Socket } from 'node:net'
import { reasonOf } from '../../../error.js'
import { resetSocket } from '../../../relay/reset-socket.js'
import type { Pace } from '../../pace.js'
import type { Departure } from './act.js'
import type { Conversation } from './conversation.js'

export interface SessionOptions {
  readonly socket: Socket
  readonly pace: Pace
  /** Made once the recording has been looked through. */
  readonly conversation: Promise<Conversation>
  /** What the client has said already, and whether it has closed its side. */
  readonly begun?: { readonly bytes: Buffer, readonly over: boolean }
  /** How what the client says is compared; as it is where this is left out. */
  readonly heard?: (bytes: Buffer) => Buffer
  readonly onServed: () => void
  readonly onDeparture: (departure: Departure, opening: Buffer) => void
  readonly onProblem: (message: string) => void
}

/** Bytes of the client's that may wait while it is being answered; it isn't read beyond. */
const mostWaiting = 64 * 1024

/** Ms without a word in the middle of a turn that count as its end, where not every byte has to be as recorded. */
const pauseLength = 200

/** Ms that a client is given to close its side too. */
const leavePatience = 5000

/** One client's connection. */
export class Session {
  readonly #options: SessionOptions
  readonly #gone = new AbortController()
  #wake: (() => void) | null = null
  /** Something happened since it was last waited for. */
  #news = false

  constructor(options: SessionOptions) {
    this.#options = options
    options.socket.on('close', () => this.#stop()).on('error', () => this.#stop())
  }

  /** Resolves when the connection is over; never rejects. */
  async run(): Promise<void> {
    const { socket, onProblem } = this.#options
    let conversation: Conversation | null = null
    try {
      conversation = await this.#options.conversation
      await this.#converse(conversation)
    } catch (thrown) {
      if (!this.#gone.signal.aborted) onProblem(`a TCP connection could not be served: ${reasonOf(thrown)}`)
      socket.destroy()
    } finally {
      conversation?.leave()
    }
  }

  close(): void {
    this.#options.socket.destroy()
    this.#stop()
  }

  async #converse(conversation: Conversation): Promise<void> {
    const { socket, pace, onServed, onDeparture } = this.#options
    const { signal } = this.#gone
    this.#read(conversation)
    let since = performance.now()
    while (!signal.aborted) {
      const act = await conversation.next()
      if (signal.aborted) return
      if (conversation.waiting <= mostWaiting) socket.resume()
      switch (act.kind) {
        case 'wait':
          if (!await this.#hear(conversation.inTurn)) conversation.pause()
          since = performance.now()
          break
        case 'say':
          if (act.first) onServed()
          await pace.until(act.gap, since, signal)
          await this.#write(act.bytes)
          break
        case 'close':
          this.#leave()
          return
        case 'reset':
          resetSocket(socket)
          return
        default:
          onDeparture(act, conversation.opening)
          resetSocket(socket)
          return
      }
    }
  }

  #read(conversation: Conversation): void {
    const { socket, begun, heard = (bytes: Buffer) => bytes } = this.#options
    if (begun !== undefined) conversation.take(heard(begun.bytes))
    if (begun?.over === true) conversation.finish()
    socket.on('data', (bytes) => {
      conversation.take(heard(bytes))
      if (conversation.waiting > mostWaiting) socket.pause()
      this.#tell()
    })
    socket.on('end', () => {
      conversation.finish()
      this.#tell()
    })
    socket.resume()
  }

  /** Waits for the client to do something. @param briefly not for ever. @returns false where it did nothing for a while. */
  async #hear(briefly: boolean): Promise<boolean> {
    let heard = true
    if (!this.#news && !this.#gone.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = briefly ? setTimeout(() => {
          heard = false
          resolve()
        }, pauseLength) : undefined
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wake = null
    }
    this.#news = false
    return heard
  }

  async #write(bytes: Buffer): Promise<void> {
    const { socket } = this.#options
    if (this.#gone.signal.aborted || socket.write(bytes)) return
    await new Promise<void>((resolve) => {
      const over = (): void => {
        socket.off('drain', over)
        this.#gone.signal.removeEventListener('abort', over)
        resolve()
      }
      socket.once('drain', over)
      this.#gone.signal.addEventListener('abort', over)
    })
  }

  /** What still comes is read and goes nowhere: closing with bytes unread would reset, and the client might lose what it hasn't read. */
  #leave(): void {
    const { socket } = this.#options
    socket.removeAllListeners('data')
    socket.on('data', () => {})
    socket.end(() => {
      setTimeout(() => socket.destroy(), leavePatience).unref()
    })
    socket.resume()
  }

  #tell(): void {
    this.#news = true
    this.#wake?.()
  }

  #stop(): void {
    this.#gone.abort()
    this.#wake?.()
  }
}
