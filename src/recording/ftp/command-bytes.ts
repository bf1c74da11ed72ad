import type { InterpreterContext } from '../interpreter.js'
import { SecretMasker } from './secret-masker.js'

/** A TLS record of a handshake begins with it (RFC 8446 §5.1). */
const handshake = 0x16

/**
 * Writes what the client sends, with secrets masked, a segment for each command or read. What is masked doesn't depend on
 * what the decoder makes of the bytes; lengths and offsets stay as they were.
 */
export class CommandBytes {
  readonly #context: InterpreterContext
  #masker: SecretMasker | null
  #pieces: { bytes: Buffer, offset: number, time: number }[] = []
  /** Segments of the line in progress that had to be written before it was complete. */
  #early: number[] = []
  #awaitsHandshake = false

  constructor(context: InterpreterContext) {
    this.#context = context
    this.#masker = context.keepPasswords ? null : new SecretMasker()
  }

  /** What masks the bytes from here on; null where nothing is to be masked. */
  get masker(): SecretMasker | null {
    return this.#masker
  }

  /** Keeps a copy, to be written by what is called next. */
  take(bytes: Buffer, offset: number, time: number): void {
    // A client that says something else after AUTH TLS doesn't speak TLS, and what it says may still be a password.
    if (this.#awaitsHandshake && bytes[0] === handshake) this.#masker = null
    this.#awaitsHandshake = false
    const copy = Buffer.from(bytes)
    this.#masker?.mask(copy)
    this.#pieces.push({ bytes: copy, offset, time })
  }

  /** What was sent on instead, as it may be written down. */
  sent(bytes: Buffer, offset: number, replaced: number): Buffer {
    return this.#masker?.sent(bytes, offset, replaced) ?? bytes
  }

  /** That many bytes are missing here. */
  gap(length: number): void {
    this.flush()
    this.#early = []
    this.#masker?.gap(length)
  }

  /** A line is complete. @param end stream offset after it. */
  command(end: number, messageId: number | null): void {
    while (this.#pieces.length > 0 && this.#pieces[0]!.offset < end) {
      const { bytes, offset, time } = this.#pieces.shift()!
      const line = bytes.subarray(0, end - offset)
      this.#write('command', messageId, line, offset, time)
      if (line.length < bytes.length) this.#pieces.unshift({ bytes: bytes.subarray(line.length), offset: end, time })
    }
    if (messageId !== null) for (const segment of this.#early) this.#context.store.adopt(segment, messageId)
    this.#early = []
  }

  /** Before a commit: the line in progress is written as far as it has come, and given to its command once that is known. */
  flush(): void {
    for (const { bytes, offset, time } of this.#pieces) {
      const { first, last } = this.#write('command', null, bytes, offset, time)
      for (let id = first; id <= last; id++) this.#early.push(id)
    }
    this.#pieces = []
  }

  /** What is here isn't a command, nor is the line in progress. */
  opaque(): void {
    for (const segment of this.#early) this.#context.store.retype(segment, 'opaque')
    for (const { bytes, offset, time } of this.#pieces) this.#write('opaque', null, bytes, offset, time)
    this.#early = []
    this.#pieces = []
  }

  /** TLS was agreed on: its handshake is to come. */
  expectHandshake(): void {
    this.#awaitsHandshake = true
  }

  #write(kind: string, messageId: number | null, bytes: Buffer, offset: number, time: number): { first: number, last: number } {
    return this.#context.store.segment(this.#context.connection.id, 'up', 'received', offset, time, kind, messageId, null, bytes)
  }
}
