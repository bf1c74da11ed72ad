import type { Socket } from 'node:net'
import type { Direction } from '../../protocols/decoder.js'
import { FtpDecoder } from '../../protocols/ftp/index.js'
import type { CommandEvent, FtpEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import { HeldStream } from '../held-stream.js'
import type { Replacement } from '../held-stream.js'
import type { Inline, Pieces } from '../lane.js'
import { lacksLineFeed, notUrgent } from './abort.js'
import { BounceGuard } from './bounce-guard.js'
import { Conversation } from './conversation.js'
import type { DataConnection } from './data-connection.js'
import type { FtpSettings } from './options.js'
import { greetingPatience, lineEndPatience, longestHeld } from './holding-limits.js'
import { PluggedConversation } from './plugged.js'
import { PreparedPort } from './prepared-port.js'
import { sideOf } from './session.js'
import type { FtpSession } from './session.js'

const LF = 0x0a
const CR = 0x0d

/** In no command: control characters but HT, CR and LF, and but those of telnet options and the NUL after a CR (RFC 854). */
// oxlint-disable-next-line no-control-regex
const binary = /(?<!\r)\x00|(?<![\xfb-\xfe])[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/

export interface FtpControlOptions {
  readonly settings: FtpSettings
  readonly tap: ConnectionRecorder | null
  readonly client: Socket
  readonly onData: (connection: DataConnection) => void
  /** Those of the connection; null where none listens to FTP. */
  readonly plugins: ConnectionPlugins | null
  /** Both sides have to be reset now. */
  readonly onCut: (reason: string) => void
  /** Both sides are to be ended in order. */
  readonly onClose: (reason: string) => void
}

/**
 * A control connection on the inline path: the relay is the peer of both sides, on the data connections too. Everything
 * passes byte for byte but what prepares data connections, commands that may not pass, and what is left of an urgent ABOR.
 *
 * followed ──► guarded: something that isn't FTP; the bytes pass, but no command that makes a server dial
 *    │            └───► cut: there was one
 *    └───────► encrypted: AUTH and 234; the bytes pass
 */
export class FtpControl implements Inline {
  readonly #options: FtpControlOptions
  readonly #decoder = new FtpDecoder()
  readonly #streams: Record<Direction, HeldStream> = { up: new HeldStream(), down: new HeldStream() }
  readonly #session: FtpSession
  readonly #conversation: Conversation
  readonly plugged: PluggedConversation | null
  #state: 'followed' | 'guarded' | 'encrypted' | 'cut' = 'followed'
  /** Watches what the client says and nobody holds: one line of it, or all from here on. */
  #guard: BounceGuard | null = null
  /** Directions that wait for something: they let go of what they hold once it is there. */
  readonly #pending: Record<Direction, boolean> = { up: false, down: false }
  #emit: ((direction: Direction, pieces: Pieces) => void) | null = null
  #supply: ((direction: Direction, bytes: Buffer) => void) | null = null
  #lineEnd: NodeJS.Timeout | null = null
  /** Should the LF come after all, it has gone out already. */
  #lineFeedSupplied = false
  #greeted = false
  #greeting: NodeJS.Timeout | null = null
  #toldOfLettingGo = false

  constructor(options: FtpControlOptions) {
    this.#options = options
    this.#session = {
      settings: options.settings, client: sideOf(options.client), server: null,
      prepared: new PreparedPort({ onData: options.onData, onEvent: (kind, text) => this.#event(kind, text) }),
      event: (...told) => this.#event(...told),
    }
    this.plugged = options.plugins === null ? null : new PluggedConversation(options.plugins, () => options.tap?.behind === true)
    this.#conversation = new Conversation(this.#session, this.plugged)
  }

  attach(emit: (direction: Direction, pieces: Pieces) => void, supply: (direction: Direction, bytes: Buffer) => void): void {
    this.#emit = emit
    this.#supply = supply
  }

  connected(server: Socket): void {
    this.#session.server = sideOf(server)
  }

  /** What follows an ABOR that stands without its LF shows that the LF went as urgent data. */
  missing(direction: Direction, bytes: Buffer): Buffer | null {
    // Telnet's CR NUL is no line end, but nothing is missing of it either (RFC 854).
    return direction === 'up' && this.#lineEnd !== null && bytes[0] !== LF && bytes[0] !== 0 ? this.#lineFeed() : null
  }

  pass(direction: Direction, bytes: Buffer): Pieces | Promise<Pieces> {
    const stream = this.#streams[direction]
    stream.take(bytes)
    if (this.#state !== 'followed') return this.#release(direction, stream.from)
    if (direction === 'up') this.#awaitLineEnd(bytes)
    const events = this.#decoder.receive(direction, bytes, 0)
    const before = direction === 'up' ? this.#passOpenLine(events) : []
    const work: (Replacement | Promise<Replacement | null>)[] = []
    for (const event of events) {
      if (event.type === 'opaque') this.#turn(event.reason === null ? 'encrypted' : 'guarded')
      const replacement = event.type === 'command' ? this.#command(event) : event.type === 'reply' ? this.#reply(event) : null
      if (replacement !== null) work.push(replacement)
    }
    const until = this.#holdFrom(direction, events)
    const lineIsBinary = direction === 'up' && binary.test(bytes.toString('latin1', bytes.lastIndexOf(LF) + 1))
    if (this.#state !== 'followed') this.#emitRest(direction === 'up' ? 'down' : 'up')
    if (work.every((piece): piece is Replacement => !(piece instanceof Promise))) {
      return [...before, ...this.#letGoUntil(direction, until, work, lineIsBinary)]
    }
    this.#pending[direction] = true
    return Promise.all(work.map((piece) => Promise.resolve(piece))).then((ready) => {
      this.#pending[direction] = false
      return [...before, ...this.#letGoUntil(direction, until, ready.filter((piece) => piece !== null), lineIsBinary)]
    })
  }

  end(direction: Direction): Pieces {
    const stream = this.#streams[direction]
    if (direction === 'up') this.#stopAwaitingLineEnd()
    if (direction === 'down' || this.#state !== 'followed') return this.#release(direction, direction === 'down' ? stream.end : stream.from)
    // Some servers take what comes before the end for a line.
    this.#guard ??= new BounceGuard()
    return this.#passWatched(stream.end)
  }

  close(): void {
    this.#keepHolding()
    this.#stopAwaitingLineEnd()
    this.#session.prepared.close()
  }

  /** A plugin's end of the connection ends what passes, too. */
  #letGoUntil(direction: Direction, until: number, replacements: readonly Replacement[], lineIsBinary: boolean): Buffer[] {
    const last = replacements.find(({ ending }) => ending !== undefined)
    if (last === undefined || this.#state === 'cut') return this.#release(direction, until, replacements, lineIsBinary)
    const out = this.#release(direction, last.end, replacements.filter(({ start }) => start <= last.start))
    this.#state = 'cut'
    // After what is before it has been written.
    setImmediate(() => last.ending === 'reset' ? this.#options.onCut('reset by a plugin') : this.#options.onClose('closed by a plugin'))
    return out
  }

  /** Lets go of what is before `until`, and of all the rest where nothing is followed any more. */
  #release(direction: Direction, until: number, replacements: readonly Replacement[] = [], lineIsBinary = false): Buffer[] {
    if (this.#state === 'cut') return []
    const stream = this.#streams[direction]
    const inTime = replacements.filter(({ start }) => start >= stream.from)
    for (const { start, end, bytes, byPlugin } of inTime) this.#options.tap?.sent(direction, start, end - start, bytes, byPlugin !== true ? 'head' : direction === 'up' ? 'command' : 'reply')
    const out = stream.release(until, inTime)
    if (this.#state === 'encrypted' || (this.#state === 'guarded' && direction === 'down')) return [...out, ...stream.release(stream.end)]
    if (direction === 'down') return out
    if (this.#state === 'guarded' || (stream.held > 0 && (lineIsBinary || this.#guard !== null))) return [...out, ...this.#letGo()]
    if (stream.held === 0) this.#keepHolding()
    else if (!this.#greeted) this.#greeting ??= setTimeout(() => this.#notGreeted(), greetingPatience)
    return out
  }

  /** What the other direction holds will never be understood. While it waits for something, it finds that out itself. */
  #emitRest(direction: Direction): void {
    if (!this.#pending[direction]) this.#emit?.(direction, this.#release(direction, this.#streams[direction].from))
  }

  #turn(state: 'guarded' | 'encrypted'): void {
    if (this.#state !== 'followed') return
    this.#state = state
    this.#stopAwaitingLineEnd()
  }

  #notGreeted(): void {
    this.#greeting = null
    if (!this.#greeted && !this.#pending.up && this.#state === 'followed') this.#emit?.('up', this.#letGo())
  }

  #keepHolding(): void {
    if (this.#greeting !== null) clearTimeout(this.#greeting)
    this.#greeting = null
  }

  /** What the client has said passes before its line is complete, and the rest of the line as it comes. */
  #letGo(): Buffer[] {
    const { up } = this.#streams
    if (this.#guard === null && this.#state === 'followed' && !this.#toldOfLettingGo) {
      this.#toldOfLettingGo = true
      this.#event('ftp-not-held', 'the client says what is no command, and doesn\'t end it as a line: it passes as it comes', 'up', up.from)
    }
    this.#guard ??= new BounceGuard()
    return this.#passWatched(up.end)
  }

  /** The line that was let go of passes as it is. */
  #passOpenLine(events: readonly FtpEvent[]): Buffer[] {
    const line = events.find((event) => event.type === 'command')
    if (this.#guard === null || line === undefined) return []
    const out = this.#passWatched(line.end)
    this.#guard = null
    return out
  }

  #passWatched(until: number): Buffer[] {
    const { up } = this.#streams
    const start = up.from
    const out = up.release(until)
    if (!out.some((piece) => this.#guard!.watch(piece))) return out
    this.#state = 'cut'
    this.#event('ftp-bounce-refused', 'a server could read PORT or EPRT in what the client says, which isn\'t followed here: both sides are cut', 'up', start)
    this.#options.tap?.sent('up', start, until - start, Buffer.alloc(0))
    this.#options.onCut('bounce refused')
    return []
  }

  /** A client that sends `ABOR` as urgent data, line end and all, leaves us without its last byte: the LF. */
  #awaitLineEnd(bytes: Buffer): void {
    const { up } = this.#streams
    this.#stopAwaitingLineEnd()
    if (bytes.at(-1) !== CR || this.#guard !== null || !lacksLineFeed((most) => up.tail(most))) return
    const supply = (): void => {
      // While a hook has what came before it, nothing more is taken.
      if (this.#pending.up) this.#lineEnd = setTimeout(supply, lineEndPatience)
      else this.#supply?.('up', this.#lineFeed())
    }
    this.#lineEnd = setTimeout(supply, lineEndPatience)
  }

  #stopAwaitingLineEnd(): void {
    if (this.#lineEnd !== null) clearTimeout(this.#lineEnd)
    this.#lineEnd = null
  }

  /** The LF that the client has sent and nobody will read. */
  #lineFeed(): Buffer {
    this.#stopAwaitingLineEnd()
    this.#event('ftp-urgent', `ABOR came without its LF, which the client sent as urgent data, which a relay can't read: supplied; ${notUrgent}`, 'up', this.#streams.up.end)
    this.#lineFeedSupplied = true
    return Buffer.from('\n')
  }

  /** Commands are held until their line is complete; a reply only where it may have to be replaced. */
  #holdFrom(direction: Direction, events: readonly FtpEvent[]): number {
    const stream = this.#streams[direction]
    const from = events.findLast((event) => event.type === 'command' || event.type === 'reply')?.end ?? stream.from
    if (direction === 'up') return from
    const awaiting = this.#decoder.awaiting?.message ?? -1
    if (!this.#conversation.concerns(awaiting)) return stream.end
    if (stream.end - from <= longestHeld) return from
    this.#conversation.forget(awaiting, from)
    return stream.end
  }

  #command(command: CommandEvent): Replacement | Promise<Replacement | null> | null {
    const { verb, start, end, raw } = command
    if (this.#lineFeedSupplied && verb !== 'ABOR') {
      this.#lineFeedSupplied = false
      if (raw.length === 1) return { start, end, bytes: Buffer.alloc(0) }
    }
    return this.#conversation.command(command, start < this.#streams.up.from)
  }

  #reply(reply: ReplyEvent): Replacement | Promise<Replacement | null> | null {
    this.#greeted = true
    // However much of it one read brought.
    const tooLong = reply.end - reply.start > longestHeld
    return this.#conversation.reply(reply, tooLong || reply.start < this.#streams.down.from)
  }

  #event(kind: string, text: string, direction?: Direction, offset?: number): void {
    this.#options.tap?.event({ kind, source: 'relay', text, ...(direction === undefined ? {} : { direction }), ...(offset === undefined ? {} : { offset }) })
  }
}
