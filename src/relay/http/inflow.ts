import type { SpanKind } from '../../protocols/decoder.js'
import type { Http1Event } from '../../protocols/http1/index.js'

/** A decoder's span with its bytes. */
export interface SpanPiece {
  readonly type: 'span'
  readonly kind: SpanKind
  readonly message: number
  readonly start: number
  bytes: Buffer
}

/** What one side has sent, in its order: the decoder's events, its spans with their bytes, and the end of the direction. */
export type Piece = SpanPiece | Exclude<Http1Event, { type: 'span' }> | { readonly type: 'fin' }

/** Gives events their bytes. @param base stream offset of the first byte. */
export function piecesOf(events: readonly Http1Event[], bytes: Buffer, base: number): Piece[] {
  const pieces = events as Piece[]
  for (let index = 0; index < events.length; index++) {
    const event = events[index]!
    if (event.type !== 'span') continue
    const { kind, message, start, end } = event
    pieces[index] = { type: 'span', kind, message, start, bytes: start === base && end === base + bytes.length ? bytes : bytes.subarray(start - base, end - base) }
  }
  return pieces
}

/** Hands on the pieces of one direction in order, and keeps them while what came before isn't done. */
export class Inflow {
  readonly #take: (piece: Piece) => void
  readonly #settled: () => void
  #pieces: Piece[] = []
  #at = 0
  /** Bytes of all that was fed since nothing waited. */
  #bytes = 0
  #holds = 0
  #running = false
  #opened = false

  /** @param settled called after each run: all that could be taken has been. */
  constructor(take: (piece: Piece) => void, settled: () => void) {
    this.#take = take
    this.#settled = settled
  }

  /** Pieces that wait. */
  get waiting(): readonly Piece[] {
    return this.#at === 0 ? this.#pieces : this.#pieces.slice(this.#at)
  }

  get empty(): boolean {
    return this.#at === this.#pieces.length
  }

  /** Bytes of what waits, or a little more. */
  get waitingBytes(): number {
    return this.empty ? 0 : this.#bytes
  }

  feed(pieces: Piece[]): void {
    if (this.#at === this.#pieces.length) {
      this.#bytes = 0
      this.#pieces = pieces
      this.#at = 0
    } else {
      this.#pieces.push(...pieces)
    }
    for (const piece of pieces) if (piece.type === 'span') this.#bytes += piece.bytes.length
    this.#run()
  }

  /** Nothing is taken until as many releases as holds. */
  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
    this.#run()
  }

  /** Nothing is held any more, now or later. */
  open(): void {
    this.#opened = true
    this.#run()
  }

  clear(): void {
    this.#pieces = []
    this.#at = 0
  }

  /** Makes what waits outlive the memory that it was read into. */
  keep(): void {
    for (let index = this.#at; index < this.#pieces.length; index++) {
      const piece = this.#pieces[index]!
      if (piece.type === 'span') piece.bytes = Buffer.from(piece.bytes)
      else if (piece.type === 'response') this.#pieces[index] = { ...piece, raw: Buffer.from(piece.raw) }
    }
  }

  get #stopped(): boolean {
    return this.#holds > 0 && !this.#opened
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    while (!this.#stopped && this.#at < this.#pieces.length) this.#take(this.#pieces[this.#at++]!)
    this.#running = false
    this.#settled()
  }
}
