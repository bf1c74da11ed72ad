import type { Direction } from '../../protocols/decoder.js'
import type { Interpreter, InterpreterContext } from '../interpreter.js'
import { OpaqueInterpreter } from '../opaque-interpreter.js'
import { DataContent } from './data-content.js'
import type { DataFacts, FtpTransfer } from './ftp-transfer.js'

/** Segments from before the command that are given to its transfer once it is known: of a socket's reads, some 64 MiB. */
const mostAdopted = 1024

/** Ends by which a data connection says that this was all (RFC 959 §3.4.1), the one of which nothing is known included; any other cut it. */
const inOrder = new Set(['client closed', 'server closed', 'closed'])

/** A data connection: its bytes are the body of the transfer that it carries. */
export class FtpDataInterpreter implements Interpreter {
  readonly facts: DataFacts
  readonly #context: InterpreterContext
  readonly #content: Record<Direction, DataContent> = { up: new DataContent(), down: new DataContent() }
  readonly #changed: Record<Direction, boolean> = { up: false, down: false }
  #transfer: FtpTransfer | null = null
  /** Segments that belong to no transfer yet: some clients connect, and some servers send, before the command. */
  #early: number[] = []
  #closed: { at: number, error: string | null } | null = null

  constructor(context: InterpreterContext, mode: DataFacts['mode'], form: string) {
    this.#context = context
    this.facts = { connection: context.connection, mode, form, content: this.#content }
  }

  get attached(): boolean {
    return this.#transfer !== null
  }

  /** From now on the transfer tells its story; a data connection without one stays a record of its own. */
  attach(transfer: FtpTransfer): void {
    const { direction, id } = transfer.start
    this.#transfer = transfer
    this.#context.connection.messages = 1
    transfer.attach(this.facts)
    if (this.#changed[direction]) transfer.sentOtherwise()
    for (const segment of this.#early) this.#context.store.adopt(segment, id)
    this.#early = []
    if (this.#closed !== null) {
      this.#context.store.connection(this.#context.connection)
      transfer.dataClosed(this.#closed.at, this.#closed.error)
    }
  }

  /** The transfer ended without having begun: the connection can serve another. */
  detachUnused(transfer: FtpTransfer): void {
    if (this.#transfer !== transfer || transfer.begun || this.#closed !== null) return
    this.#transfer = null
    this.#context.connection.messages = 0
    transfer.detach()
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    const { first, last } = this.#segment('received', direction, bytes, offset, time, null)
    if (this.#transfer === null) for (let id = first; id <= last && this.#early.length < mostAdopted; id++) this.#early.push(id)
    this.#content[direction].received(bytes, time)
    this.#transfer?.carried()
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    this.#segment('sent', direction, bytes, offset, time, replaced)
    this.#changed[direction] = true
    if (this.#transfer?.start.direction === direction) this.#transfer.sentOtherwise()
  }

  gap(direction: Direction, _offset: number, length: number, time: number): void {
    this.#content[direction].lost(length, time)
    this.#transfer?.carried()
  }

  end(): void {}

  flush(): void {
    this.#transfer?.flush()
  }

  close(time: number): void {
    const { error, endReason } = this.#context.connection
    const cut = error ?? (endReason === null || inOrder.has(endReason) ? null : endReason)
    this.#closed = { at: time, error: cut }
    this.#transfer?.dataClosed(time, cut)
  }

  rest(): Interpreter {
    this.#transfer?.recordingFailed()
    return new OpaqueInterpreter(this.#context)
  }

  #segment(
    leg: 'received' | 'sent', direction: Direction, bytes: Buffer, offset: number, time: number, replaced: number | null,
  ): { first: number, last: number } {
    return this.#context.store.segment(
      this.#context.connection.id, direction, leg, offset, time, 'body', this.#transfer?.start.id ?? null, replaced, bytes)
  }
}
