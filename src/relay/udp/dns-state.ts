import { MessageState } from '../../plugins/message-state.js'
import type { ConnectionInfo, DnsAnswerMessage, DnsQueryMessage, DnsRecord } from '../../plugins/messages.js'
import { withQuestion, withResult } from '../../protocols/dns/rewrite.js'
import type { RewritableDns } from '../../protocols/dns/rewrite.js'

/** A DNS query while hooks may change it. */
export class DnsQueryState extends MessageState implements DnsQueryMessage {
  readonly id: number
  #name: string
  #type: string

  constructor(connection: ConnectionInfo, { id, name, type }: RewritableDns) {
    super(connection)
    this.id = id
    this.#name = name
    this.#type = type
  }

  get name(): string {
    return this.#name
  }

  set name(value: string) {
    this.touch()
    this.#name = textOf('name', value)
  }

  get type(): string {
    return this.#type
  }

  set type(value: string) {
    this.touch()
    this.#type = textOf('type', value)
  }

  keep(): () => void {
    const [name, type] = [this.#name, this.#type]
    return () => {
      this.#name = name
      this.#type = type
    }
  }

  /** @throws Error where it can't be written. */
  encode(original: Buffer): Buffer {
    return withQuestion(original, this)
  }
}

/** A DNS answer while hooks may change it. */
export class DnsAnswerState extends MessageState implements DnsAnswerMessage {
  readonly id: number
  readonly name: string
  readonly type: string
  #rcode: string
  #answers: readonly DnsRecord[]

  constructor(connection: ConnectionInfo, { id, name, type, rcode, answers }: RewritableDns) {
    super(connection)
    this.id = id
    this.name = name
    this.type = type
    this.#rcode = rcode
    this.#answers = Object.freeze(answers)
  }

  get rcode(): string {
    return this.#rcode
  }

  set rcode(value: string) {
    this.touch()
    this.#rcode = textOf('rcode', value)
  }

  get answers(): readonly DnsRecord[] {
    return this.#answers
  }

  set answers(value: readonly DnsRecord[]) {
    if (!Array.isArray(value)) throw new TypeError('answers is a list of records')
    this.touch()
    this.#answers = Object.freeze([...value as readonly DnsRecord[]])
  }

  keep(): () => void {
    const [rcode, answers] = [this.#rcode, this.#answers]
    return () => {
      this.#rcode = rcode
      this.#answers = answers
    }
  }

  /** @throws Error where it can't be written. */
  encode(original: Buffer): Buffer {
    return withResult(original, this)
  }
}

function textOf(what: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${what} is a text, not ${typeof value}`)
  return value
}
