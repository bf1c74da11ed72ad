import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { FtpDecoder } from '../../../protocols/ftp/index.js'
import type { ReplyEvent } from '../../../protocols/ftp/index.js'
import type { Address } from '../../../recording/notes.js'
import { Patient } from '../patient.js'

/** Replies that nobody has asked for yet; a server that sends more of them is cut. */
const mostWaiting = 1_000

/** A control connection as a client has it: commands go, replies come, which are the server's to each. */
export class FtpControl {
  broken = false
  readonly #socket: Socket
  readonly #decoder = new FtpDecoder()
  readonly #replies: ReplyEvent[] = []
  readonly #patient = new Patient()
  readonly #patience: number
  #over = false

  /** @param patience ms without a reply after which none is waited for. */
  constructor(relay: Address, patience: number, onBytes: () => void) {
    this.#patience = patience
    const socket = connect({ host: relay.host, port: relay.port, noDelay: true })
    this.#socket = socket
    socket.on('data', (bytes) => {
      onBytes()
      for (const event of this.#decoder.receive('down', bytes, 0)) {
        if (event.type === 'reply') this.#replies.push(event)
        else if (event.type === 'opaque') this.#end()
      }
      if (this.#replies.length > mostWaiting) this.#end()
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
    this.#decoder.receive('up', line, 0)
    this.#socket.write(line)
  }

  /** The next reply; null where none comes. */
  async reply(): Promise<ReplyEvent | null> {
    await this.#patient.until(() => this.#replies.length > 0 || this.#over, () => this.#patience)
    return this.#replies.shift() ?? null
  }

  /** The next that isn't preliminary. */
  async finalReply(first: ReplyEvent | null): Promise<ReplyEvent | null> {
    let reply = first
    while (reply?.preliminary === true) reply = await this.reply()
    return reply
  }

  async close(): Promise<void> {
    if (!this.#socket.destroyed) this.#socket.end()
    await this.#patient.until(() => this.#over, () => Math.min(1_000, this.#patience))
    this.#socket.destroy()
  }

  #end(): void {
    this.#over = true
    this.#patient.stir()
  }
}
