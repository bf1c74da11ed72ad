import type { Direction } from '../../protocols/decoder.js'
import type { Interpreter, InterpreterContext } from '../interpreter.js'
import { chooseDatagramDecoder } from './datagram-decoders.js'
import type { DatagramReader } from './datagram-reader.js'

/** A UDP session: each datagram a row and a segment, and messages of what can be read as more. */
export class DatagramInterpreter implements Interpreter {
  readonly #context: InterpreterContext
  /** Undefined until the first datagram has shown what it is. */
  #reader: DatagramReader | null | undefined

  constructor(context: InterpreterContext) {
    this.#context = context
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    const { store, connection } = this.#context
    if (this.#reader === undefined) {
      const decoder = chooseDatagramDecoder(this.#context.decode, connection.server?.port, bytes)
      this.#reader = decoder?.reader(this.#context) ?? null
    }
    connection.messages++
    const id = store.newId()
    const { first } = store.segment(connection.id, direction, 'received', offset, time, 'datagram', id, null, bytes)
    store.datagram(id, connection.id, direction, time, bytes.length, first, this.#reader !== null)
    if (this.#reader === null) store.countRecord()
    else this.#reader.datagram(direction, bytes, id, time)
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    this.#context.store.segment(this.#context.connection.id, direction, 'sent', offset, time, 'datagram', null, replaced, bytes)
  }

  end(): void {}

  flush(): void {}

  close(time: number): void {
    this.#reader?.close(time)
  }
}
