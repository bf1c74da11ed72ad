import { isUtf8 } from 'node:buffer'
import { MessageState } from '../../plugins/message-state.js'
import type { ConnectionInfo, FtpCommandMessage, FtpReplyMessage, FtpTransfer } from '../../plugins/messages.js'
import type { Direction } from '../../protocols/decoder.js'
import { parseCommandLine, readText } from '../../protocols/ftp/index.js'
import type { CommandEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import { encodeCommand, encodeReply } from '../../protocols/ftp/encoding.js'
import type { DataSetup } from './data-connection.js'

/** A command while hooks may change it. */
export class FtpCommandState extends MessageState implements FtpCommandMessage {
  readonly #event: CommandEvent
  #verb: string
  #argument: string | null

  constructor(connection: ConnectionInfo, event: CommandEvent) {
    super(connection)
    this.#event = event
    this.#verb = event.verb
    this.#argument = event.argumentText
  }

  get verb(): string {
    return this.#verb
  }

  set verb(value: string) {
    if (typeof value !== 'string' || !/^[!-~]+$/.test(value)) throw new TypeError(`a verb is ASCII without spaces, such as RETR, not ${JSON.stringify(value)}`)
    this.touch()
    this.#verb = value.toUpperCase()
  }

  get argument(): string | null {
    return this.#argument
  }

  set argument(value: string | null) {
    if (value !== null && (typeof value !== 'string' || /[\r\n\0]/.test(value))) {
      throw new TypeError('an argument is null or a text in one line: a CR, LF or NUL in it would end the command')
    }
    this.touch()
    this.#argument = value
  }

  keep(): () => void {
    const [verb, argument] = [this.#verb, this.#argument]
    return () => {
      this.#verb = verb
      this.#argument = argument
    }
  }

  /** The command as the hooks left it, in its old place. */
  event(): CommandEvent {
    const event = this.#event
    if (!this.changed || (this.#verb === event.verb && this.#argument === event.argumentText)) return event
    const raw = encodeCommand(this.#verb, this.#argumentBytes())
    const { verb, argument } = parseCommandLine(raw.subarray(0, -2))
    return { ...event, verb, argument, argumentText: argument === null ? null : readText(argument), raw }
  }

  /** What wasn't changed stays as its bytes were; the rest is written as the client writes. */
  #argumentBytes(): Buffer | null {
    const { argument, argumentText } = this.#event
    if (this.#argument === argumentText || this.#argument === null) return this.#argument === null ? null : argument
    return Buffer.from(this.#argument, argument === null ? 'utf8' : encodingOf(argument, this.#argument))
  }
}

/** A reply while hooks may change it. */
export class FtpReplyState extends MessageState implements FtpReplyMessage {
  readonly command: FtpReplyMessage['command']
  readonly #event: ReplyEvent
  #code: number
  #text: string

  constructor(connection: ConnectionInfo, event: ReplyEvent, command: FtpReplyMessage['command']) {
    super(connection)
    this.command = command
    this.#event = event
    this.#code = event.code
    this.#text = event.text
  }

  get code(): number {
    return this.#code
  }

  set code(value: number) {
    if (!Number.isSafeInteger(value) || value < 100 || value > 599) throw new TypeError(`a reply has a code from 100 to 599, not ${String(value)}`)
    this.touch()
    this.#code = value
  }

  get text(): string {
    return this.#text
  }

  set text(value: string) {
    if (typeof value !== 'string') throw new TypeError(`the text of a reply is a string, not ${value === null ? 'null' : typeof value}`)
    this.touch()
    this.#text = value
  }

  get preliminary(): boolean {
    return this.#code < 200
  }

  keep(): () => void {
    const [code, text] = [this.#code, this.#text]
    return () => {
      this.#code = code
      this.#text = text
    }
  }

  /** Null where it is as it was. */
  encoded(): Buffer | null {
    if (!this.changed || (this.#code === this.#event.code && this.#text === this.#event.text)) return null
    return encodeReply(this.#code, this.#text, encodingOf(this.#event.raw, this.#text))
  }
}

/** A data connection and the command that it is for: there is nothing to change in it. */
export class FtpTransferState extends MessageState implements FtpTransfer {
  readonly verb: string
  readonly argument: string | null
  readonly direction: Direction
  readonly mode: 'passive' | 'active'
  readonly form: string

  constructor(connection: ConnectionInfo, { mode, form }: DataSetup, command: { verb: string, argument: string | null, direction: Direction } | null) {
    super(connection)
    this.verb = command?.verb ?? ''
    this.argument = command?.argument ?? null
    this.direction = command?.direction ?? 'down'
    this.mode = mode
    this.form = form
  }

  keep(): () => void {
    return () => {}
  }
}

/** Latin1 where the peer doesn't write UTF-8, as far as it has the characters. */
function encodingOf(received: Buffer, text: string): 'utf8' | 'latin1' {
  return isUtf8(received) || /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1'
}
