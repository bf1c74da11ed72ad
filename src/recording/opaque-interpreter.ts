import type { Direction } from '../protocols/decoder.js'
import type { Interpreter, InterpreterContext } from './interpreter.js'

/** A connection that no decoder reads: its bytes are kept as they came, a segment for each read. */
export class OpaqueInterpreter implements Interpreter {
  readonly #context: InterpreterContext

  constructor(context: InterpreterContext) {
    this.#context = context
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    this.#context.store.segment(
      this.#context.connection.id, direction, 'received', offset, time, 'opaque', null, null, bytes)
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    this.#context.store.segment(
      this.#context.connection.id, direction, 'sent', offset, time, 'opaque', null, replaced, bytes)
  }

  end(): void {}
  flush(): void {}
  close(): void {}
}
