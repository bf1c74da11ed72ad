import type { Socket } from 'node:net'
import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { Direction } from '../../protocols/decoder.js'
import { Http1Decoder } from '../../protocols/http1/index.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import type { Address } from '../../recording/notes.js'
import type { Target } from '../address.js'
import { addressOf } from '../connection.js'
import { copiesOf } from '../copies.js'
import type { Dialled } from '../dial.js'
import { brokenBy, resetBehind } from '../ending.js'
import type { ConnectionEnding } from '../ending.js'
import type { HandOver } from '../hand-over.js'
import type { Carried } from '../open-connections.js'
import { BufferedReads, readsOf } from '../reads.js'
import type { Reads } from '../reads.js'
import type { Stages } from '../connection-hooks.js'
import { closeNow, resetSocket } from '../reset-socket.js'
import { unsentBy } from '../unsent.js'
import { StagedOutlet } from '../stages/staged-outlet.js'
import { Exchange } from './exchange.js'
import type { Host } from './host.js'
import { Inflow, piecesOf } from './inflow.js'
import type { Piece } from './inflow.js'
import { Outgoing } from './outgoing.js'
import { Regulator } from './regulator.js'
import { Upstream } from './upstream.js'

export interface HttpSessionSettings {
  readonly target: Target
  readonly connectTimeout: number
  readonly insecure: boolean
  readonly keptAwayFrom: readonly Address[]
  readonly rewriteHost: boolean
  readonly tap: ConnectionRecorder | null
  readonly plugins: ConnectionPlugins
  /** Made anew for each socket that is written to. */
  readonly stages: () => Stages
  readonly onDialFailed: (error: string, code: string | null) => void
  /** A pipe carried it until now, between two exchanges: `decoder` has read them. */
  readonly standing?: HandOver & { readonly decoder: Http1Decoder } | undefined
  /** Called once, when all sockets are gone. */
  readonly onOver: (session: HttpSession, ending: ConnectionEnding) => void
}

/** Most bytes of empty lines before a request. */
const leadLimit = 1024

/** Ms that a client is given to read a last answer, while what it still sends goes nowhere (RFC 9112 §9.6). */
const lingering = 1_000

const nothing = Buffer.alloc(0)

/**
 * One client's connection where plugins listen to HTTP messages: its exchanges are carried one after the other, each to the server that
 * it is for. Bytes of messages that nobody changed go on as they came.
 */
export class HttpSession implements Carried, Host {
  lastDirection: Direction = 'up'
  readonly bytes: Record<Direction, number>
  readonly plugins: ConnectionPlugins
  readonly tap: ConnectionRecorder | null
  readonly target: Target
  readonly rewriteHost: boolean
  readonly up: Outgoing
  readonly down: Outgoing
  readonly fromClient: Inflow
  readonly fromServer: Inflow
  readonly #client: Socket
  readonly #reads: Reads
  readonly #settings: HttpSessionSettings
  readonly #clientOut: StagedOutlet
  readonly #outlets = new Set<StagedOutlet>()
  readonly #requests: Http1Decoder
  readonly #serverReads: BufferedReads
  readonly #regulator: Regulator
  #exchange: Exchange | null = null
  #upstream: Upstream | null = null
  /** Bytes written to servers before this one. */
  #sentBefore = 0
  #open = 1
  #mode: 'exchanges' | 'pipe' | 'stalled' | 'ending' = 'exchanges'
  #lead: Buffer = nothing
  #clientEnded = false
  #linger: NodeJS.Timeout | null = null
  #reason: string | null = null
  #error: string | null = null

  constructor(client: Socket, settings: HttpSessionSettings) {
    const { standing } = settings
    this.#client = client
    this.#reads = readsOf(client)
    this.#settings = settings
    this.bytes = { up: 0, down: 0, ...standing?.bytes }
    this.#requests = standing?.decoder ?? new Http1Decoder()
    this.#serverReads = standing?.dialledReads ?? new BufferedReads()
    this.plugins = settings.plugins
    this.tap = settings.tap
    this.target = settings.target
    this.rewriteHost = settings.rewriteHost
    this.#regulator = new Regulator(client, () => this.#settle())
    this.#clientOut = this.#outlet('down', client, standing)
    settings.plugins.onChange(() => {
      for (const outlet of this.#outlets) outlet.update()
    })
    this.up = new Outgoing('up', this.tap, null)
    this.down = new Outgoing('down', this.tap, this.#clientOut)
    this.fromClient = new Inflow((piece) => this.#takeUp(piece), () => this.#settle())
    this.fromServer = new Inflow((piece) => this.#takeDown(piece), () => this.#settle())
    this.#clientOut.on('drain', () => this.#settle())
    client.on('error', (error) => this.#broken('client', error))
    client.once('close', () => this.#closed())
    this.#reads.to((bytes) => {
      this.#read(bytes)
      return true
    })
    client.once('end', () => this.#clientEnd())
    // Before the chunk: that may have to pause it.
    client.resume()
    if (standing !== undefined) {
      this.#upstream = this.#upstreamTo(settings.target, (upstream) => this.#attach(upstream), standing)
      this.#read(standing.chunk)
    }
  }

  get receivedDown(): number {
    return this.bytes.down
  }

  get sent(): Record<Direction, number> {
    return { up: this.#sentBefore + (this.#upstream?.sent ?? 0), down: this.#client.bytesWritten }
  }

  /** Changes while bytes still leave, although none come. */
  get activity(): number {
    const { up, down } = this.sent
    return up + down - unsentBy(this.#client) - (this.#upstream?.unsent ?? 0)
  }

  /** In the middle of an exchange, which a plugin may be taking its time over. */
  get busy(): boolean {
    return this.#exchange !== null
  }

  /** Some of what came, of an exchange that is over too, hasn't left yet. */
  get holds(): boolean {
    return [...this.#outlets].some((outlet) => outlet.holds)
  }

  connect(target: Target, method: string, ready: () => void): void {
    if (this.#mode !== 'exchanges') return
    const current = this.#upstream
    const reused = current !== null && current.usable && current.target.text === target.text
    const go = (upstream: Upstream): void => {
      upstream.decoder.expect(method)
      ready()
    }
    if (reused) {
      go(current)
      return
    }
    current?.discard()
    this.#sentBefore += current?.sent ?? 0
    this.fromServer.clear()
    const again = current !== null
    this.#upstream = this.#upstreamTo(target, (upstream, dialled) => {
      this.#connected(upstream, dialled, again)
      go(upstream)
      this.#settle()
    })
  }

  /** @param standing a connection to a server that is open already. */
  #upstreamTo(target: Target, onConnected: (upstream: Upstream, dialled: Dialled) => void, standing?: HandOver): Upstream {
    const { connectTimeout: timeout, insecure, keptAwayFrom } = this.#settings
    return new Upstream({
      target, timeout, insecure, keptAwayFrom, reads: this.#serverReads, standing, onConnected,
      outlet: (direction, socket) => this.#outlet(direction, socket, standing),
      onFailed: (error, code) => {
        if (this.#reason !== null) return
        this.#settings.onDialFailed(error, code)
        // As without plugins: a plain close would read as an answer that is complete, and empty.
        this.#error ??= error
        this.reset('connect failed')
      },
      onBytes: (from, bytes) => this.#answered(from, bytes),
      onEnd: (from) => this.#serverEnd(from),
      onBroken: (from, error) => this.#broken('server', error, from),
      onClosed: () => this.#closed(),
    })
  }

  finished(status: number, closing: boolean): void {
    if (this.#mode !== 'exchanges') return
    this.#requests.answered(status)
    this.#exchange = null
    if (closing) this.end('closed after the response')
    // A response that lasts until the server closes is over with that: whatever followed would be taken for more of it.
    else if (this.#upstream?.ended === true && !this.#upstream.discarded) this.#serverFin()
    else if (this.fromServer.waiting.some(({ type }) => type !== 'fin')) this.#unsolicited()
  }

  /** Ends everything now. @param reason why, for the record: `idle timeout`, `relay stopped`. */
  close(reason: string): void {
    this.#cut(reason, null)
  }

  /** In order, after what is under way; what the client still sends is read and goes nowhere. */
  end(reason: string): void {
    if (this.#mode === 'ending') return
    this.#reason ??= reason
    this.#stop()
    this.#upstream?.discard()
    this.#clientOut.end()
    // From when the last byte is with the system: a slow reader, or a plugin's stages, take as long as they take.
    if (this.#client.writableFinished) this.#leave()
    else this.#client.once('finish', () => this.#leave())
    this.fromClient.open()
  }

  #leave(): void {
    if (this.#clientEnded) this.#client.destroy()
    else this.#linger ??= setTimeout(() => this.#client.destroy(), lingering)
  }

  reset(reason: string): void {
    this.#reason ??= reason
    this.#stop()
    this.#upstream?.discard('reset')
    resetSocket(this.#client)
  }

  stall(): void {
    this.#mode = 'stalled'
    this.fromClient.open()
  }

  pipe(): void {
    this.#mode = 'pipe'
    this.fromClient.open()
    this.fromServer.open()
  }

  dropServer(): void {
    this.up.stop()
    this.#upstream?.discard('reset')
  }

  room(direction: Direction, most?: number): Promise<void> {
    return this.#regulator.room(direction === 'up' ? this.up : this.down, most)
  }

  /** A message may wait for plugins while the next ones are read into the same memory. */
  #read(bytes: Buffer): void {
    if (this.#reads.reused) for (const copy of copiesOf(bytes)) this.#received(copy)
    else this.#received(bytes)
  }

  #received(bytes: Buffer): void {
    this.lastDirection = 'up'
    const base = this.bytes.up
    this.bytes.up += bytes.length
    if (this.tap !== null && !this.tap.received('up', bytes)) this.#regulator.waitFor(this.tap)
    if (this.#mode === 'exchanges') {
      this.fromClient.feed(piecesOf(this.#requests.receive('up', bytes, 0), bytes, base))
    } else if (this.#mode === 'pipe' && this.fromClient.empty) {
      this.up.pass(bytes)
      this.#settle()
    } else {
      this.fromClient.feed([{ type: 'span', kind: 'opaque', message: -1, start: base, bytes }])
    }
  }

  #answered(from: Upstream, bytes: Buffer): void {
    this.lastDirection = 'down'
    if ((this.#mode === 'exchanges' || this.#mode === 'stalled') && (this.#exchange === null || !this.#exchange.usesServer)) {
      // Nothing waits for it: taken for the next response, it would be the answer to another request.
      this.plugins.tell({ kind: 'unsolicited', source: 'relay', hook: 'http.response', text: `the server said ${bytes.length} bytes that nothing had asked for: not passed on, its connection is closed` })
      from.discard()
      return
    }
    const base = from.bytes
    this.bytes.down += bytes.length
    if (this.tap !== null && !this.tap.received('down', bytes)) this.#regulator.waitFor(this.tap)
    if (this.#mode === 'pipe' && this.fromServer.empty) {
      this.down.pass(bytes)
      this.#settle()
    } else {
      this.fromServer.feed(piecesOf(from.decoder.receive('down', bytes, 0), bytes, base))
      if (!from.ownsReads && !this.fromServer.empty) this.fromServer.keep()
    }
    // Some of it may still have to be written when reading goes on, whatever the reason for that.
    if (this.#client.writableLength > 0) this.#serverReads.keep()
  }

  #takeUp(piece: Piece): void {
    if (piece.type === 'fin') {
      this.#clientFin()
      return
    }
    if (this.#mode !== 'exchanges') {
      if (piece.type !== 'span') return
      if (this.#mode === 'pipe') this.up.pass(piece.bytes)
      else this.tap?.sent('up', piece.start, piece.bytes.length, nothing, piece.kind === 'head' || piece.kind === 'body' ? piece.kind : 'framing')
      return
    }
    if (piece.type === 'span' && piece.message < 0) {
      this.#lead = this.#lead.length === 0 ? piece.bytes : Buffer.concat([this.#lead, piece.bytes])
      if (this.#lead.length > leadLimit) this.end('too many empty lines')
      return
    }
    const exchange = this.#exchange ??= this.#begin(piece)
    exchange.takeUp(piece)
  }

  #begin(piece: Exclude<Piece, { type: 'fin' }>): Exchange {
    const lead = this.#lead
    this.#lead = nothing
    return new Exchange(this, piece.message, lead)
  }

  #takeDown(piece: Piece): void {
    if (piece.type === 'fin') {
      this.#serverFin()
      return
    }
    const exchange = this.#exchange
    if (this.#mode === 'pipe') {
      if (piece.type === 'span') this.down.pass(piece.bytes)
    } else if (this.#mode === 'ending') {
      if (piece.type === 'span') this.tap?.sent('down', piece.start + this.down.base, piece.bytes.length, nothing, piece.kind === 'head' || piece.kind === 'body' ? piece.kind : 'framing')
    } else if (exchange === null || exchange.downDone) {
      this.#unsolicited()
    } else {
      exchange.takeDown(piece)
    }
  }

  /** More than the response came with it: what it would be the answer to is anybody's guess. */
  #unsolicited(): void {
    this.plugins.tell({ kind: 'unsolicited', source: 'relay', hook: 'http.response', text: 'the server said more than its response: not passed on, the connection is closed' })
    this.end('server said more than it was asked')
  }

  #connected(upstream: Upstream, dialled: Dialled, again: boolean): void {
    const { raw, tls } = dialled
    this.#attach(upstream)
    this.tap?.connected({ dial: addressOf(raw.localAddress, raw.localPort), server: addressOf(raw.remoteAddress, raw.remotePort), tls })
    if (again) this.plugins.tell({ kind: 'dialled', source: 'relay', hook: 'http.request', text: `connected to ${upstream.target.text}` })
  }

  #attach(upstream: Upstream): void {
    this.#open++
    this.up.outlet = upstream.outlet
    this.down.base = this.bytes.down
    upstream.outlet!.on('drain', () => this.#settle())
  }

  /** After each run of pieces: what they gave is written, and who may send on is decided. */
  #settle(): void {
    this.up.flush()
    this.down.flush()
    if (this.#client.writableLength === 0) this.#serverReads.letGo()
    this.#regulator.regulate(this, this.#upstream)
  }

  #clientEnd(): void {
    const reset = resetBehind(this.#client)
    if (reset !== null) {
      this.#broken('client', reset)
      this.#client.destroy()
      return
    }
    this.#clientEnded = true
    if (this.#mode === 'ending') {
      if (this.#client.writableFinished) this.#client.destroy()
      return
    }
    this.#reason ??= 'client closed'
    this.tap?.end('up', true)
    this.fromClient.feed([...piecesOf(this.#requests.end('up', 0, true), nothing, 0), { type: 'fin' }])
    this.requestOver()
  }

  requestOver(): void {
    if (!this.#clientEnded || this.#mode !== 'exchanges' || this.#exchange?.upDone !== true || !this.#exchange.usesServer) return
    if (!this.fromClient.waiting.every(({ type }) => type === 'fin')) return
    this.up.flush()
    this.#upstream?.finish()
  }

  #clientFin(): void {
    this.up.flush()
    if (this.#mode === 'stalled') {
      this.end('client closed')
      return
    }
    if (this.#upstream !== null && this.#upstream.connected && !this.#upstream.discarded) this.#upstream.finish()
    else if (this.#exchange === null || !this.#exchange.usesServer) this.#clientOut.end()
  }

  #serverEnd(from: Upstream): void {
    if (this.#mode === 'exchanges' && this.#exchange !== null && !this.#exchange.usesServer) {
      from.discard()
      return
    }
    this.#reason ??= 'server closed'
    this.fromServer.feed([...piecesOf(from.decoder.end('down', 0, true), nothing, 0), { type: 'fin' }])
  }

  /** All that the server said is with the client: it hears of the end as it would without a relay. */
  #serverFin(): void {
    if (this.#mode === 'ending') return
    this.tap?.end('down', true)
    this.down.flush()
    this.#clientOut.end()
    this.down.stop()
    if (this.#clientEnded) this.#upstream?.finish()
    if (this.#mode !== 'exchanges' || (this.#exchange !== null && !this.#exchange.upDone)) return
    // A request that still comes can't be answered on this connection.
    this.#stop()
    this.fromClient.open()
  }

  /** Nothing is decoded any more, and but for what is under way nothing goes out. */
  #stop(): void {
    this.#mode = 'ending'
    this.up.flush()
    this.down.flush()
    this.up.stop()
    this.down.stop()
  }

  #broken(side: 'client' | 'server', error: Error, from: Upstream | null = null): void {
    const ending = brokenBy(side, error)
    this.#reason ??= ending.reason
    this.#error ??= ending.error
    this.#stop()
    if (side === 'client') this.#upstream?.discard('reset')
    else resetSocket(this.#client)
    from?.discard('reset')
    this.#settle()
  }

  #cut(reason: string, error: string | null): void {
    this.#reason ??= reason
    this.#error ??= error
    this.#stop()
    this.#upstream?.discard()
    closeNow(this.#client, this.#client, this.#clientOut.holds)
  }

  #closed(): void {
    if (this.#client.closed) this.#upstream?.discard()
    if (--this.#open > 0) return
    if (this.#linger !== null) clearTimeout(this.#linger)
    this.#stop()
    this.#exchange?.abandon()
    this.#settle()
    this.#serverReads.release()
    this.#reads.release()
    const ending = { reason: this.#reason ?? 'closed', error: this.#error }
    this.tap?.closed(ending)
    this.#settings.onOver(this, ending)
  }

  #outlet(direction: Direction, to: Socket, standing?: HandOver): StagedOutlet {
    const { plugins, stages } = this.#settings
    const outlet = new StagedOutlet({
      direction, to, plugins, standing: standing?.stages[direction] ?? null, stages: standing?.stagesOf ?? stages(), onReset: (why) => this.reset(why), onClose: (why) => this.end(why),
    })
    this.#outlets.add(outlet)
    to.once('close', () => this.#outlets.delete(outlet))
    return outlet
  }
}
