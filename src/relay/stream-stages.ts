import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Direction } from '../protocols/decoder.js'
import type { ConnectionPlugins, Member } from '../plugins/connection-plugins.js'
import type { StreamStage } from '../plugins/hooks.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import type { Outlet } from './outlet.js'

export interface StageUse {
  readonly member: Member
  /** The hook's path: `stream`, `ftp.data`. */
  readonly path: string
  readonly stage: StreamStage
}

export interface StreamStagesOptions {
  readonly direction: Direction
  readonly to: Socket
  readonly tap: ConnectionRecorder | null
  readonly plugins: ConnectionPlugins
  readonly stages: readonly StageUse[]
  /** A stage failed and its plugin asks for a cut, or failed after it had taken bytes that are lost now. */
  readonly onCut: () => void
}

/** `bytes` is the stages' to write to; `asCame` stays as it was. */
type Piece = { readonly bytes: Buffer, readonly asCame: Buffer, readonly offset: number }

/**
 * Async generators of plugins between a lane and its socket: what is written goes through them in their order. What comes out in its
 * place in memory, and as it went in, is what came; only what a stage really changed is recorded as sent instead.
 */
export class StreamStages extends EventEmitter<{ drain: [] }> implements Outlet {
  readonly #options: StreamStagesOptions
  /** Taken, and not yet asked for by the first stage. */
  readonly #waiting: Piece[] = []
  #waitingBytes = 0
  #wake: (() => void) | null = null
  #writable: (() => void) | null = null
  #ended = false
  /** Given to the stages, and not yet matched by what came out; in order. */
  readonly #under: Piece[] = []
  /** Stream offset of the next byte to come in, and of the first that isn't accounted for yet. */
  #in = 0
  #out = 0
  #over = false
  #changed: string | null = null

  constructor(options: StreamStagesOptions) {
    super()
    this.#options = options
    options.to.on('drain', () => {
      this.#writable?.()
      this.#drained()
    })
    // Stages come to their end with the connection: what they hold in a finally is let go of.
    options.to.once('close', () => {
      this.#ended = true
      this.#writable?.()
      this.#wakeUp()
    })
    void this.#run()
  }

  get destroyed(): boolean {
    return this.#options.to.destroyed
  }

  get writableLength(): number {
    return this.#waitingBytes + (this.#over ? 0 : this.#options.to.writableLength)
  }

  write(bytes: Buffer): void {
    if (this.#over) {
      // The last stage has ended the stream: the rest has nowhere to go.
      this.#tellSent(this.#in, bytes.length, nothing)
      this.#in += bytes.length
      return
    }
    // Copies: the caller may read into its memory again while a stage holds on to this, and a stage may write to its own.
    const asCame = Buffer.from(bytes)
    this.#waiting.push({ bytes: Buffer.from(bytes), asCame, offset: this.#in })
    this.#in += bytes.length
    this.#waitingBytes += bytes.length
    this.#wakeUp()
  }

  end(): void {
    this.#ended = true
    this.#wakeUp()
  }

  async #run(): Promise<void> {
    const { stages, plugins, direction } = this.#options
    let chunks: AsyncIterable<Uint8Array | string> = this.#taken()
    let at = -1
    for (const [index, { stage }] of stages.entries()) {
      const before = asBuffers(chunks)
      chunks = guarded(() => stage(before), () => { at = Math.max(at, index) })
    }
    try {
      await this.#pump(asBuffers(chunks))
    } catch (thrown) {
      const failed = stages[Math.max(0, at)]!
      const cut = plugins.failed(failed.member, failed.path, thrown, { direction })
      // What its generator held is gone with it; going on would leave a hole in the stream that nobody sees.
      if (cut || this.#under.length > 0) {
        this.#over = true
        this.#tellLost()
        this.#options.onCut()
        return
      }
      // Nothing was lost: the rest goes as it comes.
      await this.#pump(this.#taken())
    }
    this.#finish()
  }

  async #pump(chunks: AsyncIterable<Buffer>): Promise<void> {
    const { to } = this.#options
    for await (const bytes of chunks) {
      if (to.destroyed) break
      if (bytes.length === 0) continue
      this.#account(bytes)
      if (!to.write(bytes)) await new Promise<void>((resolve) => { this.#writable = resolve })
    }
  }

  #finish(): void {
    this.#over = true
    const { to } = this.#options
    if (!to.destroyed) this.#tellLost()
    this.#waiting.length = 0
    this.#waitingBytes = 0
    if (!to.destroyed) to.end()
    this.emit('drain')
  }

  /** What went in and never came out was dropped by a stage. */
  #tellLost(): void {
    if (this.#out < this.#in) this.#tellSent(this.#out, this.#in - this.#out, nothing)
    this.#out = this.#in
  }

  async* #taken(): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = this.#waiting.shift()
      if (piece !== undefined) {
        this.#under.push(piece)
        this.#waitingBytes -= piece.bytes.length
        if (this.#waitingBytes === 0) this.#drained()
        yield piece.bytes
      } else if (this.#ended) {
        return
      } else {
        await new Promise<void>((resolve) => { this.#wake = resolve })
      }
    }
  }

  /** The same memory in the same place, not written to, is what came in; anything else stands for all that was taken since. */
  #account(bytes: Buffer): void {
    const [first] = this.#under
    const into = first === undefined ? 0 : Math.max(0, this.#out - first.offset)
    if (first !== undefined && bytes.buffer === first.bytes.buffer && bytes.byteOffset === first.bytes.byteOffset + into
      && bytes.length <= first.bytes.length - into && bytes.equals(first.asCame.subarray(into, into + bytes.length))) {
      this.#out += bytes.length
      if (into + bytes.length === first.bytes.length) this.#under.shift()
      return
    }
    const last = this.#under.at(-1)
    const until = last === undefined ? this.#out : last.offset + last.bytes.length
    this.#tellSent(this.#out, until - this.#out, bytes)
    this.#out = until
    this.#under.length = 0
  }

  #tellSent(offset: number, replaced: number, bytes: Buffer): void {
    const { tap, plugins, stages, direction } = this.#options
    tap?.sent(direction, offset, replaced, bytes, 'opaque')
    if (this.#changed !== null) return
    this.#changed = stages.map(({ member }) => member.name).join(', ')
    plugins.tell({ kind: 'changed', source: this.#changed, hook: stages[0]!.path, text: `${stages[0]!.path}: changed what goes ${direction} from here on`, direction, ...(tap === null ? {} : { offset }) })
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  #drained(): void {
    if (this.writableLength === 0) this.emit('drain')
  }
}

const nothing = Buffer.alloc(0)

async function* guarded(start: () => AsyncIterable<Uint8Array | string>, failed: () => void): AsyncGenerator<Uint8Array | string> {
  try {
    yield* start()
  } catch (thrown) {
    failed()
    throw thrown
  }
}

async function* asBuffers(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : toBuffer(chunk)
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
