import type { Direction, Opaque, Span } from '../../protocols/decoder.js'
import { dataDirection, FtpDecoder, parseCommandLine, preparesData, readText, takesPath, withoutListOptions, WorkingDirectory } from '../../protocols/ftp/index.js'
import type { CommandEvent, FtpEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { SentKind } from '../slab.js'
import type { Interpreter, InterpreterContext } from '../interpreter.js'
import type { OpenedNote } from '../notes.js'
import { OpaqueInterpreter } from '../opaque-interpreter.js'
import { CommandBytes } from './command-bytes.js'
import { DataSetups } from './data-setups.js'
import { FtpCommand } from './ftp-command.js'
import { FtpDataInterpreter } from './ftp-data-interpreter.js'
import { FtpSession } from './ftp-session.js'
import { FtpTransfer } from './ftp-transfer.js'
import { OddLines } from './odd-lines.js'
import { readReply, SentMessages } from './sent-messages.js'
import { secretVerbOf } from './secret-masker.js'
import { TransferSettings } from './transfer-settings.js'

const masked = '****'

/** What the server gets instead of a command that is answered by the relay or a plugin, so that replies keep their order. */
const standIn = Buffer.from('NOOP\r\n')

/** A code by which nothing has changed. */
const refused = 500

/** Reads a control connection as FTP, and ties the data connections to the commands that asked for them. */
export class FtpInterpreter implements Interpreter {
  readonly #context: InterpreterContext
  readonly #decoder = new FtpDecoder()
  readonly #directory = new WorkingDirectory()
  readonly #settings = new TransferSettings()
  readonly #setups = new DataSetups()
  readonly #oddLines = new OddLines()
  readonly #session: FtpSession
  readonly #commandBytes: CommandBytes
  /** Without a final reply, by ordinal. */
  readonly #commands = new Map<number, FtpCommand>()
  /** Not over, by their command's ordinal. */
  readonly #transfers = new Map<number, FtpTransfer>()
  /** By the ordinal of the REST that they start with. */
  readonly #restarted = new Map<number, FtpTransfer>()
  /** Done as the server says, without a data connection so far: since this read of replies, and since an earlier one. */
  readonly #dataless: Record<'now' | 'before', FtpTransfer[]> = { now: [], before: [] }
  /** Nothing is read any more in this direction: TLS, or what can't be FTP. */
  readonly #opaque: Record<Direction, boolean> = { up: false, down: false }
  readonly #sent: SentMessages
  #clientEnded = false
  /** When the server ended its side, in µs, where it was the first to. */
  #serverEnded: number | null = null

  constructor(context: InterpreterContext) {
    this.#context = context
    this.#commandBytes = new CommandBytes(context)
    this.#sent = new SentMessages(context.sentMemory)
    this.#session = new FtpSession(context.store, context.connection)
    context.connection.messages = 1
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    if (direction === 'up') this.#receivedUp(bytes, offset, time)
    else this.#receivedDown(bytes, offset, time)
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number, kind: SentKind): void {
    const { store, connection } = this.#context
    // What plugins send is told from what the relay does by itself.
    const byPlugin = kind === 'command' || kind === 'reply'
    if (direction === 'up') {
      const command = this.#sent.command(offset)
      if (command !== undefined) this.#commandSent(command, bytes, byPlugin)
      store.segment(connection.id, 'up', 'sent', offset, time, 'command', command?.id ?? null, replaced, this.#commandBytes.sent(bytes, offset, replaced))
      return
    }
    const { command, transfer, preliminary } = this.#sent.reply(offset) ?? {}
    if (byPlugin && command !== undefined) {
      if (preliminary === false) this.#answeredByPlugin(command, transfer, bytes)
      this.#changed(command)
      store.segment(connection.id, 'down', 'sent', offset, time, 'reply', command.id, replaced, bytes)
      return
    }
    const code = Number(/^(\d{3})/.exec(bytes.toString('latin1'))?.[1] ?? NaN)
    // The relay refused: the server never got the command, or what it offered couldn't be had.
    if (command !== undefined && code !== command.code && code >= 400) {
      command.code = code
      command.text = bytes.toString('utf8').slice(4).trimEnd()
      command.changed = true
      this.#setups.refused(command.ordinal)
      this.#saveCommand(command)
    }
    store.segment(connection.id, 'down', 'sent', offset, time, 'reply', command?.id ?? null, replaced, bytes)
  }

  messageId(ordinal: number): number | null {
    return this.#commands.get(ordinal)?.id ?? this.#sent.byOrdinal(ordinal)?.id ?? null
  }

  #changed(command: FtpCommand): void {
    command.changed = true
    this.#saveCommand(command)
  }

  /** The server got this instead of a command: what it says, and where it says it is, goes by that. */
  #commandSent(command: FtpCommand, bytes: Buffer, byPlugin: boolean): void {
    if (bytes.equals(standIn)) command.kept = true
    if (!byPlugin) return
    const line = bytes.toString('latin1').trimEnd()
    if (!command.kept && line !== '') {
      const { verb, argument } = parseCommandLine(Buffer.from(line, 'latin1'))
      command.asSent = { verb, argument: argument === null ? null : readText(argument) }
      this.#settlePath(command)
    }
    this.#changed(command)
  }

  /**
   * A plugin gave the client this final reply, or none. What the server said stays what the rows tell, as everywhere; to a command
   * that never reached it, it said nothing.
   */
  #answeredByPlugin(command: FtpCommand, transfer: FtpTransfer | undefined, bytes: Buffer): void {
    const reply = readReply(bytes)
    if (reply === null) command.error ??= `${command.kept ? 'no reply' : 'the client got no reply'}: dropped by a plugin`
    if (command.kept) {
      command.code = reply?.code ?? null
      command.text = reply?.text ?? null
    }
    if (reply !== null && reply.code < 400) return
    this.#setups.refused(command.ordinal)
    if (transfer === undefined || !command.kept) return
    transfer.answeredByPlugin(reply)
    this.#setups.transferRefused(transfer)
  }

  gap(direction: Direction, _offset: number, length: number): void {
    if (direction === 'up') this.#commandBytes.gap(length)
    if (this.#opaque.up && this.#opaque.down) return
    this.#opaque.up = this.#opaque.down = true
    const reason = `${length} bytes of the control connection not recorded`
    this.#endCommands(`no reply that can be read: ${reason}`, null)
    for (const transfer of this.#transfers.values()) transfer.replyNotRecorded(reason)
  }

  child(context: InterpreterContext, { ftp }: OpenedNote): Interpreter | undefined {
    if (ftp === undefined) return undefined
    const data = new FtpDataInterpreter(context, ftp.mode, ftp.form)
    this.#setups.connected(ftp.command, data)
    return data
  }

  end(direction: Direction, time: number, clean: boolean): void {
    if (direction === 'up') this.#commandBytes.flush()
    if (this.#opaque[direction]) return
    for (const event of this.#decoder.end(direction, time, clean)) {
      if (event.type === 'odd') this.#odd(event.text, event.direction, event.offset, time)
    }
    if (!clean) return
    if (direction === 'up') this.#clientEnded = true
    else if (!this.#clientEnded) this.#endedByServer(time)
  }

  /** It has nothing more to say, however long the client stays. */
  #endedByServer(time: number): void {
    const reason = 'server closed'
    this.#serverEnded = time
    this.#endCommands(`no reply: ${reason}`, time)
    for (const transfer of this.#transfers.values()) transfer.replyLost(reason)
  }

  flush(): void {
    this.#commandBytes.flush()
    for (const command of this.#commands.values()) if (command.dirty) this.#saveCommand(command)
    for (const transfer of this.#transfers.values()) transfer.flush()
    this.#session.flush()
  }

  close(time: number): void {
    const { connection } = this.#context
    const reason = connection.error ?? connection.endReason ?? 'connection closed'
    this.#commandBytes.flush()
    const ended = this.#serverEnded ?? time
    this.#endCommands(`no reply: ${reason}`, ended)
    for (const transfer of this.#transfers.values()) transfer.controlClosed(reason)
    this.#session.ended(ended, reason)
    this.#sent.close()
  }

  rest(): Interpreter {
    return new OpaqueInterpreter(this.#context, this.#commandBytes.masker)
  }

  #receivedUp(bytes: Buffer, offset: number, time: number): void {
    // Before anything that could fail: whatever happens to the bytes, they are masked.
    this.#commandBytes.take(bytes, offset, time)
    if (!this.#opaque.up) for (const event of this.#decoder.receive('up', bytes, time)) this.#take(event, time)
    if (this.#opaque.up) this.#commandBytes.opaque()
  }

  #receivedDown(bytes: Buffer, offset: number, time: number): void {
    let written = offset
    try {
      if (this.#opaque.down) return
      for (const event of this.#decoder.receive('down', bytes, time)) {
        this.#take(event, time)
        if (event.type !== 'span' || event.direction === 'up') continue
        this.#writeReply(event, bytes, offset, time)
        written = event.end
      }
      this.#dataless.before.push(...this.#dataless.now.splice(0))
    } finally {
      // Whatever fails, the bytes are kept.
      this.#writeReply({ kind: 'opaque', start: written, end: offset + bytes.length, message: -1 }, bytes, offset, time)
    }
  }

  #take(event: FtpEvent, time: number): void {
    switch (event.type) {
      case 'span': return
      case 'command': this.#command(event); return
      case 'reply': this.#reply(event); return
      case 'odd': this.#odd(event.text, event.direction, event.offset, time); return
      case 'opaque': this.#unreadable(event)
    }
  }

  #unreadable({ direction, offset, reason, at }: Opaque): void {
    this.#opaque[direction] = true
    if (direction === 'up') this.#commandBytes.opaque()
    if (reason !== null) {
      this.#context.event({ kind: 'undecodable', text: reason, time: at, direction, offset })
    } else if (direction === 'up') {
      this.#commandBytes.expectHandshake()
    } else {
      this.#session.encrypted()
    }
  }

  #writeReply({ kind, start, end, message }: Pick<Span, 'kind' | 'start' | 'end' | 'message'>, bytes: Buffer, offset: number, time: number): void {
    if (start === end) return
    this.#context.store.segment(
      this.#context.connection.id, 'down', 'received', start, time, kind,
      this.#commands.get(message)?.id ?? null, null, bytes.subarray(start - offset, end - offset))
  }

  #command(event: CommandEvent): void {
    const { message, argumentText: text } = event
    const { store, keepPasswords } = this.#context
    const secret = keepPasswords ? null : secretVerbOf(event.raw)
    // "PASS" and a tab isn't the verb PASS, but what follows may be a password all the same.
    const verb = secret ?? event.verb
    const argument = secret === null ? text : masked
    const command = new FtpCommand(store.newId(), message, verb, argument, this.#pathOf(verb, argument), event.startedAt)
    this.#commands.set(message, command)
    this.#sent.sawCommand(event.start, command)
    this.#commandBytes.command(event.end, command.id)
    for (const odd of this.#oddLines.of(event)) this.#odd(odd, 'up', event.start, event.at, command.id)
    if (verb === 'USER') this.#session.user(text)
    const prepares = preparesData(verb) !== null
    if (prepares) this.#setups.begin(message)
    const direction = dataDirection(verb)
    if (direction !== null) this.#beginTransfer(command, direction)
    else if (!prepares) this.#settings.forgetRestart()
    this.#settings.asked(command, text)
  }

  /** As the server sees it. */
  #settlePath(command: FtpCommand): void {
    const { verb, argument } = command.asSent ?? command
    command.path = this.#pathOf(verb, argument) ?? command.path
    const transfer = this.#transfers.get(command.ordinal)
    if (transfer !== undefined) transfer.path = command.path
  }

  #pathOf(verb: string, argument: string | null): string | null {
    // MFMT's path comes after a time.
    if (!takesPath(verb) || verb === 'MFMT') return null
    return this.#directory.resolve(verb === 'LIST' || verb === 'NLST' ? withoutListOptions(argument) : argument)
  }

  #beginTransfer(command: FtpCommand, direction: Direction): void {
    const { type, transferMode, structure } = this.#settings
    const restart = this.#settings.takeRestart()
    const transfer = new FtpTransfer({
      id: this.#context.store.newId(), sessionId: this.#session.id, commandId: command.id, ordinal: command.ordinal, verb: command.verb,
      direction, path: command.path, type, transferMode, structure, restartOffset: restart.offset,
      sizeTold: command.verb === 'RETR' ? this.#settings.sizeOf(command.path) : null, started: command.started,
    }, this.#context.store, (over) => {
      this.#transfers.delete(over.start.ordinal)
      this.#restarted.delete(restart.command)
      this.#setups.over(over)
    })
    command.transferId = transfer.start.id
    this.#transfers.set(command.ordinal, transfer)
    if (restart.command >= 0) this.#restarted.set(restart.command, transfer)
    this.#setups.use(transfer)
  }

  #reply(reply: ReplyEvent): void {
    const { store } = this.#context
    const { message, code, text, at } = reply
    const command = this.#commands.get(message)
    store.write('ftp_reply', { session_id: this.#session.id, command_id: command?.id ?? null, time: at, code, text })
    for (const odd of this.#oddLines.of(reply)) this.#odd(odd, 'down', reply.start, at, command?.id)
    if (command === undefined) {
      this.#session.greeted(code, text)
      return
    }
    this.#sent.sawReply(reply.start, { command, transfer: this.#transfers.get(message), preliminary: reply.preliminary })
    const transfer = this.#transfers.get(message)
    // Where the client pipelines, the folder is certain only now that the replies before this one are in.
    this.#settlePath(command)
    transfer?.replied(code, text, at)
    if (!reply.preliminary) this.#answered(command, transfer, code, text, at)
  }

  #answered(command: FtpCommand, transfer: FtpTransfer | undefined, code: number, text: string, at: number): void {
    // The server has gone on: what hasn't got its data connection by now will have none.
    for (const dataless of this.#dataless.before.splice(0)) dataless.withoutData()
    if (transfer !== undefined && code >= 400) this.#setups.transferRefused(transfer)
    if (transfer?.repliedWithoutData === true) this.#dataless.now.push(transfer)
    command.code = code
    command.text = text
    command.replied = at
    // What never reached the server changed nothing there, whatever it says to what came instead.
    if (command.kept && code !== 421) this.#learn(command, refused, '', at)
    else this.#learn(command, code, text, at)
    this.#saveCommand(command)
    this.#context.store.countRecord()
    this.#commands.delete(command.ordinal)
  }

  /** What a final reply says about the session. */
  #learn(command: FtpCommand, code: number, text: string, at: number): void {
    const { verb, ordinal } = command
    const asked = command.asSent ?? command
    this.#directory.observe(asked.verb, asked.argument, code, text)
    this.#session.answered(verb, code, text)
    this.#settings.answered(command, code, text)
    if (verb === 'REST') {
      if (code >= 400) this.#restarted.get(ordinal)?.restartRefused()
      this.#restarted.delete(ordinal)
    }
    if (preparesData(verb) === null) return
    if (code >= 200 && code < 300) this.#setups.prepared(ordinal, at)
    else this.#setups.refused(ordinal)
  }

  /** @param replied when they got what they have instead of a reply. */
  #endCommands(error: string, replied: number | null): void {
    for (const command of this.#commands.values()) {
      command.error ??= error
      if (replied !== null) command.replied ??= Math.max(replied, command.started)
      this.#saveCommand(command)
      this.#context.store.countRecord()
    }
    this.#commands.clear()
  }

  #odd(text: string, direction: Direction, offset: number, time: number, messageId: number | null = null): void {
    this.#context.event({ kind: 'ftp-odd', text, time, direction, offset, messageId })
  }

  #saveCommand(command: FtpCommand): void {
    command.save(this.#context.store, this.#session.id, this.#context.connection.id)
  }
}
