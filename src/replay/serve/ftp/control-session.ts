import type { Socket } from 'node:net'
import { reasonOf } from '../../../error.js'
import { dataDirection, preparesData, takesPath, takesSecret } from '../../../protocols/ftp/index.js'
import type { Address } from '../../../recording/notes.js'
import type { FtpTransferRecord } from '../../../recording/rows.js'
import { sideOf } from '../../../relay/ftp/session.js'
import type { Miss } from '../miss.js'
import type { StandInOptions } from '../stand-in.js'
import { ControlConnection } from './control-connection.js'
import type { CommandLine } from './control-lines.js'
import { DataChannel } from './data-channel.js'
import { DataRequests } from './data-requests.js'
import { divergedUpload, incompleteCommand, missReply, unknownCommand } from './misses.js'
import type { Asked, ClosestCommands } from './misses.js'
import { ownAnswer } from './own-answers.js'
import type { Answer } from './own-answers.js'
import type { RecordedReplies, RecordedReply, ReplySource } from './recorded-replies.js'
import type { RecordedCommand, RecordedSession, SessionReader } from './recorded-sessions.js'
import type { Fit, Follower, Found, Script } from './script.js'
import { TransferSettings } from './transfer-settings.js'
import { lackOf, repeatTransfer } from './transfers.js'
import { matters } from './weight.js'
import { Whereabouts } from './whereabouts.js'

/** What all sessions of a server share. */
export interface Served {
  readonly options: StandInOptions
  readonly recorded: SessionReader
  readonly script: Script
  readonly replies: ReplySource
  readonly closest: ClosestCommands
}

/** A client's session: it repeats a recorded one, more or less. */
export class ControlSession {
  readonly #served: Served
  readonly #client: Address | null
  readonly #control: ControlConnection
  /** Null until it is known what comes first. */
  #follower: Follower | null = null
  readonly #whereabouts: Whereabouts
  readonly #settings = new TransferSettings()
  readonly #channel = new DataChannel()
  /** Null where the client was gone before it could be asked who it is. */
  readonly #data: DataRequests | null
  readonly #dataSockets = new Set<Socket>()
  /** Ends the transfer in progress. */
  #abort: AbortController | null = null
  #abortedTransfer = false

  /** @param socket paused. @param onOver called once, when it is closed. */
  constructor(socket: Socket, served: Served, onOver: (session: ControlSession) => void) {
    const { pace, onProblem } = served.options
    const side = sideOf(socket)
    this.#served = served
    this.#client = side?.peer ?? null
    this.#data = side === null ? null : new DataRequests(side, this.#channel, onProblem)
    this.#whereabouts = new Whereabouts(served.recorded.homes)
    this.#control = new ControlConnection(socket, {
      pace,
      greet: () => this.#greet(),
      answer: (line) => this.#answer(line),
      onAbort: () => this.#abort?.abort(),
      onFailed: (thrown) => onProblem(`an FTP session was ended, as it could not be answered: ${reasonOf(thrown)}`),
      onClosed: () => {
        this.#closed()
        onOver(this)
      },
    })
    this.#control.start()
  }

  destroy(): void {
    this.#control.destroy()
  }

  #closed(): void {
    this.#abort?.abort()
    this.#channel.close()
    this.#follower?.leave()
    for (const socket of this.#dataSockets) socket.destroy()
  }

  async #greet(): Promise<void> {
    const { recorded, script } = this.#served
    while ((this.#follower = script.follow()) === null) await recorded.grown()
    if (this.#control.gone.aborted) this.#follower.leave()
    const session = this.#follower.session ?? recorded.sessions.at(-1)!
    const { greeting } = this.#served.replies.unasked(session)
    await this.#control.sayAll(greeting, session.started, performance.now())
    if (greeting.length === 0) await this.#control.say({ code: 220, text: 'wiretape: ready.' })
    if ((greeting.at(-1)?.code ?? 220) >= 400) this.#control.finish()
  }

  async #answer({ verb, argument, at }: CommandLine): Promise<void> {
    const whereabouts = this.#whereabouts
    whereabouts.asked(verb, argument)
    let asked = this.#asked(verb, argument)
    const refusal = this.#data?.refusal(asked) ?? null
    if (refusal !== null) {
      await this.#answered(asked, refusal)
      return
    }
    let found = await this.#find(asked)
    // Nobody has to log in: then a path is meant as it was by those who did.
    if (found.command === null && whereabouts.folder === null && whereabouts.user === null && (takesPath(verb) || /^X?PWD$/.test(verb))) {
      whereabouts.unannounced(this.#userFollowed())
      asked = this.#asked(verb, argument)
      found = await this.#find(asked)
    }
    if (found.command !== null) await this.#repeat(asked, found.command, at)
    else if (preparesData(verb) !== null) await this.#prepare(asked, null)
    else await this.#improvise(asked, found.exhausted)
    this.#abortedTransfer &&= verb !== 'ABOR'
    await this.#endAsRecorded(at)
  }

  #asked(verb: string, argument: string | null): Asked {
    const path = this.#whereabouts.pathOf(verb, argument)
    return { verb, argument, path, key: this.#whereabouts.keyOf(verb, argument, path) }
  }

  /** Who logged in in the session that is followed; null where nobody did. */
  #userFollowed(): string | null {
    const session = this.#follower!.session
    const { commands } = this.#served.recorded
    for (let place = session?.from ?? 0; place < (session?.to ?? 0); place++) if (commands[place]!.verb === 'USER') return commands[place]!.argument
    return null
  }

  async #find(asked: Asked): Promise<Found> {
    for (;;) {
      const found = this.#follower!.find(asked.key, (command) => this.#fit(asked, command), takesSecret(asked.verb))
      if (found !== null) return found
      await this.#served.recorded.grown()
    }
  }

  #fit({ argument }: Asked, command: RecordedCommand): Fit {
    if (command.verb === 'ABOR' && this.#abortedTransfer && !this.#endedTransfer(command)) return 'no'
    // Where passwords were kept, they have to be right.
    if (command.verb === 'PASS' && command.argument !== '****' && command.argument !== argument) return 'no'
    return this.#settings.fit(command)
  }

  /** Whether a recorded ABOR, of the session that is followed, came after a transfer that was cut. */
  #endedTransfer({ place, session }: RecordedCommand): boolean {
    const before = place > session.from ? this.#served.recorded.commands[place - 1]! : null
    return session === this.#follower!.session && before !== null && before.transfer !== null && (before.transfer.outcome === 'aborted' || (before.code ?? 0) >= 400)
  }

  async #repeat(asked: Asked, command: RecordedCommand, since: number): Promise<void> {
    const { verb } = asked
    const { pace, onServed } = this.#served.options
    const { session, started, transfer, error } = command
    const replies = this.#served.replies.to(command)
    const { preliminary, final } = replies
    if (verb === 'AUTH' && final !== null && final.code < 400) {
      await this.#improvise(asked, false)
      return
    }
    const silent = final === null && !/dropped by a plugin/.test(error ?? '')
    if (silent && !isServers(this.#endOf(session))) {
      await this.#miss(asked, incompleteCommand(this.#client, asked, command, error ?? 'its reply is missing'), matters(verb) ? null : this.#ownAnswer(asked))
      return
    }
    if (transfer !== null && transfer.outcome !== 'refused' && (preliminary.length > 0 || transfer.bytes > 0 || final !== null)) {
      await this.#transfer(asked, command, transfer, replies, since)
    } else {
      onServed()
      await this.#control.sayAll(preliminary, started, since)
      if (final !== null) {
        await pace.until(final.time - started, since, this.#control.gone)
        await (preparesData(verb) !== null && final.code < 400 ? this.#prepare(asked, final) : this.#answered(asked, final))
      }
    }
    if (silent) await this.#end(session, since, started)
  }

  async #transfer(asked: Asked, command: RecordedCommand, transfer: FtpTransferRecord, replies: RecordedReplies, since: number): Promise<void> {
    const { options } = this.#served
    const lack = lackOf(transfer)
    if (lack !== null) {
      const miss = incompleteCommand(this.#client, asked, command, lack)
      if (transfer.direction === 'down' || replies.final === null) {
        await this.#miss(asked, miss)
        return
      }
      // It can be taken, though not compared.
      options.onMiss(miss)
    }
    options.onServed()
    const abort = new AbortController()
    this.#abort = abort
    // It may have come in one packet with the command.
    if (this.#control.waits('ABOR') || this.#control.gone.aborted) abort.abort()
    let end: Answer | null
    try {
      end = await repeatTransfer({
        recording: options.recording, pace: options.pace, transfer, replies, channel: this.#channel, restart: this.#settings.restart,
        since, origin: command.started, signal: abort.signal, control: this.#control,
        onSocket: (socket) => {
          this.#dataSockets.add(socket)
          socket.once('close', () => this.#dataSockets.delete(socket))
        },
        onUpload: (upload, skipped) => {
          if (upload.differs !== null || upload.ended === 'gone') options.onMiss(divergedUpload(this.#client, asked, transfer, upload, skipped))
        },
      })
    } finally {
      this.#abort = null
    }
    this.#abortedTransfer = abort.signal.aborted
    if (end !== null) await this.#answered(asked, end)
  }

  /** A fresh data connection. @param recorded the reply that is to be given, with an address of ours. */
  async #prepare(asked: Asked, recorded: RecordedReply | null): Promise<void> {
    if (this.#data !== null) await this.#answered(asked, await this.#data.prepare(asked, recorded))
  }

  /** The recording has no such command: every server knows some of them; the others are missed. */
  async #improvise(asked: Asked, exhausted: boolean): Promise<void> {
    const { closest, script } = this.#served
    const own = exhausted && matters(asked.verb) ? null : this.#ownAnswer(asked)
    if (own !== null) {
      await this.#answered(asked, own)
      return
    }
    const equal = script.equalTo(asked.key).at(-1) ?? null
    await this.#miss(asked, unknownCommand(this.#client, asked, equal ?? closest.to(asked), this.#settings, exhausted))
  }

  #ownAnswer(asked: Asked): Answer | null {
    if (asked.verb === 'ABOR') return this.#abortedTransfer ? { code: 226, text: 'Abort successful.' } : { code: 225, text: 'No transfer to abort.' }
    return ownAnswer({ ...asked, folder: this.#whereabouts.folder, user: this.#whereabouts.user }, this.#settings, this.#served.recorded)
  }

  /** @param own what is answered all the same, and isn't worth telling then. */
  async #miss(asked: Asked, miss: Miss, own: Answer | null = null): Promise<void> {
    if (own === null) this.#served.options.onMiss(miss)
    await this.#answered(asked, own ?? missReply(asked, miss, takesPath(asked.verb) || dataDirection(asked.verb) !== null))
  }

  /** Gives the final reply, and takes note of it as the client does. */
  async #answered({ verb, argument }: Asked, answer: Answer): Promise<void> {
    const { code, text } = answer
    if (code === 230) await this.#served.recorded.homeKnown(this.#whereabouts.user)
    this.#settings.answered(verb, argument, code)
    this.#whereabouts.answered(verb, argument, code, text)
    await this.#control.say(answer)
    if (code === 421 || (verb === 'QUIT' && code < 400)) this.#control.finish()
  }

  /** The recorded server ended the session here without being asked. */
  async #endAsRecorded(since: number): Promise<void> {
    const { session, atEnd } = this.#follower!
    if (session === null || !atEnd || this.#control.waits() || this.#control.over) return
    if (isServers(this.#endOf(session))) await this.#end(session, since, this.#served.recorded.commands[session.to - 1]!.started)
  }

  /** Ends it as recorded, with what was said before. @param origin recorded time of the last command, in µs. */
  async #end(session: RecordedSession, since: number, origin: number): Promise<void> {
    const { replies, options } = this.#served
    await this.#control.sayAll(replies.unasked(session).farewell, origin, since)
    const { closed } = options.recording.connection(session.connectionId)
    await options.pace.until((closed ?? origin) - origin, since, this.#control.gone)
    if (this.#endOf(session).includes('reset')) this.#control.reset()
    else this.#control.finish()
  }

  #endOf({ connectionId }: RecordedSession): string {
    return this.#served.options.recording.connection(connectionId).endReason ?? ''
  }
}

/** Whether a connection was ended by the server, or in its stead by a plugin. */
function isServers(end: string): boolean {
  return end.startsWith('server ') || end.includes('plugin') || end.startsWith('fault')
}
