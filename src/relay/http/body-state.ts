import type { HttpBody } from '../../plugins/messages.js'
import { MessageState } from '../../plugins/message-state.js'
import { readText } from '../../protocols/content/text.js'
import type { RequestState } from './request-state.js'
import type { ResponseState } from './response-state.js'

/** A whole body while plugins may change it, and with it the head, which hasn't gone on yet either. */
export class BodyState extends MessageState implements HttpBody {
  readonly #head: RequestState | ResponseState
  #bytes: Buffer

  constructor(head: RequestState | ResponseState, bytes: Buffer) {
    super(head.connection)
    this.#head = head
    this.#bytes = bytes
  }

  override get revision(): number {
    return super.revision + this.#head.revision
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  set bytes(bytes: Buffer) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes: expected a Buffer; text and json take the rest')
    this.touch()
    this.#bytes = Buffer.from(bytes)
  }

  get text(): string {
    const read = readText(this.#bytes, this.#head.headers.get('content-type') ?? null, false)
    if (read === null) throw new TypeError('the body is no text: its bytes are in `bytes`')
    return read.text
  }

  /** Written in UTF-8, or in Latin-1 where the Content-Type says so. */
  set text(text: string) {
    if (typeof text !== 'string') throw new TypeError('text: expected a string')
    const type = this.#head.headers.get('content-type') ?? ''
    const latin1 = /;\s*charset\s*=\s*"?(?:iso-8859-1|latin1|windows-1252|us-ascii)\b/i.test(type)
    // A charset that can't be written here must not be promised either.
    if (!latin1 && /;\s*charset\s*=/i.test(type) && !/;\s*charset\s*=\s*"?utf-?8\b/i.test(type)) {
      this.#head.headers.set('content-type', type.replace(/;\s*charset\s*=\s*(?:"[^"]*"|[^;]*)/i, '; charset=utf-8'))
    }
    this.bytes = Buffer.from(text, latin1 ? 'latin1' : 'utf8')
  }

  get json(): unknown {
    return JSON.parse(this.#bytes.toString('utf8'))
  }

  set json(value: unknown) {
    const text = JSON.stringify(value)
    if (text === undefined) throw new TypeError('json: expected a value that JSON has')
    this.bytes = Buffer.from(text)
  }

  override noteChange(plugin: string): void {
    super.noteChange(plugin)
    this.#head.noteChange(plugin)
  }

  override seal(): void {
    super.seal()
    this.#head.seal()
  }

  keep(): () => void {
    const bytes = this.#bytes
    const head = this.#head.keep()
    return () => {
      this.#bytes = bytes
      head()
    }
  }
}
