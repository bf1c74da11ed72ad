import type { Socket } from 'node:net'
import type { Direction } from '../protocols/decoder.js'
import type { ConnectionRecorder } from '../recording/recorder.js'

/** Bytes that may wait for a slow reader beyond what the system buffers, where each read has memory of its own. */
const queueLimit = 128 * 1024

/**
 * Reads messages on the way and may send others instead; keeps to itself what it hasn't understood yet.
 * What it changes it tells the recorder itself.
 */
export interface Inline {
  /** @returns what is to be sent now, in order. */
  pass(direction: Direction, bytes: Buffer): readonly Buffer[]
  /** The direction has ended: what was held back goes out. */
  end(direction: Direction): readonly Buffer[]
}

/**
 * One direction of a connection: each read is recorded, then written on. Reading stops while the writer's socket is
 * full or the recorder is behind, so that neither a slow peer nor a slow disk costs memory.
 */
export class Lane {
  bytes = 0
  readonly #direction: Direction
  readonly #from: Socket
  readonly #to: Socket
  readonly #tap: ConnectionRecorder | null
  readonly #inline: Inline | null
  /** How much may stay unwritten while reading goes on: nothing where the read buffer is used again. */
  readonly #queue: number
  #waitsForPeer = false
  #waitsForRecorder = false

  constructor(direction: Direction, from: Socket, to: Socket, tap: ConnectionRecorder | null, inline: Inline | null, reusesBuffer: boolean) {
    this.#direction = direction
    this.#from = from
    this.#to = to
    this.#tap = tap
    this.#inline = inline
    this.#queue = reusesBuffer ? 0 : queueLimit
    to.on('drain', this.#onDrain)
  }

  /** @returns false where reading stops; it is resumed from here. */
  readonly take = (chunk: Buffer): boolean => {
    this.bytes += chunk.length
    if (this.#tap !== null && !this.#tap.received(this.#direction, chunk)) this.#waitForRecorder(this.#tap)
    if (this.#inline === null) this.#to.write(chunk)
    else for (const piece of this.#inline.pass(this.#direction, chunk)) this.#to.write(piece)
    if (this.#to.writableLength > this.#queue) this.#waitsForPeer = true
    return !this.#waitsForPeer && !this.#waitsForRecorder
  }

  readonly takeOrPause = (chunk: Buffer): void => {
    if (!this.take(chunk)) this.#from.pause()
  }

  /** The sender has closed its side: pass that on, after what is still queued. */
  end(): void {
    this.#tap?.end(this.#direction, true)
    if (this.#inline !== null) for (const piece of this.#inline.end(this.#direction)) this.#to.write(piece)
    this.#to.end()
  }

  #waitForRecorder(tap: ConnectionRecorder): void {
    if (this.#waitsForRecorder) return
    this.#waitsForRecorder = true
    tap.recorder.once('ready', this.#onReady)
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
    if (!this.#waitsForPeer && !this.#waitsForRecorder && !this.#from.destroyed) this.#from.resume()
  }
}
