import type { Socket } from 'node:net'
import type { Direction } from '../protocols/decoder.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import type { Outlet } from './outlet.js'
import type { Reads } from './reads.js'

/** Bytes that may wait for a slow reader beyond what the system buffers, where they aren't in memory that is read into again. */
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
   * Asked before `bytes` are passed. @returns what the peer must have sent just before them, and the system keeps from us; null where nothing is missing.
   */
  missing?(direction: Direction, bytes: Buffer): Buffer | null
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
  readonly #reads: Reads
  /** What is read is written as it stands in memory that is read into again: not where stages take copies. */
  #direct: boolean
  /** Where some of what was written directly may still wait, although stages come first now. */
  #before: Outlet | null = null
  #waitsForPeer = false
  #waitsForRecorder = false
  #waitsForInline = false
  #ended = false
  /** The end has been passed on. */
  #told = false
  #halted = false
  #retired = false

  /** @param reads how `from` is read. */
  constructor(direction: Direction, from: Socket, to: Outlet, tap: ConnectionRecorder | null, inline: Inline | null, reads: Reads) {
    this.#direction = direction
    this.#from = from
    this.#to = to
    this.#tap = tap
    this.#inline = inline
    this.#reads = reads
    this.#direct = reads.reused
    to.on('drain', this.#onDrain)
  }

  /** What is written from now on goes there, after what was written before. @param copies it keeps no hold of what it is given. */
  reroute(to: Outlet, copies: boolean): void {
    const from = this.#to
    from.off('drain', this.#onDrain)
    if (this.#direct && from.writableLength > 0) {
      this.#before?.off('drain', this.#letGo)
      this.#before = from
      from.on('drain', this.#letGo)
    }
    this.#to = to
    this.#direct = !copies && this.#reads.reused
    to.on('drain', this.#onDrain)
    if (to.writableLength <= this.#queue) this.#wakeUp()
  }

  /** @returns false where reading stops; it is resumed from here. */
  readonly take = (read: Buffer): boolean => {
    const missing = this.#halted ? null : this.#inline?.missing?.(this.#direction, read) ?? null
    const chunk = missing === null ? read : Buffer.concat([missing, read])
    this.bytes += chunk.length
    if (this.#halted) {
      this.#tap?.received(this.#direction, chunk)
      this.#tap?.sent(this.#direction, this.bytes - chunk.length, chunk.length, nothing, 'opaque')
      return true
    }
    if (this.#tap !== null && !this.#tap.received(this.#direction, chunk)) this.#waitForRecorder(this.#tap)
    if (this.#inline === null) this.#to.write(chunk)
    else this.#passInline(this.#inline, chunk)
    this.#look()
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
    this.#reads.keep()
    void pieces.then((ready) => {
      this.write(ready)
      this.#waitsForInline = false
      if (this.#to.writableLength > this.#queue) this.#waitsForPeer = true
      if (!this.#direct || !this.#waitsForPeer) this.#letGo()
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

  /** How much may stay unwritten while reading goes on. */
  get #queue(): number {
    return this.#direct ? 0 : queueLimit
  }

  /** After a write: whether the reader keeps up. */
  #look(): void {
    if (this.#to.writableLength <= this.#queue) return
    this.#waitsForPeer = true
    // Whoever reads on all the same, another fault that comes or an end that is waited for, mustn't read over it.
    if (this.#direct) this.#reads.keep()
  }

  /** What was read may be read over, unless somebody still has it. */
  readonly #letGo = (): void => {
    if (this.#waitsForInline || (this.#before !== null && this.#before.writableLength > 0)) return
    this.#before?.off('drain', this.#letGo)
    this.#before = null
    this.#reads.letGo()
  }

  readonly #onDrain = (): void => {
    if (this.#direct) this.#letGo()
    this.#wakeUp()
  }

  #wakeUp(): void {
    if (!this.#waitsForPeer) return
    this.#waitsForPeer = false
    this.#resume()
  }

  #resume(): void {
    if (this.#retired) return
    if (this.#halted || (!this.#waitsForPeer && !this.#waitsForRecorder && !this.#waitsForInline && !this.#from.destroyed)) this.#from.resume()
  }
}
