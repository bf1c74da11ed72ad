import { reasonOf } from '../../error.js'
import type { Action } from '../../plugins/actions.js'
import type { ConnectionPlugins, HookPath, Place } from '../../plugins/connection-plugins.js'
import type { DnsHooks, UdpHooks } from '../../plugins/hooks.js'
import type { MessageState } from '../../plugins/message-state.js'
import type { DnsResponse } from '../../plugins/messages.js'
import type { Direction } from '../../protocols/decoder.js'
import { answerTo, asAnswerTo, readRewritable } from '../../protocols/dns/rewrite.js'
import type { DnsQuestionText, RewritableDns } from '../../protocols/dns/rewrite.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import { chooseDatagramDecoder, datagramDecoders } from '../../recording/udp/datagram-decoders.js'
import { datagramOf, DatagramState } from './datagram-state.js'
import { DnsAnswerState, DnsQueryState } from './dns-state.js'

export interface PluggedOptions {
  readonly plugins: ConnectionPlugins
  readonly tap: ConnectionRecorder | null
  /** `auto`, `none`, or a decoder's name, as for the recording. */
  readonly decode: string
  /** The target's. */
  readonly port: number
  /** Bytes that each direction had before: where stream offsets begin. */
  readonly passed: Readonly<Record<Direction, number>>
  /** Datagrams before. */
  readonly ordinal: number
  readonly send: (direction: Direction, bytes: Uint8Array) => void
  /** A failing plugin that asked for it ends the session. */
  readonly cut: () => void
}

/** A datagram on its way through the hooks. */
type Passing = { readonly direction: Direction, readonly offset: number, readonly received: Buffer, bytes: Buffer, copies: number, readonly place: Place }

const ofDatagram: HookPath<NonNullable<UdpHooks['datagram']>> = { path: 'udp.datagram', takes: ['delay', 'drop', 'duplicate', 'respond'], of: ({ udp }) => udp?.datagram?.bind(udp) }
const ofQuery: HookPath<NonNullable<DnsHooks['query']>> = { path: 'dns.query', takes: ['delay', 'drop', 'respond'], of: ({ dns }) => dns?.query?.bind(dns) }
const ofAnswer: HookPath<NonNullable<DnsHooks['answer']>> = { path: 'dns.answer', takes: ['delay', 'drop'], of: ({ dns }) => dns?.answer?.bind(dns) }

/** Changed questions remembered in a session, until they are answered. */
const mostAsked = 1000

/** Datagrams of a session that may wait for a hook or a delay: senders can't be slowed, so the rest is lost. */
const mostHeld = 4096

/**
 * A session's datagrams on their way through the plugins: `udp.datagram` first, then `dns.query` or `dns.answer` where it is DNS.
 * Each goes on by itself, so that one that is delayed is overtaken. What goes out otherwise than it came is recorded beside it.
 */
export class PluggedDatagrams {
  readonly #options: PluggedOptions
  readonly #received: Record<Direction, number>
  #ordinal: number
  /** On their way: with a hook, or waiting for the end of a delay. */
  readonly #held = new Set<Passing>()
  #over = false
  #isDns: boolean | null = null
  /** What was asked, by what the server is asked instead: a client takes no answer to another question. */
  readonly #asked = new Map<string, DnsQuestionText>()

  constructor(options: PluggedOptions) {
    this.#options = options
    this.#received = { ...options.passed }
    this.#ordinal = options.ordinal
  }

  /** Some of what came has neither gone on nor been lost yet. */
  get holds(): boolean {
    return this.#held.size > 0
  }

  /** The session is over: what is still held has nowhere to go. @param why as the session's end is recorded. */
  abandon(why: string): void {
    if (this.#over) return
    this.#over = true
    const { plugins } = this.#options
    plugins.dropDelayed()
    for (const passing of this.#held) {
      plugins.tell({ kind: 'udp-dropped', source: 'relay', hook: ofDatagram.path, text: `the session was over (${why}) while plugins held it`, bytes: passing.received.length, ...passing.place })
      this.#lost(passing)
    }
    this.#held.clear()
  }

  /** Takes a datagram after it was recorded, in the order in which they were. */
  take(direction: Direction, received: Buffer): void {
    const { plugins, decode, port } = this.#options
    this.#isDns ??= chooseDatagramDecoder(decode, port, received) === datagramDecoders['dns']
    const offset = this.#received[direction]
    this.#received[direction] += received.length
    const passing: Passing = { direction, offset, received, bytes: received, copies: 1, place: { direction, offset, message: this.#ordinal++ } }
    if (this.#held.size >= mostHeld) {
      this.#options.tap?.event({ kind: 'udp-dropped', source: 'relay', text: `${mostHeld} datagrams of this session wait for plugins already`, direction, offset })
      this.#lost(passing)
      return
    }
    if (!plugins.has(ofDatagram)) {
      this.#asDns(passing)
      return
    }
    const state = new DatagramState(plugins.info, direction, Buffer.from(received))
    this.#run(ofDatagram, state, (call) => call(state), passing, (actions) => {
      if (state.changed) passing.bytes = state.bytes
      this.#after(actions, passing, ofDatagram.path, datagramOf, () => this.#asDns(passing))
    })
  }

  #asDns(passing: Passing): void {
    const { plugins } = this.#options
    let message = this.#isDns === true && (plugins.has(ofQuery) || plugins.has(ofAnswer)) ? readable(passing.bytes) : null
    if (message?.response === true) message = this.#answerToAsked(message, passing)
    if (message === null) {
      this.#on(passing)
    } else if (message.response) {
      const state = new DnsAnswerState(plugins.info, message)
      this.#run(ofAnswer, state, (call) => call(state), passing, (actions) => this.#afterDns(actions, state, passing, ofAnswer.path))
    } else {
      const state = new DnsQueryState(plugins.info, message)
      this.#run(ofQuery, state, (call) => call(state), passing, (actions) => {
        if (state.changed) this.#remember(state, message, passing.direction)
        this.#afterDns(actions, state, passing, ofQuery.path)
      })
    }
  }

  #remember(sent: DnsQueryState, { id, name, type }: RewritableDns, direction: Direction): void {
    if (this.#asked.size >= mostAsked) this.#asked.delete(this.#asked.keys().next().value!)
    this.#asked.set(keyOf(direction, id, sent), { name, type })
  }

  #answerToAsked(message: RewritableDns, passing: Passing): RewritableDns | null {
    const key = keyOf(passing.direction === 'down' ? 'up' : 'down', message.id, message)
    const asked = this.#asked.get(key)
    if (asked === undefined) return message
    this.#asked.delete(key)
    passing.bytes = this.#attempt(ofQuery.path, undefined, passing, () => asAnswerTo(passing.bytes, asked)) ?? passing.bytes
    return readable(passing.bytes)
  }

  #afterDns(actions: readonly Action[], state: DnsQueryState | DnsAnswerState, passing: Passing, path: string): void {
    if (state.changed) passing.bytes = this.#attempt(path, state.changedBy.at(-1), passing, () => state.encode(passing.bytes)) ?? passing.bytes
    this.#after(actions, passing, path, (answer) => answerTo(passing.bytes, answer as DnsResponse), () => this.#on(passing))
  }

  #run<Hook>(hook: HookPath<Hook>, state: MessageState, invoke: (call: Hook) => unknown, passing: Passing, done: (actions: readonly Action[]) => void): void {
    this.#held.add(passing)
    this.#options.plugins.run(hook, state, invoke, (actions) => {
      if (this.#over) return
      this.#held.delete(passing)
      state.seal()
      done(actions)
    }, passing.place)
  }

  #after(actions: readonly Action[], passing: Passing, path: string, answerOf: (answer: unknown) => Buffer, goOn: () => void): void {
    for (const action of actions) {
      if (action.action === 'duplicate') passing.copies += action.times
      if (action.action === 'drop') {
        this.#lost(passing)
        return
      }
      if (action.action === 'reset' || action.action === 'close') {
        this.#lost(passing)
        this.#options.cut()
        return
      }
      if (action.action === 'respond') {
        const bytes = this.#attempt(path, undefined, passing, () => answerOf(action.answer))
        if (bytes !== null) {
          this.#respond(passing, bytes)
          return
        }
      }
    }
    goOn()
  }

  /** What a plugin made that can't be sent is told, and the datagram goes on as it was. */
  #attempt(path: string, plugin: string | undefined, { place }: Passing, make: () => Buffer): Buffer | null {
    try {
      return make()
    } catch (thrown) {
      this.#options.plugins.tell({ kind: 'plugin-failed', source: plugin ?? 'relay', hook: path, text: `${path}: ${reasonOf(thrown)}; it goes on unchanged`, ...place })
      return null
    }
  }

  #respond(passing: Passing, bytes: Buffer): void {
    const { tap, send } = this.#options
    const back: Direction = passing.direction === 'up' ? 'down' : 'up'
    this.#lost(passing)
    tap?.sent(back, this.#received[back], 0, bytes, 'datagram')
    send(back, bytes)
  }

  #lost({ direction, offset, received }: Passing): void {
    this.#options.tap?.sent(direction, offset, received.length, Buffer.alloc(0), 'datagram')
  }

  #on({ direction, offset, received, bytes, copies }: Passing): void {
    const { tap, send } = this.#options
    if (bytes !== received && !bytes.equals(received)) tap?.sent(direction, offset, received.length, bytes, 'datagram')
    for (let copy = 0; copy < copies; copy++) {
      if (copy > 0) tap?.sent(direction, offset, 0, bytes, 'datagram')
      send(direction, bytes)
    }
  }
}

function readable(bytes: Buffer): RewritableDns | null {
  try {
    return readRewritable(bytes)
  } catch {
    return null
  }
}

function keyOf(direction: Direction, id: number, { name, type }: DnsQuestionText): string {
  return `${direction} ${id} ${type} ${name.toLowerCase()}`
}
