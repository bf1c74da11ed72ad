import { foreignRequest } from './first-bytes.js'
import { LineReader } from './line-reader.js'
import { addOddBytes, type Oddity } from './oddities.js'
import { MOST_UNANSWERED, type Outstanding } from './outstanding.js'
import { withoutTelnet } from './telnet.js'
import { readText } from './text.js'

const SP = 0x20

/** A command line's parts, telnet sequences removed. */
export interface CommandLine {
  /** In upper case. */
  readonly verb: string
  readonly argument: Buffer | null
  /** Whether spaces stand before the verb. */
  readonly indented: boolean
}

/** Splits a command line, given without its line end, at the first space after the verb. */
export function parseCommandLine(content: Buffer): CommandLine {
  const text = withoutTelnet(content)
  let start = 0
  while (text[start] === SP) start++
  const space = text.indexOf(SP, start)
  const verb = upperCase(text.toString('latin1', start, space === -1 ? text.length : space))
  const argument = space === -1 ? null : Buffer.from(text.subarray(space + 1))
  return { verb, argument, indented: start > 0 }
}

/** ASCII only: String.toUpperCase would make two letters of a ß. */
function upperCase(text: string): string {
  return text.replaceAll(/[a-z]+/g, letters => letters.toUpperCase())
}

/** Reads the commands of a connection. */
export class CommandReader extends LineReader {
  private readonly outstanding: Outstanding

  constructor(outstanding: Outstanding, lineLimit: number) {
    super('up', 'command', lineLimit)
    this.outstanding = outstanding
  }

  protected begins(): void {}

  protected refuse(line: Buffer): string | null {
    return this.outstanding.next === 0 ? foreignRequest(line) : null
  }

  protected messageOf(): number {
    return this.outstanding.next
  }

  protected take(content: Buffer, bareLf: boolean): void {
    const { verb, argument, indented } = parseCommandLine(content)
    const odd = new Set<Oddity>()
    if (bareLf) odd.add('bare-lf')
    addOddBytes(content, odd)
    if (indented) odd.add('leading-space')
    if (verb === '') odd.add('empty')
    else if (!/^[A-Z]+$/.test(verb)) odd.add('odd-verb')

    const { start, startedAt, at, raw } = this
    const end = this.unitEnd
    const message = this.outstanding.next
    const argumentText = argument === null ? null : readText(argument)
    this.outstanding.open(verb)
    this.done(message, {
      type: 'command', message, start, end, startedAt, at, verb, argument, argumentText, odd: [...odd], raw,
    })
    if (this.outstanding.isFull) {
      this.turnOpaque(end, `more than ${MOST_UNANSWERED} commands without an answer`, -1)
    }
  }

  protected tooLong(line: Buffer): { message: number, reason: string } {
    const message = this.outstanding.next
    // It may still be answered, with 500 most likely.
    this.outstanding.open(parseCommandLine(line).verb)
    return { message, reason: `command line longer than ${line.length} bytes` }
  }

  protected cut(unit: Buffer): string {
    return `command without its line end (CRLF), which no server acts on: ${unit.length} bytes had come`
  }
}
