import { quote } from '../quote.js'
import type { CommandReader } from './command-reader.js'
import { foreignGreeting } from './first-bytes.js'
import { LineReader } from './line-reader.js'
import { addOddBytes, type Oddity } from './oddities.js'
import type { Match, Outstanding, Waiting } from './outstanding.js'
import { endsReply, isContinued, isReplyCode, peekCode, readCode, replyText } from './reply-line.js'
import { readText } from './text.js'

/** Most lines before a greeting that are no reply, as a loader's warnings may be; with more it's no FTP server. */
const MOST_LINES_BEFORE_GREETING = 32

const UNANSWERING: Match = { command: null, outOfTurn: false, passedOver: [] }

/** Reads the replies of a connection, and tells the command side what they decide for it. */
export class ReplyReader extends LineReader {
  private readonly outstanding: Outstanding
  private readonly commands: CommandReader
  private readonly replyLimit: number
  private greeted = false
  private strayLines = 0
  /** Commands from this ordinal on came after the reply's first byte. */
  private horizon = 0
  /** The reply in progress; a code of 0 where its first line isn't complete. */
  private code = 0
  private match = UNANSWERING
  private lines: string[] = []
  private readonly odd = new Set<Oddity>()

  constructor(outstanding: Outstanding, commands: CommandReader, lineLimit: number, replyLimit: number) {
    super('down', 'reply', lineLimit)
    this.outstanding = outstanding
    this.commands = commands
    this.replyLimit = replyLimit
  }

  /** The command that the reply in progress answers, or, where there is none yet, that the next one should. */
  get awaiting(): Waiting | null {
    if (this.code !== 0) return this.match.command
    return this.greeted ? this.outstanding.oldest : null
  }

  override end(...given: Parameters<LineReader['end']>): void {
    super.end(...given)
    this.outstanding.stopAnswering()
  }

  protected begins(): void {
    this.horizon = this.outstanding.next
    this.code = 0
    this.match = UNANSWERING
    this.lines = []
    this.odd.clear()
  }

  protected refuse(line: Buffer): string | null {
    return this.greeted || this.strayLines > 0 || this.code !== 0 ? null : foreignGreeting(line)
  }

  protected messageOf(line: Buffer): number {
    if (this.code !== 0) return ordinalOf(this.match)
    const code = peekCode(line)
    if (code === 'none') return -1
    if (code !== 'undecided') return isReplyCode(code) ? ordinalOf(this.findMatch(code)) : -1
    const oldest = this.greeted ? this.outstanding.oldest : null
    return oldest === null || oldest.message >= this.horizon ? -1 : oldest.message
  }

  protected take(content: Buffer, bareLf: boolean): void {
    const text = replyText(content)
    const isFirst = this.code === 0
    if (isFirst) {
      const code = readCode(text, true)
      if (typeof code === 'string' || !isReplyCode(code)) {
        this.takeStray(text)
        return
      }
      this.code = code
      this.match = this.findMatch(code)
    }
    const isLast = isFirst ? !isContinued(text) : endsReply(text, this.code)
    if (bareLf) this.odd.add('bare-lf')
    addOddBytes(content, this.odd)
    this.lines.push(readText(isFirst || isLast ? text.subarray(4) : text))
    if (isLast) {
      if (text.length === 3) this.odd.add('bare-code')
      this.finish()
    } else if (this.raw.length > this.replyLimit) {
      this.turnOpaque(this.start, `reply ${this.code} longer than ${this.replyLimit} bytes`, ordinalOf(this.match))
    } else {
      this.more(ordinalOf(this.match))
    }
  }

  protected tooLong(line: Buffer): { message: number, reason: string } {
    const message = this.messageOf(line)
    const which = this.code === 0 ? 'reply line' : `line ${this.lines.length + 1} of a ${this.code} reply`
    return { message, reason: `${which} longer than ${line.length} bytes` }
  }

  protected cut(unit: Buffer, lineStart: number): string {
    if (this.code === 0) return `reply without its line end (CRLF): ${quote(unit.toString('latin1'))} had come`
    const lines = this.lines.length === 1 ? '1 line' : `${this.lines.length} lines`
    const rest = unit.length - lineStart
    const more = rest === 0 ? '' : ` and ${rest} bytes`
    return `reply ${this.code} without its last line, one that begins with "${this.code} ": ${lines}${more} had come`
  }

  protected override turnOpaque(...given: Parameters<LineReader['turnOpaque']>): void {
    super.turnOpaque(...given)
    this.code = 0
    this.outstanding.stopAnswering()
    // Whoever isn't FTP down isn't FTP up.
    if (!this.greeted && given[1] !== null) this.commands.switchAway(given[1], -1, this.at, this.out)
  }

  /** A line between replies that is none. */
  private takeStray(text: Buffer): void {
    this.strayLines++
    const { start: offset, at } = this
    const end = this.unitEnd
    this.done(-1, { type: 'odd', direction: 'down', offset, at, text: describeStray(text) })
    if (!this.greeted && this.strayLines === MOST_LINES_BEFORE_GREETING) {
      this.turnOpaque(end, `no greeting in the first ${MOST_LINES_BEFORE_GREETING} lines: this is no FTP server`, -1)
    }
  }

  private finish(): void {
    const { code, match, lines, start, startedAt, at, raw, greeted, odd } = this
    const end = this.unitEnd
    const message = ordinalOf(match)
    const isGreeting = !greeted && greets(code)
    if (match.outOfTurn) odd.add('out-of-turn')
    if (message === -1 && !isGreeting) odd.add('unsolicited')
    this.outstanding.settle(match, code)
    // 120 says that the real greeting is still to come (RFC 959 §5.4).
    if (code !== 120) this.greeted = true
    this.code = 0
    this.done(message, {
      type: 'reply', message, start, end, startedAt, at, code, text: lines.join('\n'), lines, preliminary: code < 200,
      odd: [...odd], raw,
    })
    if (code === 234 && match.command?.verb === 'AUTH') {
      // The client begins its handshake next; what it sent before is taken for commands (RFC 4217 §4).
      this.turnOpaque(end, null, message)
      this.commands.switchAway(null, message, at, this.out)
    }
  }

  private findMatch(code: number): Match {
    return !this.greeted && greets(code) ? UNANSWERING : this.outstanding.match(code, this.horizon)
  }
}

/**
 * Whether a first reply with this code is a greeting. Any other shows that the connection was joined later, as a capture
 * may do, so that the reply already answers a command.
 */
function greets(code: number): boolean {
  return code === 120 || code === 220 || code >= 400
}

function ordinalOf(match: Match): number {
  return match.command?.message ?? -1
}

function describeStray(text: Buffer): string {
  const quoted = quote(text.toString('latin1'))
  const code = readCode(text, true)
  if (typeof code === 'number') return `code out of range, so this is no reply: ${quoted}; codes go from 100 to 599`
  // oxlint-disable-next-line no-control-regex
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text.toString('latin1'))) return `binary line, so this is no reply: ${quoted}`
  return `line that is no reply: ${quoted}; one begins with three digits, then a space, a hyphen or nothing`
}
