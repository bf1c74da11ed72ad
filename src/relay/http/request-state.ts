import type { HeaderField } from '../../plugins/header-list.js'
import { HeaderList } from '../../plugins/header-list.js'
import type { ConnectionInfo, HttpRequest, WireStage } from '../../plugins/messages.js'
import { MessageState } from '../../plugins/message-state.js'
import { Transforms } from './transforms.js'

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** A request's head while plugins may change it. */
export class RequestState extends MessageState implements HttpRequest {
  readonly version: string
  readonly headers: HeaderList
  readonly transforms = new Transforms(this.touch)
  /** Scheme and host where the request names none itself. */
  readonly #origin: string
  #method: string
  #target: string

  constructor(connection: ConnectionInfo, origin: string, head: { method: string, target: string, version: string, headers: readonly HeaderField[] }) {
    super(connection)
    this.#origin = origin
    this.#method = head.method
    this.#target = head.target
    this.version = head.version
    this.headers = new HeaderList(head.headers, this.touch)
  }

  get method(): string {
    return this.#method
  }

  set method(method: string) {
    if (method === this.#method) return
    if (!token.test(method)) throw new TypeError(`${JSON.stringify(method)} is no method`)
    if (method === 'CONNECT' || this.#method === 'CONNECT') throw new TypeError('a request can\'t be changed to or from CONNECT: what follows isn\'t HTTP')
    this.touch()
    this.#method = method
  }

  get target(): string {
    return this.#target
  }

  set target(target: string) {
    if (target === this.#target) return
    if (!/^[\x21-\x7e\x80-\xff]+$/.test(target)) throw new TypeError(`${JSON.stringify(target).slice(0, 100)} is no request target: it has a space, a control character or one beyond Latin-1; use encodeURI`)
    this.touch()
    this.#target = target
  }

  get path(): string {
    return this.#parts()[1]!
  }

  set path(path: string) {
    const [origin, , query] = this.#parts()
    this.target = `${origin}${path}${query}`
  }

  get query(): string | null {
    const query = this.#parts()[2]!
    return query === '' ? null : query.slice(1)
  }

  set query(query: string | null) {
    const [origin, path] = this.#parts()
    this.target = `${origin}${path}${query === null ? '' : `?${query}`}`
  }

  get url(): string {
    if (!this.#target.startsWith('/')) return this.#target
    const host = this.headers.get('host')
    return `${host === undefined ? this.#origin : `${this.#origin.slice(0, this.#origin.indexOf('://'))}://${host}`}${this.#target}`
  }

  transformBody(...use: Parameters<HttpRequest['transformBody']>): void {
    this.transforms.add(...use)
  }

  wire(stage: WireStage): void {
    if (this.#method === 'CONNECT') throw new Error('wire: a CONNECT is the beginning of a tunnel')
    this.transforms.addWire(stage)
  }

  keep(): () => void {
    const method = this.#method
    const target = this.#target
    const { fields } = this.headers
    const transforms = this.transforms.keep()
    return () => {
      this.#method = method
      this.#target = target
      this.headers.restore(fields)
      transforms()
    }
  }

  /** Before the path (absolute form), the path, and the query with its question mark. */
  #parts(): readonly string[] {
    return /^([^/?]*:\/\/[^/?]*)?([^?]*)(\?[^]*)?$/.exec(this.#target)!.slice(1).map((part: string | undefined) => part ?? '')
  }
}
