import type { Socket } from 'node:net'
import type { Direction } from '../protocols/decoder.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import type { Outlet } from './outlet.js'

/** Bytes that may wait for a slow reader beyond what the system buffers, where each read has memory of its own. */
const queueLimit = 128 * 1024

/** What is to be sent now, in order. */
export type Pieces = readonly Buffer[]

const nothing = Buffer.alloc(0)

/**
 * Reads messages on the way and may send others instead; keeps to itself what it hasn't understood yet.
 * What it changes it tells the recorder itself.
 */
export interface Inline {
  /**
   * @param emit sends in a direction that isn't the one being passed: what was held there may go out now.
   * @param supply takes bytes as if they had been read.
   */
  attach?(emit: (direction: Direction, pieces: Pieces) => void, supply: (direction: Direction, bytes: Buffer) => void): void
  /**
   * @param bytes valid until the answer is there: what is kept beyond it has to be copied.
   * @returns a promise where something else has to be done first; the direction isn't read meanwhile.
   */
  pass(direction: Direction, bytes: Buffer): Pieces | Promise<Pieces>
  /** The direction has ended: what was held back goes out. */
  end(direction: Direction): Pieces
  /** Both sockets are gone. */
  close?(): void
}

/**
 * One direction of a connection: each read is recorded, then written on. Reading stops while the writer's socket is
 * full or the recorder is behind, so that neither a slow peer nor a slow disk costs memory.
 */
export class Lane {
  bytes = 0
  readonly #direction: Direction
  readonly #from: Socket
  #to: Outlet
  readonly #tap: ConnectionRecorder | null
  readonly #inline: Inline | null
  /** How much may stay unwritten while reading goes on: nothing where the read buffer is used again. */
  #queue: number
  #waitsForPeer = false
  #waitsForRecorder = false
  #waitsForInline = false
  #ended = false
  /** The end has been passed on. */
  #told = false
  #halted = false
  #retired = false

  constructor(direction: Direction, from: Socket, to: Outlet, tap: ConnectionRecorder | null, inline: Inline | null, reusesBuffer: boolean) {
    this.#direction = direction
    this.#from = from
    this.#to = to
    this.#tap = tap
    this.#inline = inline
    this.#queue = reusesBuffer ? 0 : queueLimit
    to.on('drain', this.#onDrain)
  }

  /** What is written from now on goes there, after what was written before. @param reusesBuffer as for the constructor. */
  reroute(to: Outlet, reusesBuffer: boolean): void {
    this.#to.off('drain', this.#onDrain)
    this.#to = to
    this.#queue = reusesBuffer ? 0 : queueLimit
    to.on('drain', this.#onDrain)
    if (to.writableLength <= this.#queue) this.#onDrain()
  }

  /** @returns false where reading stops; it is resumed from here. */
  readonly take = (chunk: Buffer): boolean => {
    this.bytes += chunk.length
    if (this.#halted) {
      this.#tap?.received(this.#direction, chunk)
      this.#tap?.sent(this.#direction, this.bytes - chunk.length, chunk.length, nothing, 'opaque')
      return true
    }
    if (this.#tap !== null && !this.#tap.received(this.#direction, chunk)) this.#waitForRecorder(this.#tap)
    if (this.#inline === null) this.#to.write(chunk)
    else this.#passInline(this.#inline, chunk)
    if (this.#to.writableLength > this.#queue) this.#waitsForPeer = true
    return !this.#waitsForPeer && !this.#waitsForRecorder && !this.#waitsForInline
  }

  /** The sender has closed its side, and that was passed on. */
  get ended(): boolean {
    return this.#told
  }

  /** Bytes that were sent, but that the system keeps from us (urgent data): they are taken as if they had been read. */
  supply(bytes: Buffer): void {
    if (this.#ended || this.#from.destroyed || this.#waitsForInline) return
    if (!this.take(bytes)) this.#from.pause()
  }

  /** What comes from now on goes nowhere. */
  halt(): void {
    this.#halted = true
  }

  /** Somebody else reads and writes from now on. */
  retire(): void {
    this.#retired = true
    this.#to.off('drain', this.#onDrain)
  }

  /** The sender has closed its side: pass that on, after what is still queued. */
  end(): void {
    this.#ended = true
    if (this.#halted) return
    if (this.#waitsForInline || this.#told) return
    this.#told = true
    this.#tap?.end(this.#direction, true)
    if (this.#inline !== null) this.write(this.#inline.end(this.#direction))
    this.#to.end()
  }

  #passInline(inline: Inline, chunk: Buffer): void {
    let pieces: Pieces | Promise<Pieces>
    try {
      pieces = inline.pass(this.#direction, chunk)
    } catch (thrown) {
      this.#from.destroy(thrown as Error)
      return
    }
    if (!(pieces instanceof Promise)) {
      this.write(pieces)
      return
    }
    this.#waitsForInline = true
    void pieces.then((ready) => {
      this.write(ready)
      if (this.#to.writableLength > this.#queue) this.#waitsForPeer = true
      this.#waitsForInline = false
      if (this.#ended) this.end()
      else this.#resume()
    }, (error: Error) => this.#from.destroy(error))
  }

  /** Sends what an inline path lets go of. */
  write(pieces: Pieces): void {
    for (const piece of pieces) if (!this.#to.destroyed) this.#to.write(piece)
  }

  #waitForRecorder(tap: ConnectionRecorder): void {
    if (this.#waitsForRecorder) return
    this.#waitsForRecorder = true
    tap.onceReady(this.#onReady)
  }

  readonly #onReady = (): void => {
    this.#waitsForRecorder = false
    this.#resume()
  }

  readonly #onDrain = (): void => {
    if (!this.#waitsForPeer) return
    this.#waitsForPeer = false
    this.#resume()
  }

  #resume(): void {
    if (this.#retired) return
    if (this.#halted || (!this.#waitsForPeer && !this.#waitsForRecorder && !this.#waitsForInline && !this.#from.destroyed)) this.#from.resume()
  }
}
