import type { Direction } from '../../protocols/decoder.js'
import type { Interpreter, InterpreterContext } from '../interpreter.js'
import { chooseDatagramDecoder } from './datagram-decoders.js'
import type { DatagramReader } from './datagram-reader.js'
import { RecentDatagrams } from './recent-datagrams.js'
import type { RecentDatagram } from './recent-datagrams.js'

/** A UDP session: each datagram a row and a segment, and messages of what can be read as more. */
export class DatagramInterpreter implements Interpreter {
  readonly #context: InterpreterContext
  readonly #recent: RecentDatagrams
  /** Undefined until the first datagram has shown what it is. */
  #reader: DatagramReader | null | undefined

  constructor(context: InterpreterContext) {
    this.#context = context
    this.#recent = RecentDatagrams.of(context.store)
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    const { store, connection } = this.#context
    if (this.#reader === undefined) {
      const decoder = chooseDatagramDecoder(this.#context.decode, connection.server?.port, bytes)
      this.#reader = decoder?.reader(this.#context) ?? null
    }
    const ordinal = connection.messages++
    const id = store.newId()
    const { first } = store.segment(connection.id, direction, 'received', offset, time, 'datagram', id, null, bytes)
    const told = this.#reader?.datagram(direction, bytes, id, time) ?? null
    const datagram = { id, connectionId: connection.id, ordinal, direction, offset, time, size: bytes.length, segmentId: first, told, changed: false }
    this.#write(datagram)
    if (told === null) store.countRecord()
    this.#recent.add(datagram)
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    const { store, connection } = this.#context
    const found = this.#recent.at(connection.id, direction, offset)
    // What replaces nothing stands beside the datagram at its place: another copy of it.
    const datagram = found !== undefined && (replaced === 0 || found.size === replaced) ? found : null
    store.segment(connection.id, direction, 'sent', offset, time, 'datagram', datagram?.id ?? null, replaced, bytes)
    if (datagram === null) {
      if (replaced === 0) this.#reader?.supplied(direction, bytes, time)
      return
    }
    datagram.told?.changed(bytes)
    if (datagram.changed) return
    datagram.changed = true
    this.#write(datagram)
  }

  messageId(ordinal: number): number | null {
    return this.#recent.withOrdinal(this.#context.connection.id, ordinal)?.id ?? null
  }

  end(): void {}

  flush(): void {}

  close(time: number): void {
    this.#reader?.close(time)
  }

  #write({ id, direction, time, size, segmentId, told, changed }: RecentDatagram): void {
    this.#context.store.datagram(id, this.#context.connection.id, direction, time, size, segmentId, told !== null, changed)
  }
}
