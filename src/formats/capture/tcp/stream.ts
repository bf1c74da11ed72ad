import type { ReassemblyMemory } from './memory.js'
import { advance, distance } from './sequence.js'
import { ToldBytes } from './told-bytes.js'
import { WaitingPieces } from './waiting-pieces.js'

/** What a stream tells, in stream order. Offsets count from the stream's first byte that could be in the capture. */
export interface StreamSink {
  bytes(offset: number, bytes: Buffer, time: number): void
  /** `length` bytes at `offset` aren't in the capture. */
  gap(offset: number, length: number, time: number): void
  /** What was sent again at `offset` isn't what was sent first, which is kept. */
  differs(offset: number, time: number): void
  end(time: number): void
}

/** Beyond it no window reaches (RFC 7323 §2.3): the segment isn't of this stream. */
const furthest = 2 ** 30

/** Segments that may come after the one that acknowledges missing bytes, before they count as lost: captures mix the order of two interfaces. */
const patience = 3

/** One direction of a TCP connection: segments in any order in; bytes, gaps and the end in their order out. */
export class TcpStream {
  readonly #sink: StreamSink
  readonly #memory: ReassemblyMemory
  readonly #told: ToldBytes
  /** Sequence number of the byte at `#offset`, the next to be told; null before the first segment. */
  #expected: number | null = null
  #offset = 0
  /** All beyond `#offset`. */
  readonly #waiting: WaitingPieces
  /** Where the FIN stands. */
  #finAt: number | null = null
  #ended = false
  #ackedUnseen = 0
  /** The last number that the other side acknowledged; null before it has. */
  #acked: number | null = null

  constructor(sink: StreamSink, memory: ReassemblyMemory) {
    this.#sink = sink
    this.#memory = memory
    this.#told = new ToldBytes(memory.told)
    this.#waiting = new WaitingPieces(this, memory)
  }

  get begun(): boolean {
    return this.#expected !== null
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Bytes told, with those of gaps. */
  get offset(): number {
    return this.#offset
  }

  /** Whether bytes before this number haven't been told yet. */
  lacks(sequence: number): boolean {
    if (this.#expected === null || this.#ended) return false
    const ahead = distance(this.#expected, sequence)
    return ahead > 0 && ahead <= furthest
  }

  /** Nothing was told yet, and the first byte has this number. */
  startsAt(sequence: number): boolean {
    return this.#offset === 0 && this.#expected === sequence
  }

  /** The first byte will have this number. */
  begin(sequence: number): void {
    this.#expected ??= sequence
  }

  /**
   * Where a reset with this number stands: it is sent with the number that comes next, or, in answer to a segment, with the one that that
   * acknowledged (RFC 9293 §3.10.7.1). Others are none (§3.10.7.4, RFC 5961 §3), but beyond all that is known of the stream segments may be lost.
   */
  resetAt(sequence: number): 'known' | 'beyond' | 'elsewhere' {
    const expected = this.#expected
    if (expected === null || sequence === expected) return 'known'
    const at = distance(expected, sequence)
    const told = this.#acked === null ? 0 : distance(expected, this.#acked)
    const acked = Math.abs(told) > furthest ? 0 : told
    const end = Math.max(0, acked, this.#waiting.end - this.#offset, this.#finAt === null ? 0 : this.#finAt + 1 - this.#offset)
    if (at < Math.min(0, acked)) return 'elsewhere'
    return at <= end ? 'known' : at <= furthest ? 'beyond' : 'elsewhere'
  }

  /** A segment that comes once all is over. @returns how many bytes of it are new; again, they aren't. */
  late(sequence: number, length: number): number {
    if (this.#expected === null || this.#ended) return 0
    const end = distance(this.#expected, sequence) + length
    if (end <= 0 || end > furthest) return 0
    this.#advance(end)
    return Math.min(end, length)
  }

  take(sequence: number, payload: Buffer, missing: number, fin: boolean, time: number): void {
    this.begin(sequence)
    const length = payload.length + missing
    const at = this.#offset + distance(this.#expected!, sequence)
    if (Math.abs(at - this.#offset) > furthest || this.#ended) return
    if (fin && this.#finAt === null && at + length >= this.#offset) {
      this.#finAt = at + length
      this.#waiting.dropFrom(this.#finAt)
    }
    if (length > 0) this.#takeBytes(at, payload, missing, time)
    this.#endIfReached(time)
  }

  /** The other side has all bytes before this number. */
  acknowledged(sequence: number, time: number): void {
    this.#acked = sequence
    if (this.#expected === null || this.#ended) return
    let ahead = distance(this.#expected, sequence)
    if (ahead <= 0 || ahead > furthest) {
      this.#ackedUnseen = 0
      return
    }
    if (this.#finAt !== null) ahead = Math.min(ahead, this.#finAt - this.#offset)
    // One alone at the end is a FIN that isn't in the capture.
    else if (ahead === 1 && this.#waiting.isEmpty) return
    if (ahead === 0 || ++this.#ackedUnseen <= patience) return
    this.#ackedUnseen = 0
    this.#giveUp(this.#offset + ahead, time)
    this.#endIfReached(time)
  }

  /** Others need the room: the first hole won't be filled. */
  giveWay(time: number): void {
    this.#giveUp(Infinity, time)
    this.#endIfReached(time)
  }

  /** No more segments come: what is missing stays so. */
  finish(time: number): void {
    while (!this.#waiting.isEmpty) this.#giveUp(Infinity, time)
    if (this.#finAt !== null && this.#finAt > this.#offset && !this.#ended) this.#gap(this.#finAt - this.#offset, time)
    this.#endIfReached(time)
    this.#told.close()
  }

  #takeBytes(start: number, bytes: Buffer, missing: number, time: number): void {
    let at = start
    let payload = bytes
    if (at < this.#offset) {
      const again = payload.subarray(0, this.#offset - at)
      // A keep-alive sends the last byte again, and any byte for it (RFC 9293 §3.8.4).
      const isKeepAlive = payload.length <= 1 && at === this.#offset - 1
      const different = isKeepAlive ? -1 : this.#told.firstDifference(at, again)
      if (different >= 0) this.#sink.differs(different, time)
      payload = payload.subarray(again.length)
      at += again.length
    }
    const end = start + bytes.length + missing
    if (this.#waiting.isEmpty && at === this.#offset && missing === 0) {
      if (payload.length > 0 && (this.#finAt === null || at + payload.length <= this.#finAt)) this.#tell(payload, time)
      return
    }
    if (payload.length > 0) this.#wait(at, at + payload.length, payload, time)
    if (missing > 0 && end > this.#offset) this.#wait(Math.max(this.#offset, start + bytes.length), end, null, time)
    this.#drain(time)
    while (this.#waiting.isTooMuch) this.#giveUp(Infinity, time)
    this.#memory.makeRoom(time)
  }

  #wait(from: number, to: number, bytes: Buffer | null, time: number): void {
    this.#waiting.add(from, Math.min(to, this.#finAt ?? Infinity), bytes, (at) => this.#sink.differs(at, time))
  }

  #drain(time: number): void {
    for (const { at, end, bytes } of this.#waiting.take(this.#offset)) {
      if (bytes === null) this.#gap(end - at, time)
      else this.#tell(bytes, time)
    }
  }

  /** What is missing up to the next piece that is there, or up to `limit`, won't come. */
  #giveUp(limit: number, time: number): void {
    const end = Math.min(limit, this.#waiting.start)
    if (end > this.#offset && end < Infinity) this.#gap(end - this.#offset, time)
    this.#drain(time)
  }

  #tell(bytes: Buffer, time: number): void {
    this.#told.add(this.#offset, bytes)
    this.#sink.bytes(this.#offset, bytes, time)
    this.#advance(bytes.length)
  }

  #gap(length: number, time: number): void {
    this.#sink.gap(this.#offset, length, time)
    this.#advance(length)
  }

  #advance(length: number): void {
    this.#offset += length
    this.#expected = advance(this.#expected!, length)
    this.#ackedUnseen = 0
  }

  #endIfReached(time: number): void {
    if (this.#ended || this.#finAt === null || this.#offset < this.#finAt) return
    this.#ended = true
    this.#told.close()
    this.#sink.end(time)
  }
}
