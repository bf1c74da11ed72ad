import type { Socket } from 'node:net'
import type { ConnectionPlugins } from '../plugins/connection-plugins.js'
import type { Direction } from '../protocols/decoder.js'
import type { Address } from '../recording/notes.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import { dial } from './dial.js'
import type { DialOptions, Dialled } from './dial.js'
import { brokenBy, resetBehind } from './ending.js'
import type { ConnectionEnding } from './ending.js'
import type { HandOver, Watch } from './hand-over.js'
import { Lane } from './lane.js'
import type { Inline } from './lane.js'
import { BufferedReads, readsOf } from './reads.js'
import type { Reads } from './reads.js'
import { closeNow, resetSocket } from './reset-socket.js'
import type { Stages } from './connection-hooks.js'
import { StreamStages, working } from './stages/stream-stages.js'
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

/** How long peers have to close their sides of a connection that is ended in order, in ms. */
const finishPatience = 1000

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
  /** Where each direction goes: a socket, or the plugins' stages before it. */
  readonly #outlets: Record<Direction, { readonly lane: Lane, readonly socket: Socket, stages: StreamStages | null } | null> = { up: null, down: null }
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
    return [this.#outlets.up, this.#outlets.down].some((outlet) => outlet !== null && (outlet.stages?.holds === true || outlet.socket.writableLength > 0))
  }

  /** Ends both sides now. @param reason why, for the record: `idle timeout`, `relay stopped`. */
  close(reason: string): void {
    this.#cut(reason, null)
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
    // Once all that was said is with the system, a peer that goes on talking isn't waited for.
    let unfinished = 2
    for (const socket of [this.#accepted, this.#dialled!.socket]) {
      const finished = (): void => {
        if (--unfinished === 0) setTimeout(() => this.close(reason), finishPatience).unref()
      }
      if (socket.writableFinished) finished()
      else socket.once('finish', finished)
    }
  }

  /**
   * Ends both sides at once, after what is with their sockets already; what still comes goes nowhere, but is read: a system that closes with bytes
   * unread resets, and the peer may lose what it hasn't read. @param reason why, for the record.
   */
  finishSoon(reason: string): void {
    this.#reason ??= reason
    this.#fromAccepted?.halt()
    this.#fromDialled?.halt()
    for (const socket of [this.#accepted, this.#dialled?.socket]) {
      if (socket === undefined || socket.destroyed) continue
      socket.end()
      socket.resume()
      // A peer that takes nothing, or doesn't end its side, isn't waited for.
      let left = socket.writableLength
      const watch = setInterval(() => {
        if (!socket.writableFinished && socket.writableLength < left) left = socket.writableLength
        else socket.destroy()
      }, finishPatience).unref()
      socket.once('close', () => clearInterval(watch))
    }
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
    this.#outlets[forth] = { lane: fromAccepted, socket, stages: null }
    this.#outlets[back] = { lane: fromDialled, socket: accepted, stages: null }
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
    for (const direction of ['up', 'down'] as const) this.#restage(direction)
  }

  /** The socket itself, unless plugins stand before it. */
  #restage(direction: Direction): void {
    const outlet = this.#outlets[direction]
    if (outlet === null) return
    const { tap, plugins, stages: find } = this.#settings
    const stages = working(find(direction))
    // After the end too: what a stage holds is let go when it goes.
    if (outlet.stages !== null) {
      outlet.stages.update(stages)
      return
    }
    if (stages.length === 0 || outlet.lane.ended) return
    const { lane, socket } = outlet
    const made: StreamStages = new StreamStages({
      direction, offset: lane.bytes, to: socket, tap, plugins, stages,
      onReset: (why) => {
        this.#endedByStage(socket, why)
        this.reset(why)
      },
      onClose: (why) => {
        this.#endedByStage(socket, why)
        this.finishSoon(why)
      },
      onBare: () => {
        if (outlet.stages !== made || lane.ended) return
        outlet.stages = null
        made.detach()
        lane.reroute(socket, false)
      },
    })
    outlet.stages = made
    lane.reroute(made, true)
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
    const { up, down } = this.#outlets
    if (!this.#watch!.between || this.#reason !== null || up === null || down === null) return false
    if ([up, down].some(({ lane, stages }) => lane.ended || stages?.holds === true)) return false
    for (const stop of this.#listening.splice(0)) stop()
    const stages = { up: up.stages, down: down.stages }
    this.#outlets.up = this.#outlets.down = up.stages = down.stages = null
    up.lane.retire()
    down.lane.retire()
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

  #cut(reason: string, error: string | null): void {
    this.#reason ??= reason
    this.#error ??= error
    this.#dialling.abort()
    for (const outlet of [this.#outlets.up, this.#outlets.down]) {
      if (outlet === null) continue
      const { socket, stages } = outlet
      closeNow(socket, socket === this.#dialled?.socket ? this.#dialled.raw : socket, stages?.holds === true)
    }
    this.#dialled?.socket.destroy()
    this.#accepted.destroy()
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
