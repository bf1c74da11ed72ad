import { KeptBytes } from '../kept-bytes.js'
import { BlankLineFinder } from './blank-line.js'
import { CR, LF } from './characters.js'
import { type Fields, parseFields } from './fields.js'
import { FieldsMemo } from './fields-memo.js'
import { refuseFirstBytes } from './first-bytes.js'
import { type Flag, joinFlags } from './flags.js'
import { Undecodable } from './undecodable.js'

/** A start line with the oddities in it. */
export interface StartLine {
  readonly flags: readonly Flag[]
}

export interface Head<Line> {
  readonly line: Line
  readonly fields: Fields
  /** The oddities of the whole head. */
  readonly flags: readonly Flag[]
  readonly raw: Buffer
  /** Position after the head in the bytes that completed it. */
  readonly next: number
}

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Reads heads, from the start line to the blank line. A head that can't be read is found out on its first bytes, at the
 * end of its start line, at the limit, or else when it's complete: never earlier or later because of how it was cut.
 */
export class HeadReader<Line extends StartLine> {
  private readonly kind: 'request' | 'status'
  private readonly parseLine: (text: string) => Line | Undecodable
  private readonly limit: number
  private readonly kept = new KeptBytes()
  private readonly blankLine = new BlankLineFinder()
  private readonly memo = new FieldsMemo()
  private lineIsRead = false

  constructor(kind: 'request' | 'status', parseLine: (text: string) => Line | Undecodable, limit: number) {
    this.kind = kind
    this.parseLine = parseLine
    this.limit = limit
  }

  get bufferedBytes(): number {
    return this.kept.length
  }

  /** Forgets the head in progress. */
  stop(): void {
    if (this.kept.length > 0) this.kept.release()
  }

  /**
   * Reads a head that starts at `start`; undefined where it needs more bytes than these, for which `resume` is there.
   * Usually the whole head is here, and none of it is copied.
   */
  begin(bytes: Buffer, start: number): Head<Line> | Undecodable | undefined {
    const feed = bytes.indexOf(LF, start)
    if (feed !== -1 && feed - start < this.limit) {
      const line = this.readLine(bytes, start, feed)
      if (line instanceof Undecodable) return line
      const known = this.memo.recall(bytes, feed + 1)
      const end = known === undefined ? this.findEnd(bytes, feed) : feed + 1 + known.length
      if (end !== -1 && end - start <= this.limit) return this.complete(bytes, start, feed, end, line, known)
    }
    this.lineIsRead = false
    this.blankLine.reset()
    return this.resume(bytes, start)
  }

  /** Goes on with the head in progress. */
  resume(bytes: Buffer, start: number): Head<Line> | Undecodable | undefined {
    const found = this.blankLine.find(bytes, start)
    const end = Math.min(found === -1 ? bytes.length : found, start + this.limit - this.kept.length)
    this.kept.append(bytes, start, end)
    const kept = this.kept.view()
    const feed = this.lineIsRead && found === -1 ? -1 : kept.indexOf(LF)
    const line = feed === -1 ? this.refuseUnread(kept) : this.readLine(kept, 0, feed)
    if (line instanceof Undecodable) return line
    if (feed !== -1) this.lineIsRead = true
    if (line !== undefined && found === end) {
      const head = this.complete(kept, 0, feed, kept.length, line, undefined)
      // Not cleared: `raw` lives in this memory, and another head may begin in the same call.
      this.kept.release()
      return head instanceof Undecodable ? head : { ...head, next: end }
    }
    return kept.length >= this.limit ? new Undecodable(`head longer than ${this.limit} bytes`) : undefined
  }

  private refuseUnread(bytes: Buffer): Undecodable | undefined {
    return this.lineIsRead ? undefined : refuseFirstBytes(this.kind, bytes, 0)
  }

  /** The head's end in these bytes, -1 where it isn't there. A blank line of bare LFs may end it earlier than said. */
  private findEnd(bytes: Buffer, feed: number): number {
    const end = bytes.indexOf(HEAD_END, feed - 1)
    if (end !== -1) return end + HEAD_END.length
    this.blankLine.reset()
    return this.blankLine.find(bytes, feed + 1)
  }

  private readLine(bytes: Buffer, start: number, feed: number): Line | Undecodable {
    const end = feed > start && bytes[feed - 1] === CR ? feed - 1 : feed
    const line = this.parseLine(bytes.toString('latin1', start, end))
    return line instanceof Undecodable ? refuseFirstBytes(this.kind, bytes, start) ?? line : line
  }

  private complete(
    bytes: Buffer, start: number, feed: number, end: number, line: Line, known: Fields | undefined,
  ): Head<Line> | Undecodable {
    const fields = known ?? parseFields(bytes, feed + 1, end)
    if (fields instanceof Undecodable) return fields
    if (known === undefined) this.memo.remember(bytes, feed + 1, fields)
    let flags = joinFlags(line.flags, fields.flags)
    if (bytes[feed - 1] !== CR) flags = joinFlags(flags, ['bare-lf'])
    const next = feed + 1 + fields.length
    return { line, fields, flags, raw: bytes.subarray(start, next), next }
  }
}
