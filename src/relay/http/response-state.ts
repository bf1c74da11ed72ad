import type { HeaderField } from '../../plugins/header-list.js'
import { HeaderList } from '../../plugins/header-list.js'
import type { HttpResponse, WireStage } from '../../plugins/messages.js'
import { MessageState } from '../../plugins/message-state.js'
import type { RequestState } from './request-state.js'
import { Transforms } from './transforms.js'

/** A response's head while plugins may change it. */
export class ResponseState extends MessageState implements HttpResponse {
  readonly version: string
  readonly headers: HeaderList
  readonly request: RequestState
  readonly informational: boolean
  readonly transforms = new Transforms(this.touch)
  #status: number
  #reason: string

  constructor(request: RequestState, head: { status: number, reason: string, version: string, headers: readonly HeaderField[], informational: boolean }) {
    super(request.connection)
    this.request = request
    this.#status = head.status
    this.#reason = head.reason
    this.version = head.version
    this.headers = new HeaderList(head.headers, this.touch)
    this.informational = head.informational
  }

  get tunnels(): boolean {
    return this.#status === 101 || (this.request.method === 'CONNECT' && this.#status >= 200 && this.#status < 300)
  }

  get status(): number {
    return this.#status
  }

  set status(status: number) {
    if (status === this.#status) return
    const final = this.#status >= 200
    if (!Number.isSafeInteger(status) || status < (final ? 200 : 100) || status > (final ? 999 : 199) || status === 101 || this.#status === 101) {
      throw new TypeError(`status ${String(status)}: expected a whole number, ${final ? '200 to 999' : 'a 1xx where it was one'}, and not to or from 101`)
    }
    this.touch()
    this.#status = status
  }

  get reason(): string {
    return this.#reason
  }

  set reason(reason: string) {
    if (reason === this.#reason) return
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(reason)) throw new TypeError('the reason has a control character or one beyond Latin-1')
    this.touch()
    this.#reason = reason
  }

  transformBody(...use: Parameters<HttpResponse['transformBody']>): void {
    this.transforms.add(...use)
  }

  wire(stage: WireStage): void {
    if (this.informational || this.tunnels) throw new Error(`wire: a response with status ${this.#status} is ${this.tunnels ? 'the beginning of a tunnel' : 'not the final one'}`)
    this.transforms.addWire(stage)
  }

  keep(): () => void {
    const status = this.#status
    const reason = this.#reason
    const { fields } = this.headers
    const transforms = this.transforms.keep()
    return () => {
      this.#status = status
      this.#reason = reason
      this.headers.restore(fields)
      transforms()
    }
  }
}
