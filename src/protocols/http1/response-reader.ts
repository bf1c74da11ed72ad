import type { Exchange, Exchanges } from './exchanges.js'
import { type Flag, joinFlags } from './flags.js'
import { type BodyFraming, promisesContent, responseFraming } from './framing.js'
import type { Head } from './head-reader.js'
import { MessageReader, type State } from './message-reader.js'
import type { RequestReader } from './request-reader.js'
import { parseStatusLine, type StatusLine } from './start-line.js'
import type { Undecodable } from './undecodable.js'

const ONLY_ODD_CODING: readonly Flag[] = ['odd-transfer-encoding']
const ONLY_UNEXPECTED: readonly Flag[] = ['unexpected-framing']

const NOT_STARTED: Exchange = { message: -1, requested: false, method: '', answered: false }

/** Reads the responses of a connection, and tells the request side what they decide for it. */
export class ResponseReader extends MessageReader<StatusLine> {
  private readonly exchanges: Exchanges
  private readonly requests: RequestReader
  private exchange = NOT_STARTED
  private lastText = ''
  private lastLine: StatusLine | Undecodable | undefined

  constructor(exchanges: Exchanges, requests: RequestReader, headLimit: number) {
    super('down', 'status', headLimit)
    this.exchanges = exchanges
    this.requests = requests
  }

  protected openMessage(): number {
    this.exchange = this.exchanges.openResponse()
    return this.exchange.message
  }

  protected parseLine(text: string): StatusLine | Undecodable {
    // Nearly every status line of a connection is the same.
    if (this.lastLine === undefined || text !== this.lastText) {
      this.lastLine = parseStatusLine(text)
      this.lastText = text
    }
    return this.lastLine
  }

  protected headIsComplete(head: Head<StatusLine>, headFlags: readonly Flag[], end: number): BodyFraming | undefined {
    const { line, fields, raw } = head
    const { status, reason, version } = line
    const { method, requested } = this.exchange
    const switches = status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)
    const informational = status >= 100 && status < 200 && status !== 101
    let flags = headFlags
    if (version === '1.0' && fields.framing.transferEncoding !== 'absent') flags = joinFlags(flags, ONLY_ODD_CODING)
    if ((informational || switches || status === 204) && promisesContent(fields.framing)) {
      flags = joinFlags(flags, ONLY_UNEXPECTED)
    }
    const { message, at, headStart: start, headStartedAt: startedAt } = this
    const { headers } = fields
    this.out.push({
      type: 'response', message, start, end, startedAt, at, status, reason, version, headers, flags, informational,
      requested, raw,
    })
    if (informational) {
      this.enter('idle')
      return undefined
    }
    this.exchanges.answer(this.exchange)
    if (switches) {
      this.switchProtocol(end)
      return undefined
    }
    if (method === 'CONNECT') this.requests.resume(this.exchange)
    return responseFraming(method, status, fields.framing)
  }

  protected messageIsOver(): void {}

  protected override enter(state: State): void {
    super.enter(state)
    if (state === 'opaque' || state === 'ended') this.exchanges.stopAnswering()
  }

  private switchProtocol(offset: number): void {
    this.giveEnd(null)
    this.turnOpaque(offset, null, this.message)
    this.requests.switchProtocol(this.message, this.at, this.out)
  }
}
