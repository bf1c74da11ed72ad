import type { InterpreterContext } from '../interpreter.js'
import { takesSecret } from '../../protocols/ftp/index.js'

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

  opaque(): void {
    for (const { bytes, offset, time } of this.#pieces) this.#write('opaque', null, bytes, offset, time)
    this.#clear()
  }

  /** Before a commit: what can't be a secret needn't wait for its line end. */
  flush(): void {
    if (this.#size === 0) return
    const line = Buffer.concat(this.#pieces.map(({ bytes }) => bytes)).toString('latin1')
    // oxlint-disable-next-line no-control-regex
    const verb = /^[^A-Za-z]*([A-Za-z]+)[^A-Za-z]/.exec(line)?.[1]
    if (this.#context.keepPasswords || (verb === undefined ? line.length > longestSecretVerb : !takesSecret(verb.toUpperCase()))) {
      for (const { bytes, offset, time } of this.#pieces) this.#write('command', null, bytes, offset, time)
      this.#clear()
    }
  }

  #write(kind: string, messageId: number | null, bytes: Buffer, offset: number, time: number): void {
    this.#context.store.segment(this.#context.connection.id, 'up', 'received', offset, time, kind, messageId, null, bytes)
  }

  #clear(): void {
    this.#pieces = []
    this.#size = 0
  }
}

/** Everything from `from` on but the line end becomes asterisks. */
function mask(bytes: Buffer, from: number): void {
  for (let at = Math.max(0, from); at < bytes.length; at++) {
    if (bytes[at] !== 0x0d && bytes[at] !== 0x0a) bytes[at] = 0x2a
  }
}
