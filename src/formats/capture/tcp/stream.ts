import type { ReassemblyMemory } from './memory.js'
import { advance, distance } from './sequence.js'
import { differenceOf, ToldBytes } from './told-bytes.js'

/** What a stream tells, in stream order. Offsets count from the stream's first byte that could be in the capture. */
export interface StreamSink {
  bytes(offset: number, bytes: Buffer, time: number): void
  /** `length` bytes at `offset` aren't in the capture. */
  gap(offset: number, length: number, time: number): void
  /** What was sent again at `offset` isn't what was sent first, which is kept. */
  differs(offset: number, time: number): void
  end(time: number): void
}

/** A piece that waits for what comes before it; null bytes are those that the snapshot cut off. */
type Waiting = { readonly at: number, readonly end: number, readonly bytes: Buffer | null, readonly cost: number }

/** What one stream may hold back, with what pieces cost; TCP's windows are seldom larger. */
const mostWaiting = 4 * 1024 * 1024
const mostPieces = 4096

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
  /** In stream order, without overlap, each beyond `#offset`. */
  #waiting: Waiting[] = []
  #waitingCost = 0
  /** Where the FIN stands. */
  #finAt: number | null = null
  #ended = false
  #ackedUnseen = 0

  constructor(sink: StreamSink, memory: ReassemblyMemory) {
    this.#sink = sink
    this.#memory = memory
    this.#told = new ToldBytes(memory)
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

  /** The first byte will have this number. */
  begin(sequence: number): void {
    this.#expected ??= sequence
  }

  /** Whether a segment with this number can be of this stream. */
  isNear(sequence: number): boolean {
    return this.#expected === null || Math.abs(distance(this.#expected, sequence)) <= furthest
  }

  take(sequence: number, payload: Buffer, missing: number, fin: boolean, time: number): void {
    this.begin(sequence)
    const length = payload.length + missing
    const at = this.#offset + distance(this.#expected!, sequence)
    if (Math.abs(at - this.#offset) > furthest || this.#ended) return
    if (fin && this.#finAt === null && at + length >= this.#offset) {
      this.#finAt = at + length
      this.#dropBeyondFin()
    }
    if (length > 0) this.#takeBytes(at, payload, missing, time)
    this.#endIfReached(time)
  }

  /** The other side has all bytes before this number. */
  acknowledged(sequence: number, time: number): void {
    if (this.#expected === null || this.#ended) return
    let ahead = distance(this.#expected, sequence)
    if (ahead <= 0 || ahead > furthest) {
      this.#ackedUnseen = 0
      return
    }
    if (this.#finAt !== null) ahead = Math.min(ahead, this.#finAt - this.#offset)
    // One alone at the end is a FIN that isn't in the capture.
    else if (ahead === 1 && this.#waiting.length === 0) return
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
    while (this.#waiting.length > 0) this.#giveUp(Infinity, time)
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
    if (this.#waiting.length === 0 && at === this.#offset && missing === 0) {
      if (payload.length > 0 && (this.#finAt === null || at + payload.length <= this.#finAt)) this.#tell(payload, time)
      return
    }
    if (payload.length > 0) this.#wait(at, at + payload.length, payload, time)
    if (missing > 0 && end > this.#offset) this.#wait(Math.max(this.#offset, start + bytes.length), end, null, time)
    this.#drain(time)
    while (this.#waiting.length > mostPieces || this.#waitingCost > mostWaiting) this.#giveUp(Infinity, time)
    this.#memory.makeRoom(time)
  }

  /** What came first is kept, here too. */
  #wait(from: number, to: number, bytes: Buffer | null, time: number): void {
    const limit = Math.min(to, this.#finAt ?? Infinity)
    let index = this.#firstBeyond(from)
    let at = from
    while (at < limit) {
      const next = this.#waiting[index]
      if (next !== undefined && next.at <= at) {
        if (bytes !== null && next.bytes !== null) this.#compare(next.at, next.bytes, from, bytes, time)
        at = Math.max(at, next.end)
        index++
        continue
      }
      const end = Math.min(limit, next?.at ?? Infinity)
      const kept = bytes === null ? null : Buffer.from(bytes.subarray(at - from, end - from))
      const cost = this.#memory.wait(this, kept?.length ?? 0)
      this.#waitingCost += cost
      this.#waiting.splice(index++, 0, { at, end, bytes: kept, cost })
      at = end
    }
  }

  /** @returns the index of the first piece that ends after this place. */
  #firstBeyond(place: number): number {
    let [low, high] = [0, this.#waiting.length]
    // Most come in their order, behind a hole.
    if (high === 0 || this.#waiting[high - 1]!.end <= place) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#waiting[middle]!.end > place) high = middle
      else low = middle + 1
    }
    return low
  }

  #compare(at: number, kept: Buffer, start: number, bytes: Buffer, time: number): void {
    const from = Math.max(at, start)
    const to = Math.min(at + kept.length, start + bytes.length)
    if (from >= to) return
    const different = differenceOf(kept.subarray(from - at, to - at), bytes.subarray(from - start, to - start))
    if (different >= 0) this.#sink.differs(from + different, time)
  }

  #drain(time: number): void {
    let taken = 0
    for (; taken < this.#waiting.length && this.#waiting[taken]!.at === this.#offset; taken++) {
      const { at, end, bytes, cost } = this.#waiting[taken]!
      this.#release(cost, taken === this.#waiting.length - 1)
      if (bytes === null) this.#gap(end - at, time)
      else this.#tell(bytes, time)
    }
    if (taken > 0) this.#waiting.splice(0, taken)
  }

  /** What is missing up to the next piece that is there, or up to `limit`, won't come. */
  #giveUp(limit: number, time: number): void {
    const end = Math.min(limit, this.#waiting[0]?.at ?? Infinity)
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

  #release(cost: number, isLast: boolean): void {
    this.#waitingCost -= cost
    this.#memory.release(this, cost, isLast)
  }

  #dropBeyondFin(): void {
    const fin = this.#finAt!
    while (this.#waiting.length > 0 && this.#waiting.at(-1)!.at >= fin) this.#release(this.#waiting.pop()!.cost, this.#waiting.length === 0)
  }

  #endIfReached(time: number): void {
    if (this.#ended || this.#finAt === null || this.#offset < this.#finAt) return
    this.#ended = true
    this.#told.close()
    this.#sink.end(time)
  }
}
