import type { Direction } from '../protocols/decoder.js'
import type { Interpreter, InterpreterContext } from './interpreter.js'

/** Overwrites what mustn't be written down of what a client says. */
export interface Masker {
  /** In place: the next bytes of the stream. */
  mask(bytes: Buffer): void
  /** A copy of what was sent on instead. */
  sent(bytes: Buffer, offset: number, replaced: number): Buffer
  /** That many bytes of the stream are missing here. */
  gap(length: number): void
}

/** A connection that no decoder reads: its bytes are kept as they came, a segment for each read. */
export class OpaqueInterpreter implements Interpreter {
  readonly #context: InterpreterContext
  readonly #masker: Masker | null

  /** @param masker for what the client sends. */
  constructor(context: InterpreterContext, masker: Masker | null = null) {
    this.#context = context
    this.#masker = masker
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    let kept = bytes
    if (direction === 'up' && this.#masker !== null) this.#masker.mask(kept = Buffer.from(bytes))
    this.#context.store.segment(
      this.#context.connection.id, direction, 'received', offset, time, 'opaque', null, null, kept)
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    const kept = direction === 'up' ? this.#masker?.sent(bytes, offset, replaced) ?? bytes : bytes
    this.#context.store.segment(
      this.#context.connection.id, direction, 'sent', offset, time, 'opaque', null, replaced, kept)
  }

  gap(direction: Direction, _offset: number, length: number): void {
    if (direction === 'up') this.#masker?.gap(length)
  }

  end(): void {}
  flush(): void {}
  close(): void {}
}
