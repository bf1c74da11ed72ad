import type { Http1Event } from './events.js'
import type { Exchange, Exchanges } from './exchanges.js'
import { type Flag, joinFlags } from './flags.js'
import { type BodyFraming, promisesContent, requestFraming } from './framing.js'
import type { Head } from './head-reader.js'
import { MessageReader, NOWHERE } from './message-reader.js'
import { parseRequestLine, type RequestLine } from './start-line.js'
import type { Undecodable } from './undecodable.js'

const ONLY_ODD_CODING: readonly Flag[] = ['odd-transfer-encoding']
const ONLY_MISSING_HOST: readonly Flag[] = ['missing-host']
const ONLY_UNEXPECTED: readonly Flag[] = ['unexpected-framing']

const NOT_STARTED: Exchange = { message: -1, requested: true, method: '', answered: false }

/** Reads the requests of a connection. */
export class RequestReader extends MessageReader<RequestLine> {
  private readonly exchanges: Exchanges
  private exchange = NOT_STARTED
  /** Ordinal of the message that another protocol follows on, once its body is complete; -1 for none. */
  private switchAfter = -1
  /** Where the bytes start that came after a CONNECT's head. */
  private connectEnd = 0

  constructor(exchanges: Exchanges, headLimit: number) {
    super('up', 'request', headLimit)
    this.exchanges = exchanges
  }

  /** The answer to a CONNECT said no: what follows is HTTP again. */
  resume(connect: Exchange): void {
    if (this.state === 'awaiting' && this.exchange === connect) this.enter('idle')
  }

  /**
   * The response to `message` has switched the connection to another protocol. Where that request's own body is still
   * on its way, it's read to its end first: the client has to send it before it may switch (RFC 9110 §7.8).
   */
  switchProtocol(message: number, at: number, out: Http1Event[]): void {
    if (this.state === 'opaque' || this.state === 'ended') return
    const inBody = this.state === 'length' || this.state === 'chunked'
    if (inBody && this.message === message) {
      this.switchAfter = message
      return
    }
    this.out = out
    this.at = at
    if (inBody) this.giveEnd('body cut: the connection switched to another protocol')
    if (this.state === 'head') this.exchanges.withdraw(this.exchange)
    // Bytes that came while the answer was awaited are the tunnel's, from the CONNECT's head on.
    const offset = this.state === 'awaiting' ? this.connectEnd : this.readUpTo
    this.turnOpaque(offset, null, message)
    this.out = NOWHERE
  }

  protected openMessage(): number {
    this.exchange = this.exchanges.openRequest()
    return this.exchange.message
  }

  protected parseLine(text: string): RequestLine | Undecodable {
    return parseRequestLine(text)
  }

  protected headIsComplete(head: Head<RequestLine>, headFlags: readonly Flag[], end: number): BodyFraming | undefined {
    const { line, fields, raw } = head
    const { method, target, version } = line
    let flags = headFlags
    if (version === '1.0') {
      if (fields.framing.transferEncoding !== 'absent') flags = joinFlags(flags, ONLY_ODD_CODING)
    } else if (fields.hosts === 0) {
      flags = joinFlags(flags, ONLY_MISSING_HOST)
    }
    if (method === 'CONNECT' && promisesContent(fields.framing)) flags = joinFlags(flags, ONLY_UNEXPECTED)
    const { message, at, headStart: start, headStartedAt: startedAt } = this
    const { headers } = fields
    this.out.push({ type: 'request', message, start, end, startedAt, at, method, target, version, headers, flags, raw })

    this.exchange.method = method
    if (method === 'CONNECT' && !this.exchange.answered) {
      this.giveEnd(null)
      this.connectEnd = end
      this.enter('awaiting')
      return undefined
    }
    return requestFraming(method, fields.framing)
  }

  protected messageIsOver(): void {
    if (this.switchAfter === this.message) this.turnOpaque(this.tiler.end, null, this.message)
  }
}
