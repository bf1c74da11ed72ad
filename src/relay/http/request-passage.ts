import type { Action } from '../../plugins/actions.js'
import type { ConnectionPlugins, Place } from '../../plugins/connection-plugins.js'
import type { HttpBody } from '../../plugins/messages.js'
import { encodeRequestHead, readFramingFields, requestFraming, withFraming } from '../../protocols/http1/index.js'
import type { BodyFraming, RequestEvent, SentFraming } from '../../protocols/http1/index.js'
import type { Target } from '../address.js'
import type { BodyState } from './body-state.js'
import type { ExchangeSide } from './exchange-side.js'
import { asFramed, expectsContinue } from './framing-fields.js'
import { onRequest, onRequestBody } from './http-hooks.js'
import type { Inflow } from './inflow.js'
import type { Outgoing } from './outgoing.js'
import type { Course, Passage } from './passage.js'
import type { RequestState } from './request-state.js'
import { Wire } from './wire.js'

const continueHead = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')

/** A request on its way to a server. */
export class RequestPassage implements Passage {
  readonly direction = 'up'
  readonly plugins: ConnectionPlugins
  readonly place: Place
  readonly head: RequestState
  readonly inflow: Inflow
  readonly out: Outgoing
  readonly bodyStart: number
  readonly framing: BodyFraming
  readonly bodyHook = onRequestBody
  readonly #exchange: ExchangeSide
  readonly #event: RequestEvent
  /** The head with the target's Host; null where it stays. */
  readonly #rewritten: Buffer | null
  readonly #target: Target
  #connected = false
  #toldToContinue = false

  constructor(exchange: ExchangeSide, event: RequestEvent, head: RequestState, rewritten: Buffer | null, target: Target) {
    const { host } = exchange
    this.#exchange = exchange
    this.#event = event
    this.#rewritten = rewritten
    this.#target = target
    this.head = head
    this.plugins = host.plugins
    this.inflow = host.fromClient
    this.out = host.up
    this.place = { direction: 'up', message: exchange.message }
    this.bodyStart = event.end
    this.framing = requestFraming(event.method, readFramingFields(event.headers, []))
  }

  /** A request can't end with its connection, and HTTP/1.0 has no chunks. */
  get streaming(): 'chunked' | null {
    return this.#event.version === '1.1' ? 'chunked' : null
  }

  ready(then: () => void): void {
    if (this.#connected) {
      then()
      return
    }
    const { host } = this.#exchange
    const { method } = this.head
    this.#exchange.goesToServer(method)
    host.fromClient.hold()
    host.connect(this.#target, method, () => {
      this.#connected = true
      then()
      host.fromClient.release()
    })
  }

  sendHead(sent: SentFraming | null): void {
    const { host, lead, message } = this.#exchange
    const { head, out } = this
    const { raw, start, method, version, headers } = this.#event
    head.seal()
    if (head.method !== method) host.tap?.exchange({ message, method: head.method })
    if (lead.length > 0) out.pass(lead)
    this.#startWire()
    if (sent === null && !head.changed && !this.#toldToContinue) {
      if (this.#rewritten === null) out.pass(raw, 'head')
      else out.replace(start, raw.length, this.#rewritten, 'head')
      return
    }
    const framed = sent === null ? asFramed(head.headers.fields, headers, this.framing) : withFraming(head.headers.fields, sent)
    const fields = this.#toldToContinue ? framed.filter(([name]) => name.toLowerCase() !== 'expect') : framed
    out.replace(start, raw.length, encodeRequestHead(head.method, head.target, version, fields), 'head')
  }

  /** The client may wait for a word that the server would only have for the head. */
  held(): void {
    const { version, headers } = this.#event
    if (version !== '1.1' || !expectsContinue(headers)) return
    const { host, message } = this.#exchange
    this.#toldToContinue = true
    host.tap?.exchange({ message, offset: host.receivedDown })
    host.tap?.sent('down', host.receivedDown, 0, continueHead, 'head')
    host.down.pass(continueHead)
    host.down.flush()
    host.plugins.tell({ kind: 'continued', source: 'relay', hook: onRequestBody.path, text: 'told the client to go on: the whole body is wanted first', message })
  }

  act(actions: readonly Action[]): boolean {
    return this.#exchange.actOnRequest(actions, this.#event)
  }

  take(course: Course): void {
    this.#exchange.takeUpCourse(course)
  }

  over(): void {
    const { wire } = this.out
    if (wire === null) {
      this.#exchange.upOver()
      return
    }
    wire.end((differs) => {
      this.out.through(null)
      // Where the server sees it end is anybody's guess: what followed might be more of it.
      if (differs) this.#exchange.endsConnection()
      this.#exchange.upOver()
    })
  }

  #startWire(): void {
    const { head: { transforms: { wires: uses } }, plugins, place, inflow } = this
    if (uses.length === 0) return
    const { host } = this.#exchange
    this.out.through((to) => new Wire({
      ...to, uses, plugins, place, inflow, hook: onRequest.path, start: this.#event.start, room: (most) => host.room('up', most),
      // What the client has sent behind it would read as more of the body.
      onStopping: () => host.fromClient.hold(),
      onEnding: (how, why) => {
        // The server is to have what was given on, whichever way it ends.
        void host.room('up', 0).then(() => how === 'close' ? host.end(why) : host.reset(why))
      },
    }))
  }

  cut(reason: string): void {
    this.#exchange.host.reset(reason)
  }

  room(): Promise<void> {
    return this.#exchange.host.room('up')
  }

  callBody(call: (body: HttpBody, head: never) => unknown, body: BodyState): unknown {
    return call(body, this.head as never)
  }
}
