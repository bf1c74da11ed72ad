import { reasonOf } from '../../error.js'
import type { Action } from '../../plugins/actions.js'
import type { HttpAnswer } from '../../plugins/messages.js'
import { encodeResponseHead } from '../../protocols/http1/index.js'
import type { RequestEvent, ResponseEvent } from '../../protocols/http1/index.js'
import { retargetTo } from '../retarget.js'
import type { Target } from '../address.js'
import { withHost } from '../rewrite-host.js'
import { ambiguousIn } from './ambiguity.js'
import { buildAnswer } from './answer.js'
import type { BuiltAnswer } from './answer.js'
import { sendOn } from './course.js'
import { asReceived, expectsContinue, wantsClose } from './framing-fields.js'
import type { ExchangeSide } from './exchange-side.js'
import type { Host } from './host.js'
import { onRequest, onResponse } from './http-hooks.js'
import type { Piece } from './inflow.js'
import { sendAnswer, sendInstead, swallowHead } from './own-bytes.js'
import type { Course } from './passage.js'
import { RequestPassage } from './request-passage.js'
import { RequestState } from './request-state.js'
import { ResponsePassage } from './response-passage.js'
import { ResponseState } from './response-state.js'
import { Swallowing } from './swallowing.js'

const nothing = Buffer.alloc(0)

/** One request and its responses, from the request's head to the last byte of both. */
export class Exchange implements ExchangeSide {
  readonly message: number
  readonly host: Host
  readonly lead: Buffer
  /** Empty until the request's head is here. */
  method = ''
  sentMethod = ''
  version = '1.1'
  #wantsClose = false
  #request: RequestState | null = null
  #upCourse: Course | null = null
  #downCourse: Course | null = null
  #upStart = -1
  #upEnd = 0
  #downEnd = 0
  /** Where the response's first byte is, and whether any of it has gone on. */
  #downStart = -1
  #responded = false
  #usesServer = false
  #upDone = false
  #downDone = false
  #status = 0
  #closing = false
  #heldClient = false

  constructor(host: Host, message: number, lead: Buffer) {
    this.host = host
    this.message = message
    this.lead = lead
  }

  get upDone(): boolean {
    return this.#upDone
  }

  get downDone(): boolean {
    return this.#downDone
  }

  /** A server has it, or parts of it. */
  get usesServer(): boolean {
    return this.#usesServer
  }

  goesToServer(method: string): void {
    this.#usesServer = true
    this.sentMethod = method
  }

  takeUpCourse(course: Course): void {
    this.#upCourse = course
  }

  takeDownCourse(course: Course): void {
    this.#downCourse = course
  }

  responds(closing: boolean): void {
    this.#responded = true
    this.#closing ||= closing
  }

  endsConnection(): void {
    this.#closing = true
  }

  /** Its connection is gone: streams of plugins come to their end. */
  abandon(): void {
    if (!this.#upDone) this.#upCourse?.end(this.#upEnd, false)
    if (!this.#downDone) this.#downCourse?.end(this.#downEnd, false)
  }

  takeUp(piece: Piece): void {
    switch (piece.type) {
      case 'span':
        if (this.#upStart < 0) this.#upStart = piece.start
        this.#upEnd = piece.start + piece.bytes.length
        if (piece.kind !== 'head') this.#upCourse?.span(piece.kind, piece.start, piece.bytes)
        return
      case 'request': this.#takeRequest(piece); return
      case 'trailers': this.#upCourse?.trailers(piece); return
      case 'flag': {
        const refused = ambiguousIn('request', [piece.flag])
        if (refused.length > 0) this.#refuseRequest(400, 'ambiguous-refused', refused.join(', '))
        return
      }
      case 'end':
        if (this.#upCourse !== null) this.#upCourse.end(this.#upEnd, piece.complete)
        else if (!piece.complete) this.#swallowHead(this.#upStart, this.#upEnd)
        // The end of the direction, which follows, waits for what still goes through.
        if (!piece.complete) this.host.up.wire?.end(() => this.host.up.through(null))
        return
      case 'opaque':
        if (piece.reason !== null) this.#refuseRequest(piece.reason.startsWith('head longer') ? 431 : 400, 'undecodable-refused', piece.reason)
    }
  }

  takeDown(piece: Piece): void {
    switch (piece.type) {
      case 'span':
        if (this.#downStart < 0) this.#downStart = piece.start
        this.#downEnd = piece.start + piece.bytes.length
        if (piece.kind !== 'head') this.#downCourse?.span(piece.kind, piece.start, piece.bytes)
        return
      case 'response': this.#takeResponse(piece); return
      case 'trailers': this.#downCourse?.trailers(piece); return
      case 'flag': {
        const refused = ambiguousIn('response', [piece.flag])
        if (refused.length > 0) this.#refuseResponse(refused.join(', '))
        return
      }
      case 'end':
        this.#downCourse?.end(this.#downEnd, piece.complete)
        // As for a request.
        if (!piece.complete) this.host.down.wire?.end(() => this.host.down.through(null))
        return
      case 'opaque':
        if (piece.direction === 'down' && piece.reason !== null) this.#refuseResponse(piece.reason)
    }
  }

  #takeRequest(event: RequestEvent): void {
    const host = this.host
    const { plugins, target } = host
    this.method = event.method
    this.version = event.version
    this.#wantsClose = wantsClose(event.version, event.headers)
    const refused = ambiguousIn('request', event.flags)
    if (refused.length > 0) {
      this.#refuseRequest(400, 'ambiguous-refused', refused.join(', '), event)
      return
    }
    const rewritten = host.rewriteHost ? withHost(event.raw, target.authority) : null
    const headers = rewritten === null ? event.headers : event.headers.map((field) => field[0].toLowerCase() === 'host' ? [field[0], target.authority] as const : field)
    const request = new RequestState(plugins.info, `${target.secure ? 'https' : 'http'}://${target.authority}`, { ...event, headers })
    this.#request = request
    if (!plugins.has(onRequest)) {
      sendOn(new RequestPassage(this, event, request, rewritten, target))
      return
    }
    host.fromClient.hold()
    plugins.run(onRequest, request, (call, member) => {
      request.transforms.member = member
      return call(request)
    }, (actions) => {
      if (!this.actOnRequest(actions, event)) sendOn(new RequestPassage(this, event, request, rewritten, this.#targetOf(actions)))
      host.fromClient.release()
    }, { direction: 'up', offset: event.start, message: this.message })
  }

  /** @returns whether the request goes no further. */
  actOnRequest(actions: readonly Action[], event: RequestEvent): boolean {
    const host = this.host
    const ending = actions.find(({ action }) => action === 'drop' || action === 'close' || action === 'reset' || action === 'respond')
    if (ending === undefined) return false
    const answer = ending.action === 'respond' ? this.#build(ending.answer as HttpAnswer, onRequest.path) : null
    // An answer that can't be made is the plugin's failure: the request goes on.
    if (ending.action === 'respond' && answer === null) return false
    this.#swallowHead(event.start, event.end)
    this.#upCourse = new Swallowing({ out: host.up, over: () => this.upOver() })
    if (answer !== null) this.#answer(answer, expectsContinue(event.headers))
    else if (ending.action === 'drop') host.stall()
    else if (ending.action === 'close') host.end('closed by a plugin')
    else host.reset('reset by a plugin')
    return true
  }

  #targetOf(actions: readonly Action[]): Target {
    const { plugins, target } = this.host
    const to = actions.findLast((action) => action.action === 'retarget')
    if (to === undefined) return target
    try {
      return retargetTo('http', to.target, plugins.info)
    } catch (thrown) {
      plugins.tell({ kind: 'plugin-failed', source: 'relay', hook: onRequest.path, text: `retarget(${to.target}): ${reasonOf(thrown)}; it goes to ${target.text}`, message: this.message })
      return target
    }
  }

  #takeResponse(event: ResponseEvent): void {
    const host = this.host
    const { plugins } = host
    const refused = ambiguousIn('response', event.flags)
    if (refused.length > 0 || !event.requested || this.#request === null) {
      this.#refuseResponse(refused.length > 0 ? refused.join(', ') : 'a response that nothing asked for')
      return
    }
    const response = new ResponseState(this.#request, event)
    if (!event.informational) this.#status = event.status
    if (!plugins.has(onResponse)) {
      this.#return(event, response, event.raw)
      return
    }
    let raw = event.raw
    let inTurn = true
    host.fromServer.hold()
    plugins.run(onResponse, response, (call, member) => {
      response.transforms.member = member
      return call(response)
    }, (actions) => {
      if (!this.actOnResponse(actions, event, onResponse.path)) this.#return(event, response, raw)
      host.fromServer.release()
      inTurn = false
    }, { direction: 'down', message: this.message })
    // The server's next bytes are read into the same memory.
    if (inTurn) raw = Buffer.from(raw)
  }

  /** @returns whether the response goes no further. */
  actOnResponse(actions: readonly Action[], event: ResponseEvent, hook: string): boolean {
    const host = this.host
    const ending = actions.find(({ action }) => action === 'drop' || action === 'close' || action === 'reset' || action === 'respond')
    if (ending === undefined) return false
    const answer = ending.action === 'respond' ? this.#build(ending.answer as HttpAnswer, hook) : null
    if (ending.action === 'respond' && answer === null) return false
    if (event.informational && (ending.action === 'drop')) {
      host.down.replace(event.start, event.end - event.start, nothing, 'head')
      return true
    }
    const switches = event.status === 101 || (this.sentMethod === 'CONNECT' && event.status < 300)
    if (answer === null) {
      host.down.replace(event.start, event.end - event.start, nothing, 'head')
      this.#downCourse = new Swallowing({ out: host.down, over: () => {} })
      if (ending.action === 'close') host.end('closed by a plugin')
      else if (ending.action === 'reset') host.reset('reset by a plugin')
      // What follows is read on, else nobody would hear the client leave.
      else host.stall()
      return true
    }
    this.#replaceResponse(event.start, event.end, answer)
    // What the server still sends for it goes nowhere; where it would change the protocol, or has more to say, it isn't needed any more.
    this.#downCourse = new Swallowing({ out: host.down, over: () => this.downOver() })
    if (switches || event.informational) {
      this.#closing = true
      this.downOver()
    }
    return true
  }

  /** The response goes to the client: now, or when its body has been seen. */
  #return(event: ResponseEvent, response: ResponseState, raw: Buffer): void {
    const host = this.host
    if (event.informational) {
      response.seal()
      this.#sendPlainHead(event, response, raw)
      return
    }
    const tunnels = this.method === 'CONNECT' && event.status >= 200 && event.status < 300
    if (event.status === 101 || (tunnels && response.status >= 200 && response.status < 300)) {
      response.seal()
      this.#sendPlainHead(event, response, raw)
      this.#responded = true
      host.pipe()
      return
    }
    if (tunnels) this.#closing = true
    const passage = new ResponsePassage(this, event, response, raw, tunnels)
    sendOn(passage)
    if (passage.swallows) this.#downCourse = new Swallowing(passage)
  }

  #sendPlainHead(event: ResponseEvent, response: ResponseState, raw: Buffer): void {
    const { down } = this.host
    if (!response.changed) down.pass(raw)
    else down.replace(event.start, raw.length, encodeResponseHead(event.version, response.status, response.reason, asReceived(response.headers.fields, event.headers)), 'head')
  }

  #build(answer: HttpAnswer, hook: string): BuiltAnswer | null {
    try {
      return buildAnswer(answer, this.method, this.#wantsClose)
    } catch (thrown) {
      this.host.plugins.tell({ kind: 'plugin-failed', source: 'relay', hook, text: `${hook}: ${reasonOf(thrown)}; the message goes on unchanged`, message: this.message })
      return null
    }
  }

  /** The client gets this; no server is asked. */
  #answer(answer: BuiltAnswer, closing: boolean): void {
    sendAnswer(this.host, this.message, answer)
    this.#status = answer.status
    this.#responded = true
    this.#closing ||= closing || this.#wantsClose || this.method === 'CONNECT'
    this.downOver()
  }

  #replaceResponse(start: number, end: number, answer: BuiltAnswer): void {
    sendInstead(this.host, start, end, answer)
    this.#responded = true
    this.#closing ||= this.#wantsClose
  }

  #swallowHead(start: number, end: number): void {
    swallowHead(this.host, this.lead, start, end)
  }

  #refuseRequest(status: number, kind: string, text: string, head?: { readonly start: number, readonly end: number }): void {
    const host = this.host
    host.plugins.tell({ kind, source: 'relay', hook: onRequest.path, text: `refused with ${status}, as it can be read in more than one way or not at all: ${text}`, direction: 'up', message: this.message })
    if (head !== undefined) this.#swallowHead(head.start, head.end)
    else if (this.#upCourse === null && this.#upStart >= 0) this.#swallowHead(this.#upStart, this.#upEnd)
    this.#upCourse = new Swallowing({ out: host.up, over: () => {} })
    this.#upDone = true
    host.dropServer()
    if (this.#responded) {
      host.end('ambiguous request')
      return
    }
    this.#answer(buildAnswer({ status, body: `The relay does not pass this request on: ${text}\n` }, this.method, true), true)
  }

  #refuseResponse(text: string): void {
    const host = this.host
    if (this.#downDone) return
    host.plugins.tell({ kind: 'ambiguous-refused', source: 'relay', hook: onResponse.path, text: `the response was refused, as it can be read in more than one way or not at all: ${text}`, direction: 'down', message: this.message })
    if (this.#responded) {
      // Half of it is with the client: only an end that isn't orderly tells that it isn't whole.
      host.reset('ambiguous response')
      return
    }
    this.#replaceResponse(this.#downStart, this.#downEnd, buildAnswer({ status: 502, body: `The relay does not pass this response on: ${text}\n` }, this.method, true))
    this.#downCourse = new Swallowing({ out: host.down, over: () => {} })
    this.#status = 502
    this.#closing = true
    this.#upDone = true
    this.downOver()
  }

  upOver(): void {
    if (this.#upDone) return
    this.#upDone = true
    // Nothing more is taken until the other side is over too.
    this.host.fromClient.hold()
    this.#heldClient = true
    this.host.requestOver()
    this.#check()
  }

  downOver(): void {
    if (this.#downDone) return
    this.#downDone = true
    this.#check()
  }

  #check(): void {
    if (!this.#upDone || !this.#downDone) {
      // The server's word is final and the connection ends with it: what the client still sends has nowhere to go.
      if (this.#downDone && this.#closing) this.host.end('closed after the response')
      return
    }
    this.host.finished(this.#status, this.#closing)
    if (this.#heldClient) {
      this.#heldClient = false
      this.host.fromClient.release()
    }
  }
}
