import type { Direction, Span } from '../../protocols/decoder.js'
import { dataDirection, FtpDecoder, preparesData, takesPath, withoutListOptions, WorkingDirectory } from '../../protocols/ftp/index.js'
import type { CommandEvent, FtpEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { Interpreter, InterpreterContext } from '../interpreter.js'
import type { OpenedNote } from '../notes.js'
import { CommandBytes, secretStart } from './command-bytes.js'
import { FtpCommand } from './ftp-command.js'
import { FtpDataInterpreter } from './ftp-data-interpreter.js'
import { FtpTransfer } from './ftp-transfer.js'

const masked = '****'

/** As a session begins, and after REIN (RFC 959 §5.1). */
const asBegun = { TYPE: 'A', MODE: 'S', STRU: 'F' }

/** REST applies to the next transfer alone (RFC 3659 §5). */
const noRestart = { offset: 0, command: -1 }

/** Prepared data connections that a transfer may still come for: servers know one. */
const setupsRemembered = 64

/** Replies of which the relay may still say that the client got another one: those of one read. */
const repliesRemembered = 64

/** Reads a control connection as FTP, and ties the data connections to the commands that asked for them. */
export class FtpInterpreter implements Interpreter {
  readonly #context: InterpreterContext
  readonly #decoder = new FtpDecoder()
  readonly #directory = new WorkingDirectory()
  readonly #commandBytes: CommandBytes
  readonly #commands = new Map<number, FtpCommand>()
  /** By the ordinal of the command that prepared the data connection. */
  readonly #data = new Map<number, FtpDataInterpreter>()
  readonly #transfers = new Map<number, { readonly transfer: FtpTransfer, readonly setup: number, readonly restart: number }>()
  readonly #sizes = new Map<string, number>()
  readonly #session: { id: number, user: string | null, greeting: string | null, system: string | null, features: string | null, tls: boolean, outcome: string | null }
  #setups: number[] = []
  #restart = noRestart
  readonly #settings: Record<string, string> = { ...asBegun }
  #dirty = true
  /** Nothing is read any more in this direction: TLS, or what can't be FTP. */
  readonly #opaque: Record<Direction, boolean> = { up: false, down: false }
  readonly #replies = new Map<number, FtpCommand>()

  constructor(context: InterpreterContext) {
    this.#context = context
    this.#commandBytes = new CommandBytes(context)
    this.#session = { id: context.store.newId(), user: null, greeting: null, system: null, features: null, tls: false, outcome: null }
    context.connection.messages = 1
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    if (this.#opaque[direction]) {
      if (direction === 'up') this.#commandBytes.maskRest(bytes)
      this.#context.store.segment(this.#context.connection.id, direction, 'received', offset, time, 'opaque', null, null, bytes)
      return
    }
    const events = this.#decoder.receive(direction, bytes, time)
    if (direction === 'up') this.#commandBytes.take(bytes, offset, time)
    for (const event of events) this.#take(event, bytes, offset, time)
    if (direction === 'up') this.#splitCommands(events)
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void {
    const { store, connection } = this.#context
    const command = direction === 'down' ? this.#replies.get(offset) : undefined
    const code = Number(/^(\d{3})/.exec(bytes.toString('latin1'))?.[1] ?? NaN)
    // The client was refused by the relay; the server's own reply was to something harmless.
    if (command !== undefined && code !== command.code && code >= 400) {
      command.code = code
      command.text = bytes.toString('utf8').slice(4).trimEnd()
      command.changed = true
      this.#setups = this.#setups.filter((setup) => setup !== command.ordinal)
      this.#saveCommand(command)
    }
    store.segment(connection.id, direction, 'sent', offset, time, direction === 'up' ? 'command' : 'reply', command?.id ?? null, replaced, bytes)
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
    if (direction === 'up') this.#commandBytes.rest('command')
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

  /** Cuts what came up into commands; after the events, which give the commands their ids. */
  #splitCommands(events: readonly FtpEvent[]): void {
    for (const event of events) {
      if (event.type === 'command') {
        const secret = secretStart(event.raw.toString('latin1'))
        this.#commandBytes.command(event.end, this.#commands.get(event.message)?.id ?? null, secret < 0 ? -1 : event.start + secret)
      }
    }
    if (this.#opaque.up) this.#commandBytes.rest('opaque')
  }

  #take(event: FtpEvent, bytes: Buffer, offset: number, time: number): void {
    switch (event.type) {
      case 'span':
        if (event.direction === 'down') this.#writeReply(event, bytes, offset, time)
        return
      case 'command': this.#command(event); return
      case 'reply': this.#reply(event); return
      case 'odd': this.#odd(event.text, event.direction, event.offset, time); return
      case 'opaque':
        this.#opaque[event.direction] = true
        if (event.reason !== null) {
          this.#context.event({ kind: 'undecodable', text: event.reason, time, direction: event.direction, offset: event.offset })
        } else if (event.direction === 'down') {
          this.#session.tls = true
          this.#dirty = true
        }
    }
  }

  #writeReply({ kind, start, end, message }: Span, bytes: Buffer, offset: number, time: number): void {
    this.#context.store.segment(
      this.#context.connection.id, 'down', 'received', start, time, kind,
      this.#commands.get(message)?.id ?? null, null, bytes.subarray(start - offset, end - offset))
  }

  #command(event: CommandEvent): void {
    const { message } = event
    const { store, keepPasswords } = this.#context
    const secret = !keepPasswords && secretStart(event.raw.toString('latin1')) >= 0
    // "PASS" and a tab isn't the verb PASS, but what follows may be a password all the same.
    const verb = secret ? /[A-Z]+/.exec(event.verb)![0] : event.verb
    const text = event.argumentText
    const argument = secret ? masked : text
    const command = new FtpCommand(store.newId(), message, verb, argument, this.#pathOf(verb, text), event.startedAt)
    this.#commands.set(message, command)
    if (verb === 'USER') this.#session.user = text
    if (preparesData(verb) !== null) this.#setUp(message)
    const direction = dataDirection(verb)
    if (direction !== null) this.#beginTransfer(command, direction)
    else if (verb !== 'REST' && preparesData(verb) === null) this.#restart = noRestart
    if (verb === 'REST') this.#restart = { offset: Number(text ?? 0) || 0, command: message }
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
      path: command.path, type: this.#settings['TYPE']!, transferMode: this.#settings['MODE']!, structure: this.#settings['STRU']!, restartOffset: this.#restart.offset,
      sizeTold: command.path === null ? null : this.#sizes.get(command.path) ?? null, started: command.started,
    }, this.#context.store)
    this.#transfers.set(command.ordinal, { transfer, setup, restart: this.#restart.command })
    this.#restart = noRestart
    command.transferId = transfer.start.id
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
    this.#replies.set(reply.start, command)
    if (this.#replies.size > repliesRemembered) this.#replies.delete(this.#replies.keys().next().value!)
    const transfer = this.#transfers.get(message)?.transfer
    // Where the client pipelines, the folder is certain only now that the replies before this one are in.
    command.path = this.#pathOf(command.verb, command.argument) ?? command.path
    if (transfer !== undefined) transfer.path = command.path
    transfer?.replied(code, text, at)
    if (reply.preliminary) return
    // Refused before it began: the prepared connection, used already or not, is still there for the next transfer.
    if (transfer !== undefined && code >= 400) this.#data.get(this.#transfers.get(message)!.setup)?.detachUnused(transfer)
    command.code = code
    command.text = text
    command.replied = at
    this.#learn(command, code, text)
    this.#saveCommand(command)
    store.countRecord()
    this.#commands.delete(message)
    for (const [ordinal, { transfer: one, setup }] of this.#transfers) {
      if (!one.over) continue
      this.#transfers.delete(ordinal)
      if (one.hasData) this.#data.delete(setup)
    }
  }

  #setUp(ordinal: number): void {
    this.#setups.push(ordinal)
    if (this.#setups.length > setupsRemembered) this.#data.delete(this.#setups.shift()!)
  }

  /** What a final reply says about the session. */
  #learn(command: FtpCommand, code: number, text: string): void {
    const { verb, argument } = command
    this.#directory.observe(verb, argument, code, text)
    const done = code >= 200 && code < 300
    if (preparesData(verb) !== null && !done) this.#setups = this.#setups.filter((setup) => setup !== command.ordinal)
    if (verb === 'REIN' && done) Object.assign(this.#settings, asBegun)
    if (verb === 'REST' && code >= 400) this.#forgetRestart(command.ordinal)
    if (command.before !== null && !done) this.#settings[verb] = command.before
    else if (verb === 'SIZE' && code === 213 && command.path !== null) this.#rememberSize(command.path, Number(text.trim()))
    else if (verb === 'SYST' && done) this.#session.system = text
    else if (verb === 'FEAT' && code === 211) this.#session.features = text.split('\n').slice(1, -1).map((line) => line.trim()).join('\n')
    else if (verb === 'QUIT' && done) this.#session.outcome = 'quit'
    if (code === 421) this.#session.outcome = `421 ${text}`
    this.#dirty = true
  }

  /** The server refused to start elsewhere: neither the next transfer does, nor one that was asked for already. */
  #forgetRestart(ordinal: number): void {
    if (this.#restart.command === ordinal) this.#restart = noRestart
    for (const { transfer, restart } of this.#transfers.values()) if (restart === ordinal) transfer.restartOffset = 0
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
