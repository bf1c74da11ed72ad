import type { Direction } from '../decoder.js'
import { SpanTiler } from '../span-tiler.js'
import { type ChunkedListener, ChunkedReader } from './chunked.js'
import type { Http1Event } from './events.js'
import { type Flag, joinFlags } from './flags.js'
import type { BodyFraming } from './framing.js'
import { type Head, HeadReader, type StartLine } from './head-reader.js'
import type { Headers } from './headers.js'
import { LeadingLines } from './leading-lines.js'
import { Undecodable } from './undecodable.js'

/*
 *                    ┌────────────── body over, or none ───────────────┐
 *                    ▼                                                 │
 * bytes ──► idle ──► head ──► length | chunked | until-close ──────────┘
 *                      │            │
 *                      ├────────────┴──► opaque: undecodable, or another protocol from here on
 *                      └──► awaiting: after a CONNECT head, until its answer says tunnel (opaque) or not (idle)
 * any ──► ended, on the end of the direction; idle, head, length, awaiting ──► opaque, on a 101 or CONNECT's 2xx
 */
export type State = 'idle' | 'head' | 'length' | 'chunked' | 'until-close' | 'awaiting' | 'opaque' | 'ended'

/** Between calls: to hold on to the last call's events would be to hold on to the caller's bytes. */
export const NOWHERE: Http1Event[] = []

/** Reads one direction: finds heads and bodies, whichever way the bytes are cut, and gives their events to `out`. */
export abstract class MessageReader<Line extends StartLine> implements ChunkedListener {
  protected state: State = 'idle'
  protected message = -1
  protected out = NOWHERE
  protected at = 0
  protected readonly tiler: SpanTiler

  private readonly direction: Direction
  /** Stream offset of the first byte of the call. */
  private base = 0
  private readonly leading: LeadingLines
  private readonly heads: HeadReader<Line>
  protected headStart = 0
  protected headStartedAt = 0
  private bodyLength = 0
  private bodyStart = 0
  private readonly chunked: ChunkedReader

  constructor(direction: Direction, lineKind: 'request' | 'status', headLimit: number) {
    this.direction = direction
    this.leading = new LeadingLines(lineKind)
    this.heads = new HeadReader(lineKind, text => this.parseLine(text), headLimit)
    this.tiler = new SpanTiler(direction)
    this.chunked = new ChunkedReader(this)
  }

  /** A message's first byte is here: gives its ordinal. */
  protected abstract openMessage(): number
  protected abstract parseLine(text: string): Line | Undecodable
  /**
   * Gives the event for a head that ends at the stream offset `end`, and how its body ends: undefined where the state
   * that comes after was entered already.
   */
  protected abstract headIsComplete(head: Head<Line>, flags: readonly Flag[], end: number): BodyFraming | undefined
  /** The message is over. */
  protected abstract messageIsOver(): void

  receive(bytes: Buffer, at: number, out: Http1Event[]): void {
    this.out = out
    this.at = at
    let position = 0
    while (position < bytes.length) position = this.step(bytes, position)
    this.coverProvisionally(bytes.length)
    this.tiler.flush(out)
    this.base += bytes.length
    this.out = NOWHERE
  }

  end(at: number, clean: boolean, out: Http1Event[]): void {
    this.out = out
    this.at = at
    const read = this.tiler.end - this.bodyStart
    if (this.state === 'head') this.giveEnd(`head cut after ${this.tiler.end - this.headStart} bytes`)
    else if (this.state === 'length') this.giveEnd(`body cut at ${read} of ${this.bodyLength} bytes`)
    else if (this.state === 'chunked') this.giveEnd(this.chunked.missing)
    else if (this.state === 'until-close') {
      const error = `body cut after ${read} bytes: it lasts until the connection closes, and that didn't close in order`
      this.giveEnd(clean ? null : error)
    }
    this.enter('ended')
    this.out = NOWHERE
  }

  /** Bytes held from earlier calls. */
  get bufferedBytes(): number {
    return this.heads.bufferedBytes + this.chunked.bufferedBytes
  }

  chunkFraming(end: number): void {
    this.tiler.cover('framing', this.message, end, this.out)
  }

  chunkData(end: number): void {
    this.tiler.cover('body', this.message, end, this.out)
  }

  chunkFlag(flag: Flag, offset: number): void {
    this.tiler.flush(this.out)
    this.out.push({ type: 'flag', direction: this.direction, message: this.message, flag, offset })
  }

  trailers(headers: Headers, start: number, end: number): void {
    this.tiler.flush(this.out)
    this.out.push({ type: 'trailers', direction: this.direction, message: this.message, start, end, headers })
  }

  chunkedDone(): void {
    this.finish()
  }

  chunkedFailed(offset: number, reason: string): void {
    this.giveEnd(reason)
    this.turnOpaque(offset, reason, this.message)
  }

  protected enter(state: State): void {
    this.state = state
    this.heads.stop()
    if (state !== 'chunked') this.chunked.stop()
  }

  /** Nothing from `offset` on is decoded any more. */
  protected turnOpaque(offset: number, reason: string | null, message: number): void {
    this.tiler.flush(this.out)
    this.out.push({ type: 'opaque', direction: this.direction, offset, reason, message, at: this.at })
    this.message = message
    this.enter('opaque')
  }

  /** The message in this direction is over: `error` says what it lacks. */
  protected giveEnd(error: string | null): void {
    this.tiler.flush(this.out)
    const { direction, message, at } = this
    this.out.push({ type: 'end', direction, message, at, complete: error === null, error })
  }

  /** Where the head in progress starts, or else where reading has got to. */
  protected get readUpTo(): number {
    return this.state === 'head' ? this.headStart : this.tiler.end
  }

  private step(bytes: Buffer, position: number): number {
    switch (this.state) {
      case 'idle': return this.readFirst(bytes, position)
      case 'head': return this.takeHead(this.heads.resume(bytes, position), bytes)
      case 'length': return this.readLength(bytes)
      case 'chunked': return this.chunked.read(bytes, position, this.base)
      case 'until-close':
        this.tiler.cover('body', this.message, this.base + bytes.length, this.out)
        return bytes.length
      default:
        this.tiler.cover('opaque', this.state === 'ended' ? -1 : this.message, this.base + bytes.length, this.out)
        return bytes.length
    }
  }

  /** What is left of the call's bytes belongs to a head or a chunk's line that isn't complete yet, or is opaque. */
  private coverProvisionally(length: number): void {
    const kind = this.state === 'head' ? 'head' : this.state === 'chunked' ? 'framing' : 'opaque'
    this.tiler.cover(kind, this.message, this.base + length, this.out)
  }

  private readFirst(bytes: Buffer, start: number): number {
    const position = this.leading.skip(bytes, start)
    if (position > start) this.tiler.cover('framing', -1, this.base + position, this.out)
    if (position === bytes.length) return position
    this.message = this.openMessage()
    this.headStart = this.base + position
    this.headStartedAt = this.at
    this.state = 'head'
    return this.takeHead(this.heads.begin(bytes, position), bytes)
  }

  private takeHead(head: Head<Line> | Undecodable | undefined, bytes: Buffer): number {
    if (head === undefined) return bytes.length
    if (head instanceof Undecodable) {
      this.turnOpaque(this.headStart, head.reason, this.message)
      return bytes.length
    }
    const end = this.base + head.next
    this.tiler.cover('head', this.message, end, this.out)
    this.tiler.flush(this.out)
    const framing = this.headIsComplete(head, joinFlags(this.leading.takeFlags(), head.flags), end)
    if (framing !== undefined) this.beginBody(framing, end)
    return head.next
  }

  private beginBody(framing: BodyFraming, offset: number): void {
    this.bodyStart = offset
    if (framing.kind === 'none') {
      this.finish()
    } else if (framing.kind === 'length') {
      this.bodyLength = framing.length
      this.enter('length')
    } else if (framing.kind === 'unknown') {
      this.giveEnd(framing.problem)
      this.turnOpaque(offset, framing.problem, this.message)
    } else {
      this.enter(framing.kind)
      if (framing.kind === 'chunked') this.chunked.begin(offset)
    }
  }

  private readLength(bytes: Buffer): number {
    const bodyEnd = this.bodyStart + this.bodyLength
    const end = Math.min(bodyEnd, this.base + bytes.length)
    this.tiler.cover('body', this.message, end, this.out)
    if (end === bodyEnd) this.finish()
    return end - this.base
  }

  private finish(): void {
    this.giveEnd(null)
    this.enter('idle')
    this.messageIsOver()
  }
}
