import type { Action } from '../../plugins/actions.js'
import type { ConnectionPlugins, HookPath } from '../../plugins/connection-plugins.js'
import type { FtpHooks } from '../../plugins/hooks.js'
import { dataDirection, FtpDecoder, preparesData } from '../../protocols/ftp/index.js'
import type { CommandEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import { encodeReply } from '../../protocols/ftp/encoding.js'
import type { Replacement } from '../held-stream.js'
import { FtpCommandState, FtpReplyState } from './message-states.js'
import type { Outcome } from './session.js'
import { told, Turns } from './turns.js'
import { TransferCommands } from './transfer-commands.js'

const ofCommand: HookPath<NonNullable<FtpHooks['command']>> = { path: 'ftp.command', takes: ['delay', 'drop', 'close', 'reset', 'reply'], of: ({ ftp }) => ftp?.command?.bind(ftp) }
const ofReply: HookPath<NonNullable<FtpHooks['reply']>> = { path: 'ftp.reply', takes: ['delay', 'drop', 'close', 'reset', 'reply'], of: ({ ftp }) => ftp?.reply?.bind(ftp) }

/** Commands that replies are told of, unless they go unanswered for so long. */
const mostUnanswered = 4096

const nothing = Buffer.alloc(0)

/** A command as the plugins leave it, and what they want instead of it. */
export interface CommandVerdict {
  readonly command: CommandEvent
  readonly changed: boolean
  readonly instead: Outcome
}

type Asked = NonNullable<FtpReplyState['command']>

/** The commands and replies of one control connection on their way through the plugins, one after another in each direction. */
export class PluggedConversation {
  readonly up = new Turns()
  readonly down = new Turns()
  /** Which commands are for the data connections. */
  readonly transfers: TransferCommands
  readonly #plugins: ConnectionPlugins
  /** Without a final reply, by ordinal: as the plugins left them. */
  readonly #asked = new Map<number, Asked>()
  /** A plugin has ended the connection: nothing that comes later is asked about. */
  #over = false

  /** @param isPaused whether commands that have come aren't read at the moment. */
  constructor(plugins: ConnectionPlugins, isPaused: () => boolean) {
    this.#plugins = plugins
    this.transfers = new TransferCommands(this.up, isPaused)
  }

  /** Replies have to be held until they are complete. */
  get readsReplies(): boolean {
    return this.#plugins.has(ofReply)
  }

  command(command: CommandEvent): CommandVerdict | Promise<CommandVerdict> {
    const plugins = this.#plugins
    if (this.#over || !plugins.has(ofCommand)) return { command, changed: false, instead: null }
    const { start: offset, message } = command
    const state = new FtpCommandState(plugins.info, command)
    return told((tell) => plugins.run(ofCommand, state, (call) => call(state), (actions) => {
      state.seal()
      const left = state.event()
      tell({ command: left, changed: left !== command, instead: this.#outcomeOf(actions) })
    }, { direction: 'up', offset, message }))
  }

  /** It goes on to the server, or is answered here. */
  decided({ verb, argumentText, message }: CommandEvent, goesOn: boolean): void {
    if (this.#asked.size >= mostUnanswered) this.#asked.delete(this.#asked.keys().next().value!)
    this.#asked.set(message, { verb, argument: argumentText })
    const direction = dataDirection(verb)
    if (!goesOn) return
    if (direction !== null) this.transfers.asked({ ordinal: message, verb, argument: argumentText, direction })
    else if (preparesData(verb) !== null) this.transfers.prepared(message)
    else this.transfers.other()
  }

  /** @param mine what the relay sends instead of it, which is what the hooks see. */
  reply(reply: ReplyEvent, mine: Replacement | null): Replacement | null | Promise<Replacement | null> {
    const { start, end, message } = reply
    const plugins = this.#plugins
    const asked = this.#asked.get(message) ?? null
    if (!reply.preliminary) this.#asked.delete(message)
    if (this.#over || !plugins.has(ofReply)) return mine
    const seen = mine === null ? reply : readReply(mine.bytes)
    if (seen === null) return mine
    const state = new FtpReplyState(plugins.info, seen, asked)
    return told((tell) => plugins.run(ofReply, state, (call) => call(state), (actions) => {
      state.seal()
      const instead = this.#outcomeOf(actions)
      const bytes = state.encoded()
      if (instead !== null && 'end' in instead) tell({ start, end, bytes: nothing, byPlugin: true, ending: instead.end })
      else if (instead !== null && 'answer' in instead) tell({ start, end, bytes: instead.answer, byPlugin: true })
      else tell(bytes === null ? mine : { start, end, bytes, byPlugin: true })
    }, { direction: 'down', offset: start, message }))
  }

  #outcomeOf(actions: readonly Action[]): Outcome {
    for (const action of actions) {
      switch (action.action) {
        case 'drop': return { answer: nothing }
        case 'reply': return { answer: encodeReply(action.code, action.text) }
        case 'close': case 'reset':
          this.#over = true
          return { end: action.action }
        default:
      }
    }
    return null
  }
}

/** Hooks wait, and the decoder's views don't. */
export function kept<Event extends CommandEvent | ReplyEvent>(event: Event): Event {
  return { ...event, raw: Buffer.from(event.raw) }
}

function readReply(bytes: Buffer): ReplyEvent | null {
  return new FtpDecoder().receive('down', bytes, 0).find((event) => event.type === 'reply') ?? null
}
