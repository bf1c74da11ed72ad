import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { FtpDecoder } from '../../../protocols/ftp/index.js'
import type { ReplyEvent } from '../../../protocols/ftp/index.js'
import { runEnded } from '../../compare/sender-events.js'
import type { SenderEvent } from '../../compare/sender-events.js'
import type { AnswerLimits } from '../answer-limits.js'
import { Patient } from '../patient.js'
import type { Wire } from '../wire.js'

/** Replies that nobody has asked for yet; a server that sends more of them is cut. */
const mostWaiting = 1_000

/** Ms that a server is given for its side of the end. */
const forEnd = 1_000

export interface FtpControlOptions {
  readonly wire: Wire
  /** What all replies together may have. */
  readonly limits: AnswerLimits
  /** Ends it at once. */
  readonly signal: AbortSignal
  readonly onBytes: () => void
  /** Called when this client leaves before the end, while the connection is still there to tell of: too much came, or too little. */
  readonly onLeft: (why: string) => void
}

/** A control connection as a client has it: commands go, replies come, which are the server's to each. */
export class FtpControl {
  broken = false
  readonly #options: FtpControlOptions
  readonly #socket: Socket
  readonly #decoder = new FtpDecoder()
  readonly #replies: ReplyEvent[] = []
  readonly #patient: Patient
  readonly #stop = (): void => this.leave(runEnded)
  #came = 0
  #commands = 0
  /** When what was last asked for was, on the clock of `performance.now()`. */
  #asked = performance.now()
  #over = false

  constructor(options: FtpControlOptions) {
    const { wire, limits, signal, onBytes } = options
    this.#options = options
    this.#patient = new Patient(signal)
    const socket = connect({ host: wire.host, port: wire.port, noDelay: true })
    this.#socket = socket
    signal.addEventListener('abort', this.#stop)
    socket.on('data', (bytes) => {
      onBytes()
      this.#came += bytes.length
      if (this.#over) return
      for (const event of this.#decoder.receive('down', bytes, 0)) {
        if (event.type === 'reply') this.#replies.push(event)
        else if (event.type === 'opaque') this.#end()
      }
      if (this.#replies.length > mostWaiting) this.leave(`answered more than ${mostWaiting} replies to one command, cut`)
      else if (this.#came > limits.bytes) this.leave(limits.tooMuch)
      this.#patient.stir()
    })
    socket.on('error', () => {
      this.broken = true
      this.#end()
    })
    socket.on('close', () => this.#end())
  }

  get over(): boolean {
    return this.#over
  }

  /** Where the server could reach this client. */
  get localAddress(): string {
    return this.#socket.localAddress ?? '127.0.0.1'
  }

  /** What came before is nothing of this command's. */
  send(line: Buffer): void {
    this.#replies.length = 0
    this.#commands++
    this.#asked = performance.now()
    this.#decoder.receive('up', line, 0)
    this.#socket.write(line)
  }

  /**
   * The next reply to what was asked for; null where none comes. A server that stays silent is left: what it says later would be taken for the reply to what
   * is asked then. @param waited ms after which the client itself waited no longer; null where it did.
   */
  async reply(limits: AnswerLimits, waited: number | null = null): Promise<ReplyEvent | null> {
    const since = performance.now() - this.#asked
    const how = await this.#patient.until(
      () => this.#replies.length > 0 || this.#over, () => waited ?? limits.silence, Math.max(0, (waited ?? limits.duration) - since))
    if (waited === null && how === 'late') this.leave(limits.tooLong)
    else if (waited === null && how === 'silent') this.leave(limits.tooSilent)
    return this.#replies.shift() ?? null
  }

  /** The next that isn't preliminary. */
  async finalReply(first: ReplyEvent | null, limits: AnswerLimits, waited: number | null = null): Promise<ReplyEvent | null> {
    let reply = first
    while (reply?.preliminary === true) reply = await this.reply(limits, waited)
    return reply
  }

  /** What comes from here on is timed anew: a transfer is over. */
  again(): void {
    this.#asked = performance.now()
  }

  /** Of the session, for whoever compares it. */
  tell(kind: SenderEvent, text: string): void {
    this.#options.wire.tell(kind, text, this.#socket.localPort ?? null)
  }

  /** What the command under way brought is left, for this reason. */
  left(why: string): void {
    this.#options.wire.tell('left', why, this.#socket.localPort ?? null, this.#commands === 0 ? undefined : this.#commands - 1)
  }

  leave(why: string): void {
    if (this.#over) return
    this.left(why)
    this.#end()
    if (why === runEnded) {
      this.#socket.destroy()
      return
    }
    this.#options.onLeft(why)
    // A FIN would be passed on, and a reply that comes after all be recorded.
    this.#socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    if (!this.#socket.destroyed) this.#socket.end()
    await this.#patient.until(() => this.#over, () => forEnd, forEnd)
    this.#patient.close()
    this.#options.signal.removeEventListener('abort', this.#stop)
    this.#socket.destroy()
  }

  #end(): void {
    this.#over = true
    this.#patient.stir()
  }
}
