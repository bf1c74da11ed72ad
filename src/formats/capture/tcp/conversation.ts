import type { Direction } from '../../../protocols/decoder.js'
import type { TcpSegment } from '../packets/tcp.js'
import type { ReassemblyMemory } from './memory.js'
import { advance } from './sequence.js'
import { TcpStream } from './stream.js'

/** How a connection ended: both sides closed, or one tore it down; `by` is who did that, or closed first. Null: it is open as far as is known. */
export type ConversationEnd = { readonly by: Direction | null, readonly how: 'closed' | 'reset' | 'refused' } | { readonly by: null, readonly how: 'unseen' }

/** What a TCP connection tells of itself. Times are µs. */
export interface ConversationSink {
  /** Both sides have agreed to talk. */
  connected(time: number): void
  bytes(direction: Direction, offset: number, bytes: Buffer, time: number): void
  gap(direction: Direction, offset: number, length: number, time: number): void
  differs(direction: Direction, offset: number, time: number): void
  end(direction: Direction, time: number): void
  over(end: ConversationEnd, time: number): void
  /** So many bytes were sent after the reset that it ended with. */
  late(direction: Direction, offset: number, length: number, time: number): void
}

/** One TCP connection: its handshake, its two streams, and how it ends. A pure state machine over the segments of both sides. */
export class TcpConversation {
  readonly #sink: ConversationSink
  readonly #streams: Record<Direction, TcpStream>
  /** Initial sequence numbers, as SYNs told them. */
  readonly #initial: Record<Direction, number | null> = { up: null, down: null }
  #connected = false
  #firstEnd: Direction | null = null
  #over = false
  #isReset = false
  /** Who sent a reset whose number is beyond all that is known: one, if nothing more comes of that side. */
  #doubted: Direction | null = null

  constructor(sink: ConversationSink, memory: ReassemblyMemory) {
    this.#sink = sink
    const streamOf = (direction: Direction): TcpStream => new TcpStream({
      bytes: (offset, bytes, time) => sink.bytes(direction, offset, bytes, time),
      gap: (offset, length, time) => sink.gap(direction, offset, length, time),
      differs: (offset, time) => sink.differs(direction, offset, time),
      end: (time) => {
        this.#firstEnd ??= direction
        sink.end(direction, time)
      },
    }, memory)
    this.#streams = { up: streamOf('up'), down: streamOf('down') }
  }

  get over(): boolean {
    return this.#over
  }

  /** A SYN of this side begins another connection between the same ports: not this one's again, nor its simultaneous open. */
  isReuse(direction: Direction, { syn, sequence, acknowledged }: TcpSegment): boolean {
    if (!syn) return false
    const initial = this.#initial[direction]
    if (initial !== null) return initial !== sequence
    if (acknowledged !== null) return this.#over
    return this.#over || this.#streams[direction].begun
  }

  take(direction: Direction, segment: TcpSegment, time: number): void {
    if (this.#over) {
      this.#late(direction, segment, time)
      return
    }
    const { sequence, acknowledged, syn, fin, rst, payload, missing } = segment
    const stream = this.#streams[direction]
    const other = this.#streams[direction === 'up' ? 'down' : 'up']
    if (rst) {
      const where = stream.resetAt(sequence)
      if (where === 'known') this.#reset(direction, time)
      else if (where === 'beyond') this.#doubted ??= direction
      return
    }
    if (this.#doubted === direction) this.#doubted = null
    if (syn) {
      this.#initial[direction] ??= sequence
      stream.begin(advance(sequence, 1))
    }
    if (acknowledged !== null) other.begin(acknowledged)
    if (!this.#connected && this.#initial.up !== null && this.#initial.down !== null) {
      this.#connected = true
      this.#sink.connected(time)
    }
    stream.take(syn ? advance(sequence, 1) : sequence, payload, missing, fin, time)
    if (acknowledged !== null) other.acknowledged(acknowledged, time)
    if (stream.ended && other.ended) this.#end({ by: this.#firstEnd, how: 'closed' }, time)
  }

  /** Nothing more of it comes. */
  abandon(time: number): void {
    if (this.#over) return
    if (this.#doubted !== null) {
      this.#reset(this.#doubted, time)
      return
    }
    this.#finish(time)
    const ended = this.#streams.up.ended && this.#streams.down.ended
    this.#end(ended ? { by: this.#firstEnd, how: 'closed' } : { by: null, how: 'unseen' }, time)
  }

  #reset(by: Direction, time: number): void {
    const refused = !this.#connected && this.#initial.up !== null && this.#initial.down === null && this.#streams.down.offset === 0 && by === 'down'
    this.#isReset = true
    this.#finish(time)
    this.#end({ by, how: refused ? 'refused' : 'reset' }, time)
  }

  #late(direction: Direction, { sequence, syn, rst, payload, missing }: TcpSegment, time: number): void {
    const length = payload.length + missing
    if (!this.#isReset || rst || syn || length === 0) return
    const stream = this.#streams[direction]
    const fresh = stream.late(sequence, length)
    if (fresh > 0) this.#sink.late(direction, stream.offset - fresh, fresh, time)
  }

  #finish(time: number): void {
    this.#streams.up.finish(time)
    this.#streams.down.finish(time)
  }

  #end(end: ConversationEnd, time: number): void {
    this.#over = true
    this.#finish(time)
    this.#sink.over(end, time)
  }
}
