import { dataDirection, parseEpsvReply, parsePasvReply, preparesData } from '../../../protocols/ftp/index.js'
import { AnswerLimits } from '../answer-limits.js'
import type { RecordedAnswer } from '../answer-limits.js'
import { firstOf, inRecordedOrder } from '../in-order.js'
import type { MakeSender, SenderOptions } from '../sender.js'
import type { Wire } from '../wire.js'
import { FtpControl } from './ftp-control.js'
import { eprtArgument, FtpData, portArgument } from './ftp-data.js'
import { commandsOf, ftpPatience, planSessions } from './ftp-plan.js'
import type { PlannedCommand, PlannedSession } from './ftp-plan.js'

/**
 * Repeats FTP clients: their commands one after another, each after the reply to the one before. Data connections are made anew in the recorded form; uploads
 * have the recorded bytes.
 */
export const ftpSender: MakeSender = (options) => {
  const planned = planSessions(options)
  return {
    ids: new Set(planned.map(({ id }) => id)),
    send: async (wire) => {
      options.run.begin(planned.length)
      const first = firstOf(planned)
      await inRecordedOrder(options, planned, first, (one, said) => new Session(options, wire, one, first).repeat(said))
    },
  }
}

class Session {
  readonly #options: SenderOptions
  readonly #wire: Wire
  readonly #first: number
  readonly #planned: PlannedSession
  readonly #control: FtpControl
  /** Prepared for the next transfer. */
  #data: FtpData | null = null
  /** Commands after the one under way. */
  #left = 0

  constructor(options: SenderOptions, wire: Wire, planned: PlannedSession, first: number) {
    const { run, recording } = options
    this.#options = options
    this.#wire = wire
    this.#planned = planned
    this.#first = first
    this.#control = new FtpControl({
      wire, signal: run.signal, limits: this.#limits({ bytes: recording.connection(planned.connection).bytesDown, silence: 0, duration: 0 }),
      onBytes: () => { run.reached = true },
      onLeft: (why) => this.#notSent('not-gone-on', why),
    })
  }

  /** @param said called when only its end is left. */
  async repeat(said: () => void): Promise<void> {
    const { run, target } = this.#options
    const control = this.#control
    const commands = commandsOf(this.#options, this.#planned)
    this.#left = commands.length
    const greeting = greetingOf(this.#planned, commands)
    // A greeting that hadn't come is waited for as long as its client had.
    const waited = this.#planned.greeted ? null : Math.min(greeting.silence, this.#patience)
    await control.finalReply(await control.reply(this.#limits(greeting), waited), this.#limits(greeting), waited)
    for (const [index, command] of commands.entries()) {
      if (control.over) break
      await run.until(command.started - this.#first)
      if (run.over) break
      run.sentAt(command.started - this.#first)
      this.#left = commands.length - index - 1
      const code = await this.#command(command)
      if (command.waited !== null) break
      if (isLogin(command.verb) && command.code !== null && command.code < 400 && code !== null && code >= 400) {
        this.#notSent('not-logged-in', 'the login failed')
        break
      }
    }
    said()
    this.#data?.close()
    await control.close()
    run.sent++
    if (control.broken) await run.unanswered(target)
  }

  /**
   * What comes after a login that failed now, and hadn't, is refused whatever it is; what comes after a reply that didn't, nobody could tell from it: there is
   * nothing to compare.
   */
  #notSent(kind: 'not-logged-in' | 'not-gone-on', why: string): void {
    const left = this.#left
    if (left === 0) return
    const commands = `${left} command${left === 1 ? '' : 's'}`
    this.#options.run.notes.push(`session ${this.#planned.id}: ${why}: ${commands} after it ${left === 1 ? "wasn't" : "weren't"} sent, and ${left === 1 ? "isn't" : "aren't"} compared`)
    this.#control.tell(kind, commands)
  }

  /** @returns the code of its final reply; null where there was none, or it doesn't matter. */
  async #command(command: PlannedCommand): Promise<number | null> {
    const { verb } = command
    if (verb === 'PORT' || verb === 'EPRT') await this.#listen(verb, command)
    else if (preparesData(verb) === 'passive') await this.#passive(command)
    else if (dataDirection(verb) !== null) await this.#transfer(command)
    else return (await this.#ask(this.#lineOf(command), command))?.code ?? null
    return null
  }

  async #ask(line: Buffer, { reply, waited }: PlannedCommand): Promise<{ readonly code: number, readonly text: string } | null> {
    const limits = this.#limits(reply)
    this.#control.send(line)
    return this.#control.finalReply(await this.#control.reply(limits, waited), limits, waited)
  }

  async #listen(verb: 'PORT' | 'EPRT', command: PlannedCommand): Promise<void> {
    this.#data?.close()
    const host = this.#control.localAddress
    const { data, port } = await FtpData.listen(host, this.#options.run.signal)
    this.#data = data
    await this.#ask(lineFrom(verb, verb === 'PORT' ? portArgument(host, port) : eprtArgument(host, port)), command)
  }

  async #passive(command: PlannedCommand): Promise<void> {
    const reply = await this.#ask(this.#lineOf(command), command)
    if (reply === null || reply.code >= 300) return
    const port = command.verb === 'PASV' ? parsePasvReply(reply.text)?.port : parseEpsvReply(reply.text)?.port
    if (port === undefined) return
    this.#data?.close()
    // The relay itself, whatever address it names: it is at the one by which it was dialled.
    this.#data = FtpData.dial(this.#wire.host, port, this.#options.run.signal)
  }

  async #transfer(command: PlannedCommand): Promise<void> {
    const data = this.#data
    this.#data = null
    const control = this.#control
    const limits = this.#limits(command.reply)
    control.send(this.#lineOf(command))
    const first = await control.reply(limits, command.waited)
    if (first?.preliminary === true && data !== null) {
      const ofData = this.#limits(command.transfer)
      const left = await (dataDirection(command.verb) === 'down' ? data.download(command.left, ofData) : data.upload(this.#uploaded(command), command.left?.reset === true, ofData))
      if (left !== null) control.left(left)
      control.again()
    }
    await control.finalReply(first, limits, command.waited)
    data?.close()
  }

  #limits(recorded: RecordedAnswer): AnswerLimits {
    return new AnswerLimits(recorded, this.#patience)
  }

  get #patience(): number {
    return this.#options.settings.patience ?? ftpPatience
  }

  *#uploaded({ upload }: PlannedCommand): Generator<Buffer> {
    if (upload === null) return
    for (const { bytes } of this.#options.recording.streamPieces(upload, 'up', 'sent')) yield bytes
  }

  /** As it was recorded, where its argument could be written in more than one way. */
  #lineOf({ id, verb, argument }: PlannedCommand): Buffer {
    // oxlint-disable-next-line no-control-regex
    if (argument === null || /^[\x20-\x7e]*$/.test(argument)) return lineFrom(verb, argument)
    const pieces = [...this.#options.recording.segments({ where: `message_id = ${id} AND direction = 'up' AND leg = 'received' AND kind = 'command'` })]
    return pieces.length === 0 ? lineFrom(verb, argument) : Buffer.concat(pieces.map(({ bytes }) => bytes))
  }
}

/** The time until the first command is the longest that its greeting can have taken. */
function greetingOf({ began, over }: PlannedSession, [first]: readonly PlannedCommand[]): RecordedAnswer {
  const ms = ((first?.started ?? over) - began) / 1000
  return { bytes: 0, silence: ms, duration: ms }
}

function isLogin(verb: string): boolean {
  return verb === 'USER' || verb === 'PASS' || verb === 'ACCT'
}

function lineFrom(verb: string, argument: string | null): Buffer {
  return Buffer.from(`${verb}${argument === null ? '' : ` ${argument}`}\r\n`)
}
