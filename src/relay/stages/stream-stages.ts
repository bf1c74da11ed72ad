import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Direction } from '../../protocols/decoder.js'
import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import type { Outlet } from '../outlet.js'
import { Account } from './account.js'
import { ChangeEvents } from './change-events.js'
import { Joint } from './joint.js'
import type { Spring } from './joint.js'
import { JoinedWrites } from './joined-writes.js'
import { StageLink } from './stage-link.js'
import type { Facts } from './counts.js'
import type { Chain, StageUse } from './stage-link.js'
import { WaitingChunks } from './waiting-chunks.js'

export interface StreamStagesOptions {
  readonly direction: Direction
  /** Stream offset of the first byte that will be written. */
  readonly offset: number
  readonly to: Socket
  readonly tap: ConnectionRecorder | null
  readonly plugins: ConnectionPlugins
  readonly stages: readonly StageUse[]
  /** A stage asks for it, or failed and its plugin asks for a cut, or failed after it had taken bytes that are lost now. @param why for the record. */
  readonly onReset: (why: string) => void
  /** A stage ends both directions. */
  readonly onClose: (why: string) => void
  /** No stage is left, and nothing waits: it may be replaced by the socket. */
  readonly onBare?: () => void
}

/** Bytes that wait before stages that ask for no window of their own. */
const usualWindow = 128 * 1024

/** Ms after which a connection that a stage closes is closed although its reader takes nothing. */
const closePatience = 1000

type Result = IteratorResult<Buffer, undefined>

const over: Result = { done: true, value: undefined }

/**
 * Async generators of plugins between a lane and its socket: what is written goes through them in their order. They come and go while the
 * connection is open. Only what a stage really changed is recorded as sent instead.
 */
export class StreamStages extends EventEmitter<{ drain: [] }> implements Outlet, Chain {
  #options: StreamStagesOptions
  readonly #account: Account
  readonly #writes: JoinedWrites
  readonly #changeEvents: ChangeEvents
  readonly #waiting = new WaitingChunks()
  #asked: ((result: Result) => void) | null = null
  #writable: (() => void) | null = null
  #ended = false
  #over = false
  #idle = false
  /** The end of the chain. */
  readonly #tail: Joint
  #links: StageLink[] = []
  readonly #times = new WeakMap<Uint8Array, number>()
  /** Chunks as the first stage was given them, not cut. */
  readonly #whole = new WeakSet<Uint8Array>()
  /** Chunks between stages that are still what came, as it came. */
  readonly #asCame = new WeakMap<Uint8Array, Buffer>()
  /** The end of this direction is to be that of both. */
  #closing = false
  #patience: NodeJS.Timeout | undefined = undefined
  /** A reset was asked for: an end in order may not come before it. */
  #torn = false

  constructor(options: StreamStagesOptions) {
    super()
    this.#options = options
    this.#account = new Account(options.offset, (offset, replaced, bytes) => this.#tellSent(offset, replaced, bytes))
    this.#writes = new JoinedWrites(options.to)
    this.#changeEvents = new ChangeEvents(options.plugins, options.direction)
    const spring: Spring = { next: () => this.#next() }
    this.#tail = new Joint({ from: spring, asked: null })
    options.to.on('drain', this.#onDrain)
    // Stages come to their end with the connection: what they hold in a finally is let go of.
    options.to.on('close', this.#onClose)
    this.update(options.stages)
    void this.#run()
  }

  get destroyed(): boolean {
    return this.#options.to.destroyed
  }

  get writableLength(): number {
    const beyond = this.#links.reduce((most, { use }) => Math.max(most, use.member.window), usualWindow) - usualWindow
    return Math.max(0, this.#waiting.bytes - beyond) + (this.#over ? 0 : this.#options.to.writableLength)
  }

  /** What came is still on its way through the stages. */
  get holds(): boolean {
    return !this.#over && (this.#waiting.bytes > 0 || this.#account.open)
  }

  /** Puts in the stages that are new, takes out those that are gone, keeps the others as they are. */
  update(wanted: readonly StageUse[]): void {
    if (this.#over) return
    const stages = working(wanted)
    for (const link of this.#links) {
      if (!stages.some((use) => isSame(use, link.use))) link.remove(stages.some(({ member, path }) => member.place === link.use.member.place && path === link.use.path))
    }
    let at = 0
    for (const use of stages) {
      const found = this.#links.findIndex((link) => !link.removed && isSame(link.use, use))
      if (found >= 0) {
        at = found + 1
        continue
      }
      // Before those on their way out: what they still hold isn't held anew.
      this.#insert(at++, use)
    }
    if (this.#idle) this.#rest()
  }

  write(bytes: Buffer): void {
    if (this.#over) {
      // The last stage has ended the stream: the rest has nowhere to go.
      this.#account.past(bytes.length)
      return
    }
    this.#waiting.put(bytes)
    this.#answer()
  }

  end(): void {
    this.#ended = true
    // A stage that closes both directions leaves it to their owner to end this one.
    if (this.#over && !this.#torn && !this.destroyed) this.#options.to.end()
    else this.#answer()
  }

  /** Has another owner, who writes other bytes than were received: what stages change isn't recorded from now on. Only where it holds nothing. */
  moveTo(owner: Pick<StreamStagesOptions, 'onReset' | 'onClose' | 'onBare'>): void {
    this.#options = { ...this.#options, ...owner, tap: null }
    // What is changed from here on is told once more: the recording doesn't have it any more.
    this.#changeEvents.again()
  }

  /** Leaves the socket to others: only where it is bare. */
  detach(): void {
    this.#over = true
    this.#options.to.off('drain', this.#onDrain)
    this.#options.to.off('close', this.#onClose)
    this.#tail.end()
  }

  cameAt(chunk: Uint8Array): number {
    return this.#times.get(chunk) ?? performance.now()
  }

  stamp(chunk: Uint8Array, time: number): void {
    this.#times.set(chunk, time)
  }

  dropped(chunk: Uint8Array): void {
    this.#account.letGo(chunk)
  }

  asGiven(chunk: Buffer): Buffer {
    return this.#asCame.get(chunk) ?? Buffer.from(chunk)
  }

  gives(chunk: Buffer, asCame: Buffer | null): void {
    if (asCame === null) this.#asCame.delete(chunk)
    else this.#asCame.set(chunk, asCame)
  }

  changes(link: StageLink): void {
    this.#changeEvents.changes(link)
  }

  close(): void {
    if (this.destroyed) return
    this.#closing = true
    // What has been given on goes out first, but a reader that is deaf isn't waited for.
    const { to } = this.#options
    const gone = (): number => to.bytesWritten - to.writableLength
    let before = gone()
    this.#patience ??= setInterval(() => {
      if (this.#writable !== null && gone() === before) this.#closeBoth()
      before = gone()
    }, closePatience).unref()
  }

  #closeBoth(): void {
    this.#closing = false
    clearInterval(this.#patience)
    this.#options.onClose('closed by a plugin')
  }

  reset(): void {
    this.#torn = true
    this.#options.onReset('reset by a plugin')
  }

  tell({ member, path }: StageUse, kind: string, text: string, facts: Facts): void {
    const { plugins, direction } = this.#options
    plugins.tell({ kind, source: member.name, parameters: member.parameters, hook: path, text: `${path}: ${text}`, direction, ...facts })
  }

  failed(use: StageUse, thrown: unknown): boolean {
    const { plugins, direction, onReset } = this.#options
    const cut = plugins.failed(use.member, use.path, thrown, { direction })
    // What its generator held is gone with it; going on would leave a hole in the stream that nobody sees.
    if (!cut && !this.#account.open) {
      use.failed = true
      return true
    }
    this.#account.close()
    this.#over = true
    onReset('cut for a plugin')
    return false
  }

  left(link: StageLink): void {
    this.#links = this.#links.filter((one) => one !== link)
    this.#changeEvents.left(link)
  }

  #insert(at: number, use: StageUse): void {
    const joint = this.#links[at]?.input ?? this.#tail
    const link = new StageLink(use, joint.draw(), this)
    this.#links.splice(at, 0, link)
    joint.drawFrom({ from: link, asked: null })
  }

  async #run(): Promise<void> {
    const { to } = this.#options
    for (;;) {
      const { done, value } = await this.#tail.next()
      if (done === true || to.destroyed || to.writableEnded) break
      if (value.length === 0) continue
      const asCame = this.#account.cameOut(value)
      // What a stage cut, it meant to. What waits to be joined is written from memory that no stage has: it may write to its own as soon as it is asked for more.
      this.#writes.write(asCame ?? value, asCame !== null && this.#whole.has(value) && this.#waiting.bytes > 0, this.#onWritten)
      if (!this.#writes.waits && to.writableLength > 0) await new Promise<void>((resolve) => { this.#writable = resolve })
    }
    this.#writes.flush()
    this.#finish()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    const { to } = this.#options
    if (!to.destroyed) {
      this.#account.close()
      // What the stages never asked for.
      if (this.#waiting.bytes > 0) this.#account.past(this.#waiting.bytes)
    }
    this.#waiting.clear()
    if (this.#closing) this.#closeBoth()
    else if (!to.destroyed && !this.#torn) to.end()
    this.emit('drain')
  }

  /** What the first stage, or the socket, is given next. */
  #next(): Promise<Result> {
    const ready = this.#take()
    if (ready !== null) return Promise.resolve(ready)
    return new Promise((resolve) => {
      this.#asked = resolve
      this.#rest()
    })
  }

  /** Nothing waits: without stages there is no need to be here. */
  #rest(): void {
    this.#idle = true
    if (this.#links.length > 0 || this.#ended || this.#options.onBare === undefined) return
    setImmediate(() => {
      // Whoever owns it by then.
      if (this.#idle && this.#links.length === 0 && !this.#ended && !this.#over && this.#waiting.bytes === 0) this.#options.onBare?.()
    })
  }

  #answer(): void {
    const asked = this.#asked
    if (asked === null) return
    const result = this.#take()
    if (result === null) return
    this.#asked = null
    this.#idle = false
    asked(result)
  }

  #take(): Result | null {
    const chunk = this.#waiting.take()
    if (chunk === null) return this.#ended ? over : null
    const { bytes, asCame, time } = chunk
    this.#account.wentIn(bytes, asCame)
    this.#whole.add(bytes)
    this.#asCame.set(bytes, asCame)
    this.#times.set(bytes, time)
    if (this.#waiting.bytes === 0) this.#drained()
    return { done: false, value: bytes }
  }

  #tellSent(offset: number, replaced: number, bytes: Buffer): void {
    const { tap, direction } = this.#options
    tap?.sent(direction, offset, replaced, bytes, 'opaque')
    this.#changeEvents.wentOut(tap === null ? null : offset, (link) => this.#links.includes(link))
  }

  readonly #onClose = (): void => {
    this.#ended = true
    clearInterval(this.#patience)
    for (const link of this.#links) link.abandon()
    this.#onDrain()
    this.#answer()
  }

  /** A socket that never was full has no drain to tell. */
  readonly #onWritten = (): void => this.#drained()

  readonly #onDrain = (): void => {
    const writable = this.#writable
    this.#writable = null
    writable?.()
    this.#drained()
  }

  #drained(): void {
    if (this.writableLength === 0) this.emit('drain')
  }
}

/** Those that haven't failed: however plugins come and go, a stage isn't tried twice. */
export function working(stages: readonly StageUse[]): readonly StageUse[] {
  return stages.filter(({ failed }) => failed !== true)
}

/** The same stage of the same plugin, as it was set up for this connection. */
function isSame(one: StageUse, other: StageUse): boolean {
  return one.member === other.member && one.path === other.path
}
