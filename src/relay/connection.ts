import type { Socket } from 'node:net'
import type { ConnectionPlugins } from '../plugins/connection-plugins.js'
import type { Direction } from '../protocols/decoder.js'
import type { Address } from '../recording/notes.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import { dial } from './dial.js'
import type { DialOptions, Dialled } from './dial.js'
import { brokenBy, resetBehind } from './ending.js'
import type { ConnectionEnding } from './ending.js'
import { afterFinish, finishSoon } from './finish-sockets.js'
import type { HandOver, Watch } from './hand-over.js'
import { Lane } from './lane.js'
import type { Inline } from './lane.js'
import { BufferedReads, readsOf } from './reads.js'
import type { Reads } from './reads.js'
import { resetSocket } from './reset-socket.js'
import type { Stages } from './connection-hooks.js'
import { StagedLane } from './staged-lane.js'
import { unsentBy } from './unsent.js'

export interface ConnectionSettings {
  readonly dial: DialOptions
  /** How the accepted side ends where nothing could be dialled; with a reset where absent. */
  readonly unreachable?: 'reset' | 'close' | undefined
  /** Which side came to the relay; the other is dialled. It is the server in FTP's active mode only. */
  readonly accepted?: 'client' | 'server'
  readonly tap: ConnectionRecorder | null
  readonly inline: Inline | null
  /** What the plugins have for this connection's bytes. */
  readonly stages: Stages
  readonly plugins: ConnectionPlugins
  /** Lets another carry the connection on, where plugins come that ask for it. */
  readonly handOver?: {
    /** Asked whenever plugins have changed. */
    wanted(): boolean
    readonly watch: Watch
    /** This connection has let go of all: it is neither closed nor heard of again. */
    take(connection: Connection, handedOver: HandOver): void
  } | null
  /** Called once the other side is connected. */
  readonly onConnected?: (dialled: Socket) => void
  /** Called when nothing could be dialled, with a sentence and the system's code. */
  readonly onDialFailed?: (error: string, code: string | null) => void
  /** Called once, when both sockets are gone. */
  readonly onOver: (connection: Connection, ending: ConnectionEnding) => void
}

/**
 * One accepted connection and the one dialled for it, from accepting to both being gone. What happens on one side
 * happens on the other: data, a close of one direction, a reset.
 */
export class Connection {
  /** Which way the last bytes went. */
  lastDirection: Direction = 'up'
  readonly #accepted: Socket
  /** How the accepted side is read. */
  readonly #reads: Reads
  readonly #settings: ConnectionSettings
  readonly #acceptedSide: 'client' | 'server'
  readonly #dialling: { abort(): void }
  readonly #dialledReads = new BufferedReads()
  #dialled: Dialled | null = null
  #fromAccepted: Lane | null = null
  #fromDialled: Lane | null = null
  /** Both directions, while this connection carries them. */
  #lanes: Readonly<Record<Direction, StagedLane>> | null = null
  readonly #watch: Watch | null
  #leaving = false
  /** Undoes what the sockets were asked to tell. */
  readonly #listening: (() => void)[] = []
  #open = 1
  #reason: string | null = null
  #error: string | null = null

  constructor(accepted: Socket, settings: ConnectionSettings) {
    this.#accepted = accepted
    this.#reads = readsOf(accepted)
    this.#settings = settings
    this.#watch = settings.handOver?.watch ?? null
    this.#acceptedSide = settings.accepted ?? 'client'
    this.#listen(accepted, 'error', (error: Error) => this.#broken(this.#acceptedSide, error))
    this.#listen(accepted, 'close', () => this.#closed())
    this.#dialling = dial(
      { ...settings.dial, reads: this.#dialledReads },
      (dialled) => this.#connected(dialled),
      (error, code) => {
        if (this.#reason !== null) return
        settings.onDialFailed?.(error, code)
        this.#error ??= error
        if (settings.unreachable === 'close') {
          this.finishSoon('connect failed')
          return
        }
        // A plain close would read as an answer that is complete, and empty.
        this.reset(code === 'ECONNRESET' && !settings.dial.target.secure ? `${this.#acceptedSide === 'client' ? 'server' : 'client'} reset` : 'connect failed')
      })
  }

  /** Bytes carried so far, by direction. */
  get bytes(): Record<Direction, number> {
    const accepted = this.#fromAccepted?.bytes ?? 0
    const dialled = this.#fromDialled?.bytes ?? 0
    return this.#acceptedSide === 'client' ? { up: accepted, down: dialled } : { up: dialled, down: accepted }
  }

  /** Bytes that plugins and faults let go on, by direction. */
  get sent(): Record<Direction, number> {
    const accepted = this.#accepted.bytesWritten
    const dialled = this.#dialled?.socket.bytesWritten ?? 0
    return this.#acceptedSide === 'client' ? { up: dialled, down: accepted } : { up: accepted, down: dialled }
  }

  /** Changes while bytes still leave, although none come. */
  get activity(): number {
    const { up, down } = this.sent
    return up + down - unsentBy(this.#accepted) - (this.#dialled === null ? 0 : unsentBy(this.#dialled.raw))
  }

  /** Some of what came hasn't left yet. */
  get holds(): boolean {
    return this.#lanes !== null && (this.#lanes.up.holds || this.#lanes.down.holds)
  }

  /** Ends both sides now. @param reason why, for the record: `idle timeout`, `relay stopped`. */
  close(reason: string): void {
    this.#reason ??= reason
    this.#dialling.abort()
    for (const lane of this.#lanes === null ? [] : [this.#lanes.up, this.#lanes.down]) lane.cut(lane.socket === this.#dialled?.socket ? this.#dialled.raw : lane.socket)
    this.#dialled?.socket.destroy()
    this.#accepted.destroy()
  }

  /** Resets both sides now. @param reason why, for the record. */
  reset(reason: string): void {
    this.#reason ??= reason
    this.#dialling.abort()
    if (this.#dialled !== null) reset(this.#dialled.raw, this.#dialled.socket)
    reset(this.#accepted, this.#accepted)
  }

  /** Ends both sides in order, after what is being written. @param reason why, for the record. */
  finish(reason: string): void {
    this.#reason ??= reason
    if (this.#fromAccepted === null || this.#fromDialled === null) {
      this.close(reason)
      return
    }
    this.#fromAccepted.end()
    this.#fromDialled.end()
    afterFinish([this.#accepted, this.#dialled!.socket], () => this.close(reason))
  }

  /** Ends both sides at once, after what is with their sockets already; what still comes goes nowhere. @param reason why, for the record. */
  finishSoon(reason: string): void {
    this.#reason ??= reason
    this.#fromAccepted?.halt()
    this.#fromDialled?.halt()
    finishSoon(this.#accepted)
    if (this.#dialled !== null) finishSoon(this.#dialled.socket)
  }

  #connected(dialled: Dialled): void {
    const accepted = this.#accepted
    const { socket, raw, tls } = dialled
    if (accepted.destroyed) {
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const { tap, inline } = this.#settings
    const [acceptedSide, dialledSide] = this.#acceptedSide === 'client' ? ['client', 'server'] as const : ['server', 'client'] as const
    const [forth, back] = acceptedSide === 'client' ? ['up', 'down'] as const : ['down', 'up'] as const
    this.#dialled = dialled
    this.#open++
    for (const one of new Set([socket, raw])) this.#listen(one, 'error', (error: Error) => this.#broken(dialledSide, error))
    this.#listen(socket, 'close', () => this.#closed())
    tap?.connected({
      dial: addressOf(raw.localAddress, raw.localPort), [dialledSide]: addressOf(raw.remoteAddress, raw.remotePort), tls,
    })
    const dialledReads = tls === null ? this.#dialledReads : readsOf(socket)
    const fromAccepted = new Lane(forth, accepted, socket, tap, inline, this.#reads)
    const fromDialled = new Lane(back, socket, accepted, tap, inline, dialledReads)
    this.#fromAccepted = fromAccepted
    this.#fromDialled = fromDialled
    const staged = { [forth]: this.#staged(forth, fromAccepted, socket), [back]: this.#staged(back, fromDialled, accepted) }
    this.#lanes = staged as Record<Direction, StagedLane>
    this.#settings.plugins.onChange(() => this.#pluginsChanged())
    this.#pluginsChanged()
    const laneOf = (direction: Direction): Lane => direction === forth ? fromAccepted : fromDialled
    inline?.attach?.((direction, pieces) => laneOf(direction).write(pieces), (direction, bytes) => laneOf(direction).supply(bytes))
    this.#reads.to(this.#noting(forth, fromAccepted))
    dialledReads.to(this.#noting(back, fromDialled))
    this.#listen(accepted, 'end', () => this.#ended(acceptedSide, accepted, fromAccepted))
    this.#listen(socket, 'end', () => this.#ended(dialledSide, socket, fromDialled))
    this.#settings.onConnected?.(raw)
    accepted.resume()
    socket.resume()
  }

  #listen(socket: Socket, event: string, listener: (...words: never[]) => void): void {
    const called = listener as (...words: unknown[]) => void
    socket.on(event, called)
    this.#listening.push(() => socket.off(event, called))
  }

  #pluginsChanged(): void {
    this.#leaving = this.#settings.handOver?.wanted() ?? false
    this.#lanes?.up.restage()
    this.#lanes?.down.restage()
  }

  #staged(direction: Direction, lane: Lane, socket: Socket): StagedLane {
    const { tap, plugins, stages: find } = this.#settings
    return new StagedLane({
      direction, lane, socket, tap, plugins, find,
      onReset: (why) => {
        this.#endedByStage(socket, why)
        this.reset(why)
      },
      onClose: (why) => {
        this.#endedByStage(socket, why)
        this.finishSoon(why)
      },
    })
  }

  /** A peer's end in order that still waits behind a stage hasn't ended anything: the stage has. */
  #endedByStage(to: Socket, why: string): void {
    if (!to.destroyed && (this.#reason === 'client closed' || this.#reason === 'server closed')) this.#reason = why
  }

  #noting(direction: Direction, lane: Lane): (chunk: Buffer) => boolean {
    return (chunk) => {
      if (this.#leaving && direction === 'up' && this.#leave(chunk)) return true
      this.lastDirection = direction
      this.#watch?.take(direction, chunk)
      return lane.take(chunk)
    }
  }

  /** Where one exchange is over and the client begins the next: before that nobody could tell who has to answer what. */
  #leave(chunk: Buffer): boolean {
    const lanes = this.#lanes
    if (!this.#watch!.between || this.#reason !== null || lanes === null) return false
    if ([lanes.up, lanes.down].some(({ lane, staged }) => lane.ended || staged)) return false
    for (const stop of this.#listening.splice(0)) stop()
    this.#lanes = null
    const stages = { up: lanes.up.retire(), down: lanes.down.retire() }
    this.#settings.plugins.onChange(() => {})
    this.#settings.handOver!.take(this, {
      client: this.#accepted, dialled: this.#dialled!, dialledReads: this.#dialledReads, bytes: this.bytes,
      stagesOf: this.#settings.stages, stages, chunk,
    })
    return true
  }

  #ended(side: 'client' | 'server', socket: Socket, lane: Lane): void {
    const reset = resetBehind(socket)
    if (reset !== null) {
      this.#broken(side, reset)
      socket.destroy()
      return
    }
    this.#reason ??= `${side} closed`
    lane.end()
  }

  #broken(side: 'client' | 'server', error: Error): void {
    const ending = brokenBy(side, error)
    this.#reason ??= ending.reason
    this.#error ??= ending.error
    // The other peer has to see it as it was: a FIN here would make a torn-down stream look complete.
    if (side === this.#acceptedSide) {
      this.#dialling.abort()
      if (this.#dialled !== null) reset(this.#dialled.raw, this.#dialled.socket)
    } else {
      reset(this.#accepted, this.#accepted)
    }
  }

  #closed(): void {
    if (--this.#open > 0) return
    this.#dialledReads.release()
    this.#reads.release()
    this.#settings.inline?.close?.()
    const ending = { reason: this.#reason ?? 'closed', error: this.#error }
    this.#settings.tap?.closed(ending)
    this.#settings.onOver(this, ending)
  }
}

/** An IPv4 client of a dual-stack listener is told by its IPv4 address. */
export function addressOf(host: string | undefined, port: number | undefined): Address | null {
  return host === undefined || port === undefined ? null : { host: host.replace(/^::ffff:(?=\d+\.)/, ''), port }
}

function reset(raw: Socket, socket: Socket): void {
  resetSocket(raw)
  if (socket !== raw) socket.destroy()
}
