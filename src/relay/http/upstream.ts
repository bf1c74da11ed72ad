import type { Socket } from 'node:net'
import type { Direction } from '../../protocols/decoder.js'
import { Http1Decoder } from '../../protocols/http1/index.js'
import type { Address } from '../../recording/notes.js'
import type { Target } from '../address.js'
import { dial } from '../dial.js'
import type { Dialled } from '../dial.js'
import { resetBehind } from '../ending.js'
import type { HandOver } from '../hand-over.js'
import type { Outlet } from '../outlet.js'
import { readsOf } from '../reads.js'
import type { BufferedReads, Reads } from '../reads.js'
import { closeNow, resetSocket } from '../reset-socket.js'
import { unsentBy } from '../unsent.js'

export interface UpstreamOptions {
  readonly target: Target
  readonly timeout: number
  readonly insecure: boolean
  readonly keptAwayFrom: readonly Address[]
  /** How its socket is read, unless it carries TLS. */
  readonly reads: BufferedReads
  /** It is connected already. */
  readonly standing?: Pick<HandOver, 'dialled'> | undefined
  /** What stands before its socket. */
  outlet(direction: Direction, socket: Socket): Outlet
  onConnected(upstream: Upstream, dialled: Dialled): void
  onFailed(error: string, code: string | null): void
  onBytes(upstream: Upstream, bytes: Buffer): void
  onEnd(upstream: Upstream): void
  onBroken(upstream: Upstream, error: Error): void
  onClosed(upstream: Upstream): void
}

/** One connection to a server: dialled when a request wants it, and kept for the next ones. */
export class Upstream {
  readonly target: Target
  /** Reads what the server says; which requests it answers, it is told. */
  readonly decoder = new Http1Decoder()
  /** Whether its reads have memory of their own: others are read over. */
  readonly ownsReads: boolean
  ended = false
  /** Given up: what it still says isn't heard. */
  discarded = false
  outlet: Outlet | null = null
  /** Bytes received. */
  bytes = 0
  #dialled: Dialled | null = null
  #reading = true
  readonly #dialling: { abort(): void }

  constructor(options: UpstreamOptions) {
    const { target, timeout, insecure, keptAwayFrom, reads, standing } = options
    this.target = target
    this.ownsReads = target.secure
    const takeRead = (bytes: Buffer): boolean => {
      if (!this.discarded) {
        options.onBytes(this, bytes)
        this.bytes += bytes.length
      }
      return this.#reading
    }
    if (standing !== undefined) {
      this.#dialling = { abort: () => {} }
      this.#connected(standing.dialled, takeRead, options)
      return
    }
    this.#dialling = dial(
      { target, timeout, insecure, keptAwayFrom, reads },
      (dialled) => this.#connected(dialled, takeRead, options),
      (error, code) => {
        if (!this.discarded) options.onFailed(error, code)
      })
  }

  #connected(dialled: Dialled, takeRead: (bytes: Buffer) => boolean, options: UpstreamOptions): void {
    const { socket, raw, tls } = dialled
    this.#dialled = dialled
    const broken = (error: Error): void => {
      if (!this.discarded) options.onBroken(this, error)
    }
    socket.on('error', broken)
    if (raw !== socket) raw.on('error', broken)
    socket.once('close', () => options.onClosed(this))
    socket.once('end', () => {
      this.ended = true
      const reset = resetBehind(socket)
      if (reset !== null) {
        broken(reset)
        return
      }
      if (!this.discarded) options.onEnd(this)
    })
    const reads: Reads = tls === null ? options.reads : readsOf(socket)
    reads.to(takeRead)
    this.outlet = options.outlet('up', socket)
    options.onConnected(this, dialled)
    if (!this.discarded && this.#reading) socket.resume()
  }

  /** Bytes that were written to it. */
  get sent(): number {
    return this.#dialled?.socket.bytesWritten ?? 0
  }

  /** Counts down while what was written to it leaves. */
  get unsent(): number {
    return this.#dialled === null ? 0 : unsentBy(this.#dialled.raw)
  }

  get connected(): boolean {
    return this.#dialled !== null
  }

  /** It takes requests: connected or about to be, and not on its way out. */
  get usable(): boolean {
    return !this.ended && !this.discarded && (this.#dialled === null || !this.#dialled.socket.destroyed)
  }

  set reading(reading: boolean) {
    if (reading === this.#reading) return
    this.#reading = reading
    const socket = this.#dialled?.socket
    if (socket === undefined || socket.destroyed) return
    if (reading) socket.resume()
    else socket.pause()
  }

  /** Nothing more will be sent. */
  finish(): void {
    if (this.outlet !== null && !this.outlet.destroyed) this.outlet.end()
  }

  /** Gives it up: after this it isn't heard of any more but for its close. */
  discard(how: 'close' | 'reset' = 'close'): void {
    this.discarded = true
    this.#dialling.abort()
    if (this.#dialled === null) return
    const { socket, raw } = this.#dialled
    if (how === 'reset') resetSocket(raw)
    if (how === 'close' || socket !== raw) closeNow(socket, raw, this.outlet?.holds === true)
  }
}
