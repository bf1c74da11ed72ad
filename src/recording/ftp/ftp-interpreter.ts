import type { Direction } from '../../protocols/decoder.js'
import { dataDirection, FtpDecoder, preparesData, takesPath, takesSecret, withoutListOptions, WorkingDirectory } from '../../protocols/ftp/index.js'
import type { CommandEvent, FtpEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { Interpreter, InterpreterContext } from '../interpreter.js'
import type { OpenedNote } from '../notes.js'
import { CommandBytes } from './command-bytes.js'
import { FtpCommand } from './ftp-command.js'
import { FtpDataInterpreter } from './ftp-data-interpreter.js'
import { FtpTransfer } from './ftp-transfer.js'

const masked = '****'

/** Reads a control connection as FTP, and ties the data connections to the commands that asked for them. */
export class FtpInterpreter implements Interpreter {
  readonly #context: InterpreterContext
  readonly #decoder = new FtpDecoder()
  readonly #directory = new WorkingDirectory()
  readonly #commandBytes: CommandBytes
  readonly #commands = new Map<number, FtpCommand>()
  /** By the ordinal of the command that prepared the data connection. */
  readonly #data = new Map<number, FtpDataInterpreter>()
  readonly #transfers = new Map<number, { readonly transfer: FtpTransfer, readonly setup: number }>()
  readonly #sizes = new Map<string, number>()
  readonly #session: { id: number, user: string | null, greeting: string | null, system: string | null, features: string | null, tls: boolean, outcome: string | null }
  #setups: number[] = []
  #restart = 0
  /** As a session begins (RFC 959 §5.1). */
  readonly #settings: Record<string, string> = { TYPE: 'A', MODE: 'S', STRU: 'F' }
  #dirty = true
  #lastReply: { start: number, command: FtpCommand } | null = null

  constructor(context: InterpreterContext) {
    this.#context = context
    this.#commandBytes = new CommandBytes(context)
    this.#session = { id: context.store.newId(), user: null, greeting: null, system: null, features: null, tls: false, outcome: null }
    context.connection.messages = 1
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    let opaqueFrom = Infinity
    const events = this.#decoder.receive(direction, bytes, time)
    if (direction === 'up') this.#commandBytes.take(bytes, offset, time)
    for (const event of events) if (event.type === 'opaque' && event.direction === direction) opaqueFrom = event.offset
    const split = direction === 'up' ? this.#splitCommands(events) : null
    for (const event of events) this.#take(event, bytes, offset, time, opaqueFrom)
    split?.()
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    const { store, connection } = this.#context
    const last = this.#lastReply
    const code = Number(/^(\d{3})/.exec(bytes.toString('latin1'))?.[1] ?? NaN)
    let messageId: number | null = null
    if (direction === 'down' && last?.start === offset) {
      messageId = last.command.id
      // The client was refused by the relay; the server's own reply was to something harmless.
      if (code !== last.command.code && code >= 400) {
        last.command.code = code
        last.command.text = bytes.toString('utf8').slice(4).trimEnd()
        last.command.changed = true
        this.#setups = this.#setups.filter((setup) => setup !== last.command.ordinal)
        this.#saveCommand(last.command)
      }
    }
    store.segment(connection.id, direction, 'sent', offset, time, direction === 'up' ? 'command' : 'reply', messageId, replaced, bytes)
  }

  child(context: InterpreterContext, { ftp }: OpenedNote): Interpreter | undefined {
    if (ftp === undefined) return undefined
    const data = new FtpDataInterpreter(context, { connection: context.connection, mode: ftp.mode, form: ftp.form })
    this.#data.set(ftp.command, data)
    // A port that a refused command left unused can serve the next one: the last that waits is meant.
    const waiting = [...this.#transfers.values()].findLast(({ transfer, setup }) => setup === ftp.command && !transfer.hasData && !transfer.over)
    if (waiting !== undefined) data.attach(waiting.transfer)
    return data
  }

  end(direction: Direction, time: number, clean: boolean): void {
    for (const event of this.#decoder.end(direction, time, clean)) {
      if (event.type === 'odd') this.#odd(event.text, event.direction, event.offset, time)
    }
    if (direction === 'up') this.#commandBytes.opaque()
  }

  flush(): void {
    this.#commandBytes.flush()
    for (const command of this.#commands.values()) if (command.dirty) this.#saveCommand(command)
    for (const { transfer } of this.#transfers.values()) if (!transfer.over) transfer.save()
    if (this.#dirty) this.#saveSession()
  }

  close(time: number): void {
    const { connection } = this.#context
    const reason = connection.error ?? connection.endReason ?? 'connection closed'
    for (const command of this.#commands.values()) {
      command.error ??= `no reply: ${reason}`
      command.replied ??= time
      this.#saveCommand(command)
      this.#context.store.countRecord()
    }
    for (const { transfer } of this.#transfers.values()) transfer.controlClosed(reason)
    this.#session.outcome ??= reason
    this.#saveSession(time)
  }

  /** Cuts what came up into commands; run after the events, which give the commands their ids. */
  #splitCommands(events: readonly FtpEvent[]): () => void {
    return () => {
      for (const event of events) {
        if (event.type !== 'command') continue
        const command = this.#commands.get(event.message)
        const secretAt = takesSecret(event.verb) && event.argument !== null
          ? event.start + event.raw.toString('latin1').toUpperCase().indexOf(event.verb) + event.verb.length + 1 : -1
        this.#commandBytes.command(event.end, command?.id ?? null, secretAt)
      }
    }
  }

  #take(event: FtpEvent, bytes: Buffer, offset: number, time: number, opaqueFrom: number): void {
    switch (event.type) {
      case 'span':
        if (event.direction === 'down') this.#writeReply(event.start, event.end, event.message, bytes, offset, time, opaqueFrom)
        return
      case 'command': this.#command(event); return
      case 'reply': this.#reply(event); return
      case 'odd': this.#odd(event.text, event.direction, event.offset, time); return
      case 'opaque':
        if (event.direction === 'up') this.#commandBytes.opaque()
        if (event.reason !== null) {
          this.#context.event({ kind: 'undecodable', text: event.reason, time, direction: event.direction, offset: event.offset })
        } else if (event.direction === 'down') {
          this.#session.tls = true
          this.#dirty = true
        }
    }
  }

  #writeReply(start: number, end: number, message: number, bytes: Buffer, offset: number, time: number, opaqueFrom: number): void {
    this.#context.store.segment(
      this.#context.connection.id, 'down', 'received', start, time, start >= opaqueFrom ? 'opaque' : 'reply',
      this.#commands.get(message)?.id ?? null, null, bytes.subarray(start - offset, end - offset))
  }

  #command(event: CommandEvent): void {
    const { verb, message } = event
    const { store, keepPasswords } = this.#context
    const text = event.argumentText
    const argument = text !== null && takesSecret(verb) && !keepPasswords ? masked : text
    const command = new FtpCommand(store.newId(), message, verb, argument, this.#pathOf(verb, text), event.startedAt)
    this.#commands.set(message, command)
    if (verb === 'USER') this.#session.user = text
    if (preparesData(verb) !== null) this.#setups.push(message)
    const direction = dataDirection(verb)
    if (direction !== null) this.#beginTransfer(command, direction)
    else if (verb !== 'REST' && preparesData(verb) === null) this.#restart = 0
    if (verb === 'REST') this.#restart = Number(text ?? 0) || 0
    // Taken as done until it is refused: clients that pipeline send the next command before the reply.
    if (verb in this.#settings) {
      command.before = this.#settings[verb]!
      this.#settings[verb] = (text ?? command.before).toUpperCase()
    }
  }

  #pathOf(verb: string, argument: string | null): string | null {
    // MFMT's path comes after a time.
    if (!takesPath(verb) || verb === 'MFMT') return null
    return this.#directory.resolve(verb === 'LIST' || verb === 'NLST' ? withoutListOptions(argument) : argument)
  }

  #beginTransfer(command: FtpCommand, direction: Direction): void {
    const setup = this.#setups.at(-1) ?? -1
    const transfer = new FtpTransfer({
      id: this.#context.store.newId(), sessionId: this.#session.id, commandId: command.id, verb: command.verb, direction,
      path: command.path, type: this.#settings['TYPE']!, transferMode: this.#settings['MODE']!, structure: this.#settings['STRU']!, restartOffset: this.#restart,
      sizeTold: command.path === null ? null : this.#sizes.get(command.path) ?? null, started: command.started,
    }, this.#context.store)
    this.#restart = 0
    command.transferId = transfer.start.id
    this.#transfers.set(command.ordinal, { transfer, setup })
    const data = this.#data.get(setup)
    if (data !== undefined && !data.attached) data.attach(transfer)
  }

  #reply(reply: ReplyEvent): void {
    const { store } = this.#context
    const { message, code, text, at } = reply
    const command = this.#commands.get(message)
    store.write('ftp_reply', { session_id: this.#session.id, command_id: command?.id ?? null, time: at, code, text })
    if (command === undefined) {
      this.#greeting(code, text)
      return
    }
    this.#lastReply = { start: reply.start, command }
    const transfer = this.#transfers.get(message)?.transfer
    // Where the client pipelines, the folder is known only now that the replies before this one are in.
    if (command.path === null) command.path = this.#pathOf(command.verb, command.argument)
    if (transfer !== undefined) transfer.path ??= command.path
    transfer?.replied(code, text, at)
    if (reply.preliminary) return
    command.code = code
    command.text = text
    command.replied = at
    this.#learn(command, code, text)
    this.#saveCommand(command)
    store.countRecord()
    this.#commands.delete(message)
    for (const [ordinal, { transfer: one }] of this.#transfers) if (one.over) this.#transfers.delete(ordinal)
  }

  /** What a final reply says about the session. */
  #learn(command: FtpCommand, code: number, text: string): void {
    const { verb, argument } = command
    this.#directory.observe(verb, argument, code, text)
    const done = code >= 200 && code < 300
    if (preparesData(verb) !== null && !done) this.#setups = this.#setups.filter((setup) => setup !== command.ordinal)
    if (command.before !== null && !done) this.#settings[verb] = command.before
    else if (verb === 'SIZE' && code === 213 && command.path !== null) this.#rememberSize(command.path, Number(text.trim()))
    else if (verb === 'SYST' && done) this.#session.system = text
    else if (verb === 'FEAT' && code === 211) this.#session.features = text.split('\n').slice(1, -1).map((line) => line.trim()).join('\n')
    else if (verb === 'QUIT' && done) this.#session.outcome = 'quit'
    if (code === 421) this.#session.outcome = `421 ${text}`
    this.#dirty = true
  }

  #rememberSize(path: string, size: number): void {
    if (Number.isSafeInteger(size) && this.#sizes.size < 1000) this.#sizes.set(path, size)
  }

  #greeting(code: number, text: string): void {
    if (code >= 200) this.#session.greeting ??= `${code} ${text}`
    if (code === 421) this.#session.outcome = `421 ${text}`
    this.#dirty = true
  }

  #odd(text: string, direction: Direction, offset: number, time: number): void {
    this.#context.event({ kind: 'ftp-odd', text, time, direction, offset })
  }

  #saveCommand(command: FtpCommand): void {
    command.save(this.#context.store, this.#session.id, this.#context.connection.id)
  }

  #saveSession(ended: number | null = null): void {
    this.#dirty = false
    const { id, user, greeting, system, features, tls, outcome } = this.#session
    const { connection } = this.#context
    this.#context.store.write('ftp_session', {
      id, connection_id: connection.id, user, greeting, system, features, tls: tls ? 1 : 0, started: connection.opened, ended,
      outcome: ended === null ? null : outcome,
    })
  }
}
