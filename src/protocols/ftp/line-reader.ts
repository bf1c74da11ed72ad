import type { Direction } from '../decoder.js'
import { KeptBytes } from '../kept-bytes.js'
import { SpanTiler } from '../span-tiler.js'
import type { FtpEvent } from './events.js'

const LF = 0x0a
const CR = 0x0d

/** Between calls: to hold on to the last call's events would be to hold on to the caller's list. */
const NOWHERE: FtpEvent[] = []

/**
 * Cuts one direction into lines, whichever way the bytes come, and lines into commands or replies: a unit of one or
 * more lines. Every line ends with LF, also where a telnet option could claim that byte, as servers don't look at it
 * that way and a lost line end would stall the decoding.
 *
 * bytes ──► reading ──► opaque: a line or reply too long, another protocol, TLS from here on
 *              └──────► ended
 */
export abstract class LineReader {
  protected state: 'reading' | 'opaque' | 'ended' = 'reading'
  protected out = NOWHERE
  protected at = 0
  /** Stream offset and time of the unit's first byte. */
  protected start = 0
  protected startedAt = 0

  private readonly direction: Direction
  private readonly kind: 'command' | 'reply'
  private readonly lineLimit: number
  private readonly tiler: SpanTiler
  /** Stream offset of the first byte of the call. */
  private base = 0
  /** The unit's bytes. */
  private readonly kept = new KeptBytes()
  /** Where its last line begins in them. */
  private lineStart = 0
  private opaqueMessage = -1

  constructor(direction: Direction, kind: 'command' | 'reply', lineLimit: number) {
    this.direction = direction
    this.kind = kind
    this.lineLimit = lineLimit
    this.tiler = new SpanTiler(direction)
  }

  /** A unit's first byte is here. */
  protected abstract begins(): void
  /** Why a line that begins so is another protocol's, null where it isn't. `line` has its line end, once it's here. */
  protected abstract refuse(line: Buffer): string | null
  /** The ordinal for the span of a line that isn't complete. */
  protected abstract messageOf(line: Buffer): number
  /** A line is complete, given without its line end. Calls `done`, `gone` or `more`. */
  protected abstract take(content: Buffer, bareLf: boolean): void
  /** A line is too long, of which this is the beginning. Gives the ordinal it used, and what to say. */
  protected abstract tooLong(line: Buffer): { readonly message: number, readonly reason: string }
  /** What to say of a unit that is cut here. */
  protected abstract cut(unit: Buffer, lineStart: number): string

  receive(bytes: Buffer, at: number, out: FtpEvent[]): void {
    this.out = out
    this.at = at
    let position = 0
    while (position < bytes.length && this.state === 'reading') position = this.readLine(bytes, position)
    this.base += bytes.length
    const message = this.state === 'opaque' ? this.opaqueMessage : -1
    this.tiler.cover('opaque', message, this.base, out)
    this.tiler.flush(out)
    this.out = NOWHERE
  }

  end(at: number, clean: boolean, out: FtpEvent[]): void {
    if (this.state === 'reading' && this.kept.length > 0) {
      const how = clean ? 'the connection ended' : 'the connection was cut'
      const text = `${this.cut(this.kept.view(), this.lineStart)} when ${how}`
      out.push({ type: 'odd', direction: this.direction, offset: this.start, at, text })
    }
    this.state = 'ended'
    this.kept.release()
  }

  /** Bytes held from earlier calls. */
  get bufferedBytes(): number {
    return this.kept.length
  }

  /** The other direction decided that nothing from here on is decoded; a line that isn't complete is part of that. */
  switchAway(reason: string | null, message: number, at: number, out: FtpEvent[]): void {
    if (this.state !== 'reading') return
    this.out = out
    this.at = at
    this.turnOpaque(this.kept.length > 0 ? this.start : this.base, reason, message)
    this.out = NOWHERE
  }

  protected get isInUnit(): boolean {
    return this.kept.length > 0
  }

  /** The unit's bytes so far. */
  protected get raw(): Buffer {
    return this.kept.view()
  }

  /** Stream offset after the unit's bytes so far. */
  protected get unitEnd(): number {
    return this.start + this.kept.length
  }

  /** The unit goes on with another line. */
  protected more(message: number): void {
    this.cover(message)
    this.lineStart = this.kept.length
  }

  /** The unit is complete: gives its span, then its event. */
  protected done(message: number, event: FtpEvent): void {
    this.cover(message)
    this.tiler.flush(this.out)
    this.out.push(event)
    // Not cleared: `raw` lives in this memory, and another unit may begin in the same call.
    this.kept.release()
    this.lineStart = 0
  }

  /** Nothing from `offset` on is decoded any more. */
  protected turnOpaque(offset: number, reason: string | null, message: number): void {
    this.tiler.flush(this.out)
    this.out.push({ type: 'opaque', direction: this.direction, offset, reason, message, at: this.at })
    this.opaqueMessage = message
    this.state = 'opaque'
    this.kept.release()
    this.lineStart = 0
  }

  private cover(message: number): void {
    this.tiler.cover(this.kind, message, this.unitEnd, this.out)
  }

  /** Reads up to the next line end, or all there is; gives the position after it. */
  private readLine(bytes: Buffer, position: number): number {
    const feed = bytes.indexOf(LF, position)
    const next = feed === -1 ? bytes.length : feed + 1
    const room = this.lineLimit - (this.kept.length - this.lineStart)
    const end = Math.min(next, position + room)
    if (this.kept.length === 0) {
      this.start = this.base + position
      this.startedAt = this.at
      this.begins()
    }
    this.kept.append(bytes, position, end)
    const line = this.kept.view().subarray(this.lineStart)
    const refusal = this.refuse(line)
    if (refusal !== null) {
      this.turnOpaque(this.start, refusal, -1)
    } else if (end < next || (feed === -1 && line.length === this.lineLimit)) {
      const lineOffset = this.start + this.lineStart
      const { message, reason } = this.tooLong(line)
      this.turnOpaque(lineOffset, reason, message)
    } else if (feed === -1) {
      this.cover(this.messageOf(line))
    } else {
      const bareLf = line.at(-2) !== CR
      this.take(line.subarray(0, line.length - (bareLf ? 1 : 2)), bareLf)
    }
    return next
  }
}
