import { dataDirection, parseEpsvReply, parsePasvReply, preparesData } from '../../../protocols/ftp/index.js'
import type { Address } from '../../../recording/notes.js'
import { firstOf, inRecordedOrder } from '../in-order.js'
import type { MakeSender, SenderOptions } from '../sender.js'
import { FtpControl } from './ftp-control.js'
import { eprtArgument, FtpData, portArgument } from './ftp-data.js'
import { commandsOf, planSessions } from './ftp-plan.js'
import type { PlannedCommand, PlannedSession } from './ftp-plan.js'

const defaultPatience = 30_000

/**
 * Repeats FTP clients: their commands one after another, each after the reply to the one before. Data connections are made anew in the recorded form; uploads
 * have the recorded bytes.
 */
export const ftpSender: MakeSender = (options) => {
  const planned = planSessions(options)
  return {
    ids: new Set(planned.map(({ id }) => id)),
    send: async (relay) => {
      options.run.begin(planned.length)
      const first = firstOf(planned)
      await inRecordedOrder(options, planned, first, (one) => new Session(options, relay, first).repeat(one))
    },
  }
}

class Session {
  readonly #options: SenderOptions
  readonly #relay: Address
  readonly #first: number
  readonly #patience: number
  readonly #control: FtpControl
  /** Prepared for the next transfer. */
  #data: FtpData | null = null

  constructor(options: SenderOptions, relay: Address, first: number) {
    this.#options = options
    this.#relay = relay
    this.#first = first
    this.#patience = options.settings.patience ?? defaultPatience
    this.#control = new FtpControl(relay, this.#patience, () => { options.run.reached = true })
  }

  async repeat({ id }: PlannedSession): Promise<void> {
    const { run, target } = this.#options
    const control = this.#control
    await control.finalReply(await control.reply())
    for (const command of commandsOf(this.#options, id)) {
      if (control.over) break
      await run.until(command.started - this.#first)
      if (run.over) break
      run.sentAt(command.started - this.#first)
      await this.#command(command)
    }
    this.#data?.close()
    await control.close()
    run.sent++
    if (control.broken) await run.unanswered(target)
  }

  async #command(command: PlannedCommand): Promise<void> {
    const { verb } = command
    if (verb === 'PORT' || verb === 'EPRT') await this.#listen(verb)
    else if (preparesData(verb) === 'passive') await this.#passive(command)
    else if (dataDirection(verb) !== null) await this.#transfer(command)
    else await this.#ask(this.#lineOf(command))
  }

  async #ask(line: Buffer): Promise<{ readonly code: number, readonly text: string } | null> {
    this.#control.send(line)
    return this.#control.finalReply(await this.#control.reply())
  }

  async #listen(verb: 'PORT' | 'EPRT'): Promise<void> {
    this.#data?.close()
    const host = this.#control.localAddress
    const { data, port } = await FtpData.listen(host, this.#patience)
    this.#data = data
    await this.#ask(lineFrom(verb, verb === 'PORT' ? portArgument(host, port) : eprtArgument(host, port)))
  }

  async #passive(command: PlannedCommand): Promise<void> {
    const reply = await this.#ask(this.#lineOf(command))
    if (reply === null || reply.code >= 300) return
    const port = command.verb === 'PASV' ? parsePasvReply(reply.text)?.port : parseEpsvReply(reply.text)?.port
    if (port === undefined) return
    this.#data?.close()
    // The relay itself, whatever address it names: it is at the one by which it was dialled.
    this.#data = FtpData.dial(this.#relay.host, port, this.#patience)
  }

  async #transfer(command: PlannedCommand): Promise<void> {
    const data = this.#data
    this.#data = null
    const control = this.#control
    control.send(this.#lineOf(command))
    const first = await control.reply()
    if (first?.preliminary === true && data !== null) {
      await (dataDirection(command.verb) === 'down' ? data.download(command.left) : data.upload(this.#uploaded(command), command.left?.reset === true))
    }
    await control.finalReply(first)
    data?.close()
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

function lineFrom(verb: string, argument: string | null): Buffer {
  return Buffer.from(`${verb}${argument === null ? '' : ` ${argument}`}\r\n`)
}
