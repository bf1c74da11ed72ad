import type { Action } from '../../plugins/actions.js'
import type { ConnectionPlugins, Place } from '../../plugins/connection-plugins.js'
import type { HttpBody } from '../../plugins/messages.js'
import { encodeResponseHead, readFramingFields, responseFraming, withFraming } from '../../protocols/http1/index.js'
import type { BodyFraming, Headers, ResponseEvent, SentFraming } from '../../protocols/http1/index.js'
import type { BodyState } from './body-state.js'
import type { ExchangeSide } from './exchange-side.js'
import { asFramed, asReceived, sentFraming } from './framing-fields.js'
import { onResponse, onResponseBody } from './http-hooks.js'
import type { Inflow } from './inflow.js'
import type { Outgoing } from './outgoing.js'
import type { Course, Passage } from './passage.js'
import type { ResponseState } from './response-state.js'
import { Wire } from './wire.js'

const none: BodyFraming = { kind: 'none' }

/** A final response on its way to the client. */
export class ResponsePassage implements Passage {
  readonly direction = 'down'
  readonly plugins: ConnectionPlugins
  readonly place: Place
  readonly head: ResponseState
  readonly inflow: Inflow
  readonly out: Outgoing
  readonly bodyStart: number
  readonly bodyHook = onResponseBody
  /** A body comes that the client, by its method and the status that it sees, doesn't expect. */
  readonly swallows: boolean
  readonly framing: BodyFraming
  readonly #exchange: ExchangeSide
  readonly #event: ResponseEvent
  readonly #received: BodyFraming
  #raw: Buffer

  /** @param bodyless whatever the fields say: a CONNECT was accepted, and a plugin has thought better of it. */
  constructor(exchange: ExchangeSide, event: ResponseEvent, head: ResponseState, raw: Buffer, bodyless: boolean) {
    const { host } = exchange
    this.#exchange = exchange
    this.#event = event
    this.#raw = raw
    this.head = head
    this.plugins = host.plugins
    this.inflow = host.fromServer
    this.out = host.down
    this.place = { direction: 'down', message: exchange.message }
    this.bodyStart = event.end
    this.#received = bodyless ? none : responseFraming(exchange.sentMethod, event.status, readFramingFields(event.headers, []))
    this.framing = this.#mayHaveBody ? this.#received : none
    this.swallows = this.framing !== this.#received && this.#received.kind !== 'none'
  }

  get streaming(): 'chunked' | 'bare' {
    return this.#event.version === '1.1' && this.#exchange.version === '1.1' ? 'chunked' : 'bare'
  }

  ready(then: () => void): void {
    then()
  }

  sendHead(sent: SentFraming | null): void {
    const { head, out } = this
    const { start, status, version } = this.#event
    const { method, sentMethod } = this.#exchange
    const raw = this.#raw
    head.seal()
    this.#exchange.responds(sent?.kind === 'bare')
    this.#startWire()
    const same = head.status === status && method === sentMethod
    if (sent === null && !head.changed && same) out.pass(raw, 'head')
    else out.replace(start, raw.length, encodeResponseHead(version, head.status, head.reason, this.#fields(sent, same)), 'head')
  }

  /** The head is read into memory that the next read uses again. */
  held(): void {
    this.#raw = Buffer.from(this.#raw)
  }

  act(actions: readonly Action[]): boolean {
    return this.#exchange.actOnResponse(actions, this.#event, onResponseBody.path)
  }

  take(course: Course): void {
    this.#exchange.takeDownCourse(course)
  }

  over(): void {
    const { wire } = this.out
    if (wire === null) {
      this.#exchange.downOver()
      return
    }
    wire.end((differs) => {
      this.out.through(null)
      // Where it ends isn't what the client was told, or may not be: nothing can follow it.
      if (differs) this.#exchange.responds(true)
      this.#exchange.downOver()
    })
  }

  cut(reason: string): void {
    this.#exchange.host.reset(reason)
  }

  room(): Promise<void> {
    return this.#exchange.host.room('down')
  }

  callBody(call: (body: HttpBody, head: never) => unknown, body: BodyState): unknown {
    return call(body, this.head as never)
  }

  #startWire(): void {
    const { head: { transforms: { wires: uses } }, plugins, place, inflow } = this
    if (uses.length === 0) return
    const { host } = this.#exchange
    this.out.through((to) => new Wire({
      ...to, uses, plugins, place, inflow, hook: onResponse.path, start: this.#event.start, room: (most) => host.room('down', most),
      onEnding: (how, why) => how === 'close' ? host.end(why) : host.reset(why),
    }))
  }

  /** RFC 9112 §6.3 rule 1, as the client applies it. */
  get #mayHaveBody(): boolean {
    const { status } = this.head
    return this.#exchange.method !== 'HEAD' && status !== 204 && status !== 304
  }

  /** @param same the client frames it by the same method and status as we do. */
  #fields(sent: SentFraming | null, same: boolean): Headers {
    const { fields } = this.head.headers
    if (sent !== null) return withFraming(fields, sent)
    if (!this.#mayHaveBody) return this.head.status === 204 ? withFraming(fields, { kind: 'bare' }) : asReceived(fields, this.#event.headers)
    return same ? asFramed(fields, this.#event.headers, this.framing) : withFraming(fields, sentFraming(this.framing))
  }
}
