import type { Direction } from '../../protocols/decoder.js'
import type { Interpreter, InterpreterContext } from '../interpreter.js'
import type { DataFacts, FtpTransfer } from './ftp-transfer.js'

/** Bytes kept for a transfer whose command isn't known yet: some clients connect, and some servers send, before it. */
const earlyLimit = 1024 * 1024

/** A data connection: its bytes are the body of the transfer that it carries. */
export class FtpDataInterpreter implements Interpreter {
  readonly facts: DataFacts
  readonly #context: InterpreterContext
  #transfer: FtpTransfer | null = null
  #early: { bytes: Buffer, time: number }[] = []
  #earlySize = 0
  #closed: { at: number, error: string | null } | null = null

  constructor(context: InterpreterContext, facts: DataFacts) {
    this.#context = context
    this.facts = facts
  }

  get attached(): boolean {
    return this.#transfer !== null
  }

  /** From now on the transfer tells its story; a data connection without one stays a record of its own. */
  attach(transfer: FtpTransfer): void {
    this.#transfer = transfer
    this.#context.connection.messages = 1
    transfer.attach(this.facts)
    for (const { bytes, time } of this.#early) transfer.received(bytes, time)
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
    this.#context.store.segment(
      this.#context.connection.id, direction, 'received', offset, time, 'body', this.#transfer?.start.id ?? null, null, bytes)
    if (this.#transfer !== null) {
      if (direction === this.#transfer.start.direction) this.#transfer.received(bytes, time)
    } else if (this.#earlySize < earlyLimit) {
      this.#earlySize += bytes.length
      this.#early.push({ bytes: Buffer.from(bytes), time })
    }
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    this.#context.store.segment(
      this.#context.connection.id, direction, 'sent', offset, time, 'body', this.#transfer?.start.id ?? null, replaced, bytes)
  }

  end(): void {}

  flush(): void {
    if (this.#transfer?.over === false) this.#transfer.save()
  }

  close(time: number): void {
    const { error } = this.#context.connection
    this.#closed = { at: time, error }
    this.#transfer?.dataClosed(time, error)
  }
}
