import { FtpDecoder } from '../../../protocols/ftp/index.js'
import { lacksLineFeed } from '../../../relay/ftp/abort.js'
import { lineEndPatience } from '../../../relay/ftp/holding-limits.js'

const LF = 0x0a

/** Bytes of the line in progress that are looked at. */
const tailLength = 64

/** A command as it came. */
export interface CommandLine {
  /** In upper case. */
  readonly verb: string
  readonly argument: string | null
  /** On the clock of `performance.now()`. */
  readonly at: number
}

export interface ControlLinesOptions {
  readonly onCommand: (line: CommandLine) => void
  /** What comes isn't FTP, or is too much of it. */
  readonly onUnreadable: (reason: string) => void
}

/** Reads what a client says on its control connection. */
export class ControlLines {
  readonly #options: ControlLinesOptions
  readonly #decoder = new FtpDecoder()
  #tail = ''
  #timer: NodeJS.Timeout | null = null
  /** Should the LF come after all, it has been read already. */
  #supplied = false

  constructor(options: ControlLinesOptions) {
    this.#options = options
  }

  take(bytes: Buffer): void {
    const waited = this.#timer !== null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    // The next command comes already: what should have ended the one before was the urgent byte.
    if (waited && bytes.length > 0 && bytes[0] !== LF) this.#supply()
    const late = this.#supplied && bytes[0] === LF ? 1 : 0
    this.#supplied = false
    this.#read(bytes.subarray(late))
    const lineEnd = bytes.lastIndexOf(LF)
    this.#tail = ((lineEnd < 0 ? this.#tail : '') + bytes.toString('latin1', lineEnd + 1)).slice(-tailLength)
    // Of an ABOR sent as urgent data, the last byte doesn't come: Node doesn't hand it out.
    if (lacksLineFeed(() => this.#tail)) this.#timer = setTimeout(() => this.#supply(), lineEndPatience).unref()
  }

  /** The decoder knows by the replies which commands are done. */
  said(bytes: Buffer): void {
    this.#decoder.receive('down', bytes, 0)
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #supply(): void {
    this.#timer = null
    this.#supplied = true
    this.#tail = ''
    this.#read(Buffer.from([LF]))
  }

  #read(bytes: Buffer): void {
    for (const event of this.#decoder.receive('up', bytes, 0)) {
      if (event.type === 'command') this.#options.onCommand({ verb: event.verb, argument: event.argumentText, at: performance.now() })
      else if (event.type === 'opaque') this.#options.onUnreadable(event.reason ?? 'TLS')
    }
  }
}
