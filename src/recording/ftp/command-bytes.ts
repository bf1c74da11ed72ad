import type { InterpreterContext } from '../interpreter.js'
import { secretVerbs } from '../../protocols/ftp/index.js'

/** A verb and its space are at most this long where a secret follows: `ACCT `, `PASS `, `ADAT `. */
const longestSecretVerb = 64

/**
 * Writes what the client sends, with secrets masked. A line is kept back until it is complete, or until it can't be one with
 * a secret in it any more; lengths and offsets stay as they were.
 */
export class CommandBytes {
  readonly #context: InterpreterContext
  #pieces: { bytes: Buffer, offset: number, time: number }[] = []
  #size = 0
  #secretGoesOn = false

  constructor(context: InterpreterContext) {
    this.#context = context
  }

  take(bytes: Buffer, offset: number, time: number): void {
    this.#pieces.push({ bytes: Buffer.from(bytes), offset, time })
    this.#size += bytes.length
  }

  /**
   * A line is complete.
   * @param end stream offset after it. @param secretAt stream offset of what has to be masked, -1 where nothing has.
   */
  command(end: number, messageId: number | null, secretAt: number): void {
    while (this.#pieces.length > 0 && this.#pieces[0]!.offset < end) {
      const piece = this.#pieces.shift()!
      const { bytes, offset, time } = piece
      const line = bytes.subarray(0, end - offset)
      if (secretAt >= 0 && !this.#context.keepPasswords) mask(line, secretAt - offset)
      this.#write('command', messageId, line, offset, time)
      this.#size -= line.length
      if (line.length < bytes.length) this.#pieces.unshift({ bytes: bytes.subarray(line.length), offset: end, time })
    }
  }

  /** No line end will come: what is kept goes as it is, but for a secret. */
  rest(kind: string): void {
    const secretAt = this.#context.keepPasswords ? -1 : secretStart(this.#line())
    this.#secretGoesOn = secretAt >= 0
    for (const { bytes, offset, time } of this.#pieces) {
      if (secretAt >= 0) mask(bytes, this.#pieces[0]!.offset + secretAt - offset)
      this.#write(kind, null, bytes, offset, time)
    }
    this.#clear()
  }

  /** Before a commit: what can't be a secret needn't wait for its line end. */
  flush(): void {
    if (this.#size === 0) return
    const line = this.#line()
    const undecided = line.length <= longestSecretVerb && !/[A-Za-z][^A-Za-z]*[ \t]/.test(line)
    if (this.#context.keepPasswords || (!undecided && secretStart(line) < 0)) this.rest('command')
  }

  /** Masks what still belongs to a secret that was too long for a line. */
  maskRest(bytes: Buffer): void {
    if (!this.#secretGoesOn) return
    const end = bytes.indexOf(0x0a)
    mask(end < 0 ? bytes : bytes.subarray(0, end), 0)
    this.#secretGoesOn = end < 0
  }

  #line(): string {
    return Buffer.concat(this.#pieces.map(({ bytes }) => bytes)).toString('latin1')
  }

  #write(kind: string, messageId: number | null, bytes: Buffer, offset: number, time: number): void {
    this.#context.store.segment(this.#context.connection.id, 'up', 'received', offset, time, kind, messageId, null, bytes)
  }

  #clear(): void {
    this.#pieces = []
    this.#size = 0
  }
}

const between = '[\\x00-\\x08\\x0e-\\x1f\\x7f-\\xff]{0,8}'

/** The verb, whatever telnet bytes stand before it, in it or after it, and what separates it from its argument. */
const secretCommand = new RegExp(
  `^[^A-Za-z]*(?:${secretVerbs.map((verb) => verb.split('').join(between)).join('|')})${between}[^A-Za-z\\r\\n]`, 'i')

/**
 * Where the argument of a command starts that takes a secret; -1 where none does. More is taken for one than the protocol
 * has: what a server may read as a password, after a tab or after telnet bytes, isn't to be written down either.
 */
export function secretStart(line: string): number {
  return secretCommand.exec(line)?.[0].length ?? -1
}

/** Everything from `from` on but the line end becomes asterisks. */
function mask(bytes: Buffer, from: number): void {
  for (let at = Math.max(0, from); at < bytes.length; at++) {
    if (bytes[at] !== 0x0d && bytes[at] !== 0x0a) bytes[at] = 0x2a
  }
}
