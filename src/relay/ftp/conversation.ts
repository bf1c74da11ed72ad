import { preparesData } from '../../protocols/ftp/index.js'
import type { CommandEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { Replacement } from '../held-stream.js'
import { notUrgent, withSynch } from './abort.js'
import { asksToDial, prepareActive } from './active.js'
import { kept } from './plugged.js'
import type { PluggedConversation } from './plugged.js'
import { answerPassive, askPassive } from './passive.js'
import type { FtpSession, Outcome } from './session.js'
import { after } from './turns.js'

/** Harmless, and answered by every server: it stands for a refused command, so that replies keep their order. */
const instead = Buffer.from('NOOP\r\n')

/** What becomes of each command and each reply, and which reply belongs to which command. */
export class Conversation {
  readonly #session: FtpSession
  /** Commands whose reply matters here, by ordinal: their verbs. */
  readonly #awaited = new Map<number, string>()
  /** What the client gets instead of the server's reply to these commands. */
  readonly #answers = new Map<number, { readonly bytes: Buffer, readonly byPlugin: boolean }>()
  readonly #plugged: PluggedConversation | null

  constructor(session: FtpSession, plugged: PluggedConversation | null) {
    this.#session = session
    this.#plugged = plugged
  }

  /** @param hasPassed its beginning is with the server already, so it's past changing. */
  command(command: CommandEvent, hasPassed: boolean): Replacement | Promise<Replacement | null> | null {
    const plugged = this.#plugged
    if (plugged === null) return this.#treated(command, hasPassed)
    if (hasPassed) {
      plugged.decided(command, true)
      return this.#treated(command, true)
    }
    const mine = kept(command)
    return plugged.up.take(() => after(plugged.command(mine), ({ command: left, changed, instead: wanted }) => {
      const made = wanted === null ? this.#treated(left, false) : this.#carryOut(left, wanted)
      return after(made, (replacement) => {
        plugged.decided(left, !this.#answers.has(left.message) && replacement?.ending === undefined)
        return changed ? { start: left.start, end: left.end, bytes: left.raw, ...replacement, byPlugin: true } : replacement
      })
    }))
  }

  /** What the relay itself makes of it. */
  #treated(command: CommandEvent, hasPassed: boolean): Replacement | Promise<Replacement | null> | null {
    const { verb, message } = command
    if (verb === 'AUTH' || preparesData(verb) === 'passive') this.#awaited.set(message, verb)
    return after(hasPassed ? null : this.#decide(command), (outcome) => this.#carryOut(command, outcome))
  }

  /** @param hasPassed its beginning is with the client already. */
  reply(reply: ReplyEvent, hasPassed: boolean): Replacement | Promise<Replacement | null> | null {
    const plugged = this.#plugged
    if (plugged === null) return this.#passedOn(reply, hasPassed)
    const mine = kept(reply)
    return plugged.down.take(() => after(this.#passedOn(mine, hasPassed), (replacement) => hasPassed ? null : plugged.reply(mine, replacement)))
  }

  /** What the client gets, as far as it is the relay's. */
  #passedOn(reply: ReplyEvent, hasPassed: boolean): Replacement | Promise<Replacement | null> | null {
    const { message, start, end, code, preliminary } = reply
    if (preliminary) return null
    const verb = this.#awaited.get(message)
    const answer = this.#answers.get(message)
    if (hasPassed && (code === 227 || code === 229)) this.forget(message, start)
    this.#awaited.delete(message)
    this.#answers.delete(message)
    if (verb === 'AUTH' && code === 234) {
      this.#session.event('ftp-tls', 'the control connection is encrypted from here on: what it says, and the data connections that it prepares, can\'t be followed', 'down', end)
    }
    // 421 isn't about the command: it says that the server is leaving.
    if (code === 421 || hasPassed) return null
    if (answer !== undefined) return { start, end, ...answer }
    if (verb === undefined || (code !== 227 && code !== 229)) return null
    return answerPassive(this.#session, reply, verb).then((outcome) => this.#carryOut(reply, outcome))
  }

  /** Whether the reply to this command may not pass before it is complete. */
  concerns(message: number): boolean {
    return this.#plugged?.readsReplies === true || this.#awaited.has(message) || this.#answers.has(message)
  }

  /** The reply to this command, which begins at `offset`, passes before it is complete. */
  forget(message: number, offset: number): void {
    const verb = this.#awaited.get(message)
    this.#awaited.delete(message)
    this.#answers.delete(message)
    if (verb === undefined || preparesData(verb) === null) return
    this.#session.event('ftp-address-unreadable', `the reply to ${verb} can't be held until it is complete: it passes as it is, and its data connection can't be followed`, 'down', offset)
  }

  #decide(command: CommandEvent): Outcome | Promise<Outcome> {
    if (asksToDial(command)) return prepareActive(this.#session, command)
    switch (command.verb) {
      case 'ABOR': return this.#withSynch(command)
      case 'PASV': case 'EPSV': return askPassive(this.#session, command)
      case 'AUTH': return this.#session.settings.refuseTls
        ? { refuse: '534 TLS is not available here.', kind: 'ftp-tls-refused', why: `AUTH ${command.argumentText ?? ''} was answered with 534` } : null
      default: return null
    }
  }

  #withSynch(command: CommandEvent): Outcome {
    const outcome = withSynch(command)
    if (outcome !== null) this.#session.event('ftp-urgent', `ABOR came after telnet bytes of which one was urgent data, which a relay can't read: supplied; ${notUrgent}`, 'up', command.start)
    return outcome
  }

  #carryOut({ message, start, end }: CommandEvent | ReplyEvent, outcome: Outcome): Replacement | null {
    if (outcome === null) return null
    if ('send' in outcome) return { start, end, bytes: outcome.send }
    if ('end' in outcome) return { start, end, bytes: Buffer.alloc(0), byPlugin: true, ending: outcome.end }
    if ('answer' in outcome) {
      this.#answers.set(message, { bytes: outcome.answer, byPlugin: true })
      return { start, end, bytes: instead, byPlugin: true }
    }
    this.#answers.set(message, { bytes: Buffer.from(`${outcome.refuse}\r\n`), byPlugin: false })
    this.#session.event(outcome.kind, outcome.why, 'up', start)
    return { start, end, bytes: instead }
  }
}
