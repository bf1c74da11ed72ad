import { KeptBytes } from '../kept-bytes.js'
import { quote } from '../quote.js'
import { CR, LF } from './characters.js'
import { BlankLineFinder } from './blank-line.js'
import { hexDigit, parseChunkLine } from './chunk-line.js'
import { parseFields } from './fields.js'
import type { Flag } from './flags.js'
import type { Headers } from './headers.js'
import { Undecodable } from './undecodable.js'

/** Most bytes of a chunk-size line or a trailer section. */
export const CHUNK_TEXT_LIMIT = 64 * 1024

/** Is told what a chunked body consists of. All positions are stream offsets. */
export interface ChunkedListener {
  chunkFraming(end: number): void
  chunkData(end: number): void
  chunkFlag(flag: Flag, offset: number): void
  trailers(headers: Headers, start: number, end: number): void
  chunkedDone(): void
  /** Nothing from `offset` on can be read. */
  chunkedFailed(offset: number, reason: string): void
}

// The last line is a chunk of size 0, after which comes the trailer section, blank line included (RFC 9112 §7.1.2).
type State = 'size' | 'data' | 'data-end' | 'trailers' | 'done'

/** Reads chunked bodies, one after the other, from bytes in any pieces. */
export class ChunkedReader {
  private readonly listener: ChunkedListener
  private state: State = 'done'
  private remaining = 0
  /** Where the line or trailer section starts that is being read, or the chunk's data ended. */
  private partStart = 0
  private sawCr = false
  private readonly flagged = new Set<Flag>()
  private readonly kept = new KeptBytes()
  private readonly blankLine = new BlankLineFinder()

  constructor(listener: ChunkedListener) {
    this.listener = listener
  }

  /** The body starts at this stream offset. */
  begin(offset: number): void {
    this.flagged.clear()
    this.enter('size', offset)
  }

  get bufferedBytes(): number {
    return this.kept.length
  }

  /** What the body lacks if it ends here. */
  get missing(): string {
    return this.state === 'trailers' ? 'chunked body cut in its trailer section' : 'chunked body cut before its last chunk'
  }

  /** Reads on from `position`; gives the position after what it read, where the body or the bytes end. */
  read(bytes: Buffer, position: number, base: number): number {
    while (this.state !== 'done' && position < bytes.length) {
      if (this.state === 'size') position = this.readSize(bytes, position, base)
      else if (this.state === 'data') position = this.readData(bytes, position, base)
      else if (this.state === 'data-end') position = this.readDataEnd(bytes, position, base)
      else position = this.readTrailers(bytes, position, base)
    }
    return position
  }

  /** Forgets the body in progress. */
  stop(): void {
    this.enter('done', 0)
  }

  private readSize(bytes: Buffer, position: number, base: number): number {
    if (this.kept.length === 0) {
      const end = this.readPlainSize(bytes, position, base)
      if (end !== -1) return end
    }
    const feed = bytes.indexOf(LF, position)
    const lineEnd = feed === -1 ? bytes.length : feed
    if (this.kept.length + lineEnd - position >= CHUNK_TEXT_LIMIT) {
      return this.fail(`chunk-size line longer than ${CHUNK_TEXT_LIMIT} bytes`, bytes)
    }
    this.kept.append(bytes, position, lineEnd)
    if (feed === -1) return bytes.length
    const line = parseChunkLine(this.kept.view().toString('latin1'))
    if (line instanceof Undecodable) return this.fail(line.reason, bytes)
    for (const flag of line.flags) this.flag(flag)
    this.sized(line.size, base + feed + 1)
    return feed + 1
  }

  /** The usual line, digits and CRLF and nothing else, without making it a string. Gives -1 for any other. */
  private readPlainSize(bytes: Buffer, position: number, base: number): number {
    let size = 0
    let index = position
    for (; index < bytes.length; index++) {
      const digit = hexDigit(bytes[index]!)
      if (digit === -1) break
      size = size * 16 + digit
    }
    const digits = index - position
    if (digits === 0 || digits > 12 || bytes[index] !== CR || bytes[index + 1] !== LF) return -1
    this.sized(size, base + index + 2)
    return index + 2
  }

  private sized(size: number, end: number): void {
    this.listener.chunkFraming(end)
    this.remaining = size
    this.enter(size === 0 ? 'trailers' : 'data', end)
  }

  private readData(bytes: Buffer, position: number, base: number): number {
    const length = Math.min(this.remaining, bytes.length - position)
    this.remaining -= length
    const end = position + length
    this.listener.chunkData(base + end)
    if (this.remaining === 0) this.enter('data-end', base + end)
    return end
  }

  private readDataEnd(bytes: Buffer, position: number, base: number): number {
    const code = bytes[position]!
    if (code === CR && !this.sawCr) {
      this.sawCr = true
      return position + 1
    }
    if (code !== LF) {
      const found = this.sawCr ? `\r${String.fromCharCode(code)}` : String.fromCharCode(code)
      return this.fail(`chunk data isn't followed by a line end but by ${quote(found)}`, bytes)
    }
    if (!this.sawCr) this.flag('bare-lf-in-chunk')
    this.listener.chunkFraming(base + position + 1)
    this.enter('size', base + position + 1)
    return position + 1
  }

  private readTrailers(bytes: Buffer, position: number, base: number): number {
    const found = this.blankLine.find(bytes, position)
    const end = found === -1 ? bytes.length : found
    const length = this.kept.length + end - position
    if (length > CHUNK_TEXT_LIMIT || (found === -1 && length === CHUNK_TEXT_LIMIT)) {
      return this.fail(`trailer section longer than ${CHUNK_TEXT_LIMIT} bytes`, bytes)
    }
    this.kept.append(bytes, position, end)
    if (found === -1) return end
    // Most bodies have no trailers: the section is a CRLF alone, with nothing to read.
    const plain = length === 2
    const fields = plain ? undefined : parseFields(this.kept.view(), 0, length)
    if (fields instanceof Undecodable) return this.fail(`in the trailer section: ${fields.reason}`, bytes)
    if (fields !== undefined) for (const flag of fields.flags) this.flag(flag)
    this.listener.chunkFraming(base + end)
    if (fields !== undefined && fields.headers.length > 0) this.listener.trailers(fields.headers, this.partStart, base + end)
    this.stop()
    this.listener.chunkedDone()
    return end
  }

  private enter(state: State, partStart: number): void {
    this.state = state
    this.partStart = partStart
    this.sawCr = false
    this.kept.clear()
    if (state === 'trailers') this.blankLine.reset()
  }

  private flag(flag: Flag): void {
    if (this.flagged.has(flag)) return
    this.flagged.add(flag)
    this.listener.chunkFlag(flag, this.partStart)
  }

  private fail(reason: string, bytes: Buffer): number {
    const offset = this.partStart
    this.stop()
    this.listener.chunkedFailed(offset, reason)
    return bytes.length
  }
}
