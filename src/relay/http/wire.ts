import type { ConnectionPlugins, Member, Place } from '../../plugins/connection-plugins.js'
import type { WireControl, WirePiece, WireStage } from '../../plugins/messages.js'
import { Sleepers } from '../../plugins/sleepers.js'
import type { SentKind } from '../../recording/slab.js'
import type { Inflow } from './inflow.js'
import { turnOver } from '../stages/turn.js'
import { WireAccount } from './wire-account.js'

export interface WireUse {
  readonly stage: WireStage
  readonly member: Member
}

export interface WireOptions {
  readonly uses: readonly WireUse[]
  readonly plugins: ConnectionPlugins
  readonly place: Place
  /** Path of the hook that asked for it. */
  readonly hook: string
  /** What the message comes from: it waits while the stages are behind. */
  readonly inflow: Inflow
  /** Stream offset of the message. */
  readonly start: number
  readonly record: (start: number, replaced: number, bytes: Buffer, kind: SentKind) => void
  readonly write: (bytes: Buffer) => void
  /** Resolves when no more than `most` bytes wait to go out; a usual amount where absent. */
  readonly room: (most?: number) => Promise<void>
  /** A stage has asked for the end: called before what waits is let go. */
  readonly onStopping?: () => void
  /** The connection is to end, in order or not. */
  readonly onEnding: (how: 'close' | 'reset', why: string) => void
}

/** What no stage has taken yet. `received` as for the account. */
interface Waiting {
  readonly start: number
  readonly length: number
  readonly bytes: Buffer
  readonly kind: SentKind
  readonly received: boolean
}

/** Bytes that may wait for a stage that is slower than the sender. */
const mostWaiting = 128 * 1024

/**
 * What goes out of one message, on its way through stages of plugins: they may make of it what no framing allows. What differs is recorded as
 * sent.
 */
export class Wire {
  readonly #options: WireOptions
  readonly #account: WireAccount
  readonly #waiting: Waiting[] = []
  readonly #sleepers = new Sleepers()
  #waitingBytes = 0
  /** Stream offset of what passes next. */
  #position: number
  #held = false
  #wake: (() => void) | null = null
  #done: ((differs: boolean) => void) | null = null
  #over = false
  #failing: WireUse | null = null
  #toldOfChange = false

  constructor(options: WireOptions) {
    this.#options = options
    this.#account = new WireAccount(options.start, options.record)
    this.#position = options.start
    void this.#run()
  }

  /** Bytes as they were received. */
  pass(bytes: Buffer, kind: SentKind): void {
    this.#take(this.#position, bytes.length, bytes, kind, true)
  }

  /** Bytes that are to go out instead of `length` received ones. */
  replace(start: number, length: number, bytes: Buffer, kind: SentKind): void {
    this.#take(start, length, bytes, kind, false)
  }

  /** The message is over. What follows waits until it has gone out. @param done whether something else went out than was to. */
  end(done: (differs: boolean) => void): void {
    if (this.#over || this.#done !== null) return
    this.#done = done
    this.#hold()
    this.#wakeUp()
  }

  /** Nothing goes out any more. */
  abandon(): void {
    if (this.#over) return
    this.#over = true
    while (this.#waiting.length > 0) this.#next()
    this.#account.close()
    this.#sleepers.wakeAll()
    this.#wakeUp()
    this.#release()
  }

  #take(start: number, length: number, bytes: Buffer, kind: SentKind, received: boolean): void {
    this.#position = start + length
    // A copy: the sender's next bytes are read into the same memory, and stages may write to theirs.
    this.#waiting.push({ start, length, bytes: Buffer.from(bytes), kind, received })
    this.#waitingBytes += bytes.length
    if (this.#over) {
      this.#next()
      this.#account.close()
      return
    }
    if (this.#waitingBytes > mostWaiting) this.#hold()
    this.#wakeUp()
  }

  #next(): WirePiece | null {
    const next = this.#waiting.shift()
    if (next === undefined) return null
    const { start, length, bytes, kind, received } = next
    this.#waitingBytes -= bytes.length
    this.#account.wentIn(start, length, bytes, kind, received)
    return { kind: kind === 'head' || kind === 'framing' ? kind : 'body', bytes }
  }

  async #run(): Promise<void> {
    const { uses, plugins, place, hook, write, room } = this.#options
    let pieces: AsyncIterable<WirePiece> = this.#taken()
    for (const use of uses) pieces = this.#through(use, pieces)
    try {
      for await (const { bytes } of pieces) {
        if (this.#over) return
        if (bytes.length === 0) continue
        this.#account.cameOut(bytes)
        this.#tellOfChange()
        write(bytes)
        await room()
      }
    } catch (thrown) {
      if (this.#over) return
      plugins.failed((this.#failing ?? uses[0]!).member, `${hook} wire`, thrown, place)
      void this.#finish('reset', 'cut for a plugin')
      return
    }
    if (this.#over) return
    if (this.#done === null || this.#waiting.length > 0) {
      // Its stages have ended before it: the rest has nowhere to go, and the reader can't be told where it ends.
      void this.#finish('close', 'closed by a plugin')
      return
    }
    this.#over = true
    this.#account.close()
    this.#tellOfChange()
    this.#done(this.#account.differs)
    this.#release()
  }

  async* #through(use: WireUse, pieces: AsyncIterable<WirePiece>): AsyncGenerator<WirePiece> {
    let kind: WirePiece['kind'] = 'head'
    const noted = async function* (): AsyncGenerator<WirePiece> {
      for await (const piece of pieces) {
        kind = piece.kind
        yield piece
      }
    }
    try {
      for await (const out of use.stage(noted(), this.#control(use))) {
        const turn = turnOver()
        if (turn !== null) await turn
        yield { kind, bytes: typeof out === 'string' ? Buffer.from(out, 'latin1') : Buffer.from(out.buffer, out.byteOffset, out.byteLength) }
      }
    } catch (thrown) {
      this.#failing ??= use
      throw thrown
    }
  }

  #control({ member }: WireUse): WireControl {
    const { plugins, place, hook } = this.#options
    return {
      sleep: (ms) => this.#over ? Promise.resolve(false) : member.stay.sleep(ms, this.#sleepers),
      close: () => void this.#finish('close', 'closed by a plugin'),
      reset: () => void this.#finish('reset', 'reset by a plugin'),
      tell: (text, facts = {}) => plugins.tell({
        kind: 'fault', source: member.name, parameters: member.parameters, hook, text: `${hook}: ${text}`, ...place, ...facts,
      }),
    }
  }

  /** What was written still goes out: a reset would take it along. */
  async #finish(how: 'close' | 'reset', why: string): Promise<void> {
    if (this.#over) return
    this.#options.onStopping?.()
    this.abandon()
    this.#tellOfChange()
    if (how === 'reset') await this.#options.room(0)
    this.#options.onEnding(how, why)
  }

  #tellOfChange(): void {
    if (this.#toldOfChange || !this.#account.differs) return
    this.#toldOfChange = true
    const { uses, plugins, place, hook } = this.#options
    plugins.tell({
      kind: 'changed', source: uses.map(({ member }) => member.name).join(', '), ...(uses.length === 1 ? { parameters: uses[0]!.member.parameters } : {}),
      hook, text: `${hook}: changed what goes over the wire`, ...place,
    })
  }

  async* #taken(): AsyncGenerator<WirePiece> {
    for (;;) {
      if (this.#over) return
      const piece = this.#next()
      if (piece !== null) {
        if (this.#done === null && this.#waitingBytes <= mostWaiting / 2) this.#release()
        if (piece.bytes.length > 0) yield piece
      } else if (this.#done === null) {
        await new Promise<void>((resolve) => { this.#wake = resolve })
      } else {
        return
      }
    }
  }

  #hold(): void {
    if (this.#held) return
    this.#held = true
    this.#options.inflow.hold()
  }

  #release(): void {
    if (!this.#held) return
    this.#held = false
    this.#options.inflow.release()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}
