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

/** A segment that waits for what it acknowledges; `left` counts the segments that may still come before it is passed without. */
type Early = { readonly direction: Direction, readonly segment: TcpSegment, readonly cost: number, left: number }

/** Segments that come before what they acknowledge, and how many others may come meanwhile: captures mix the order of two interfaces. */
const mostEarly = 3

/** One TCP connection: its handshake, its two streams, and how it ends. A pure state machine over the segments of both sides. */
export class TcpConversation {
  readonly #sink: ConversationSink
  readonly #streams: Record<Direction, TcpStream>
  readonly #memory: ReassemblyMemory
  /** In the order in which they came. */
  #early: Early[] = []
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
    this.#memory = memory
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
    // Where the answer to it came first, it is this one's.
    return this.#over || (this.#streams[direction].begun && !this.#streams[direction].startsAt(advance(sequence, 1)))
  }

  take(direction: Direction, segment: TcpSegment, time: number): void {
    if (this.#over) {
      this.#late(direction, segment, time)
      return
    }
    if (segment.acknowledged !== null && this.#isEarly(direction, segment) && this.#hold(direction, segment)) {
      if (this.#early.length > mostEarly) this.#passFirst(time)
      return
    }
    if (this.#early.length === 0) {
      this.#pass(direction, segment, time)
      return
    }
    if (segment.rst) while (this.#early.length > 0) this.#passFirst(time)
    this.#pass(direction, segment, time)
    for (const early of this.#early) early.left--
    for (let [first] = this.#early; first !== undefined && (first.left === 0 || !this.#isEarly(first.direction, first.segment)); [first] = this.#early) this.#passFirst(time)
  }

  /** What a side acknowledges it had before it sent this: its answer isn't to be told before the question. */
  #isEarly(direction: Direction, { acknowledged, syn, rst, payload }: TcpSegment): boolean {
    return payload.length > 0 && !syn && !rst && acknowledged !== null && this.#streams[direction === 'up' ? 'down' : 'up'].lacks(acknowledged)
  }

  /** @returns false where there is no room for it. */
  #hold(direction: Direction, segment: TcpSegment): boolean {
    const cost = this.#memory.hold(segment.payload.length)
    if (cost === null) return false
    this.#early.push({ direction, segment: { ...segment, payload: Buffer.from(segment.payload) }, cost, left: mostEarly })
    return true
  }

  #passFirst(time: number): void {
    const { direction, segment, cost } = this.#early.shift()!
    this.#memory.letGo(cost)
    if (!this.#over) this.#pass(direction, segment, time)
  }

  #pass(direction: Direction, segment: TcpSegment, time: number): void {
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
    while (this.#early.length > 0) this.#passFirst(time)
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
    for (const { cost } of this.#early.splice(0)) this.#memory.letGo(cost)
    this.#finish(time)
    this.#sink.over(end, time)
  }
}
