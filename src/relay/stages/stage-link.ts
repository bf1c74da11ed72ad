import type { Member } from '../../plugins/connection-plugins.js'
import type { StageControl, StreamStage } from '../../plugins/hooks.js'
import { Sleepers } from '../../plugins/sleepers.js'
import { Account } from './account.js'
import { Counts } from './counts.js'
import type { Facts } from './counts.js'
import { Joint } from './joint.js'
import type { Draw, Spring } from './joint.js'
import { turnOver } from './turn.js'
import { generatorOf, yieldedBytes } from './yielded.js'

export interface StageUse {
  readonly member: Member
  /** The hook's path: `stream`, `ftp.data`. */
  readonly path: string
  readonly stage: StreamStage
  /** It has failed, and the stream goes on without it from then on. */
  failed?: boolean
}

/** What a link needs of the chain that it is in. */
export interface Chain {
  cameAt(chunk: Uint8Array): number
  stamp(chunk: Uint8Array, time: number): void
  dropped(chunk: Uint8Array): void
  /** What a link is given, as it is now: kept by the chain where it is what came, else a copy. */
  asGiven(chunk: Buffer): Buffer
  /** A link gives this on. @param asCame the same bytes where nothing writes to them; null where it isn't what came. */
  gives(chunk: Buffer, asCame: Buffer | null): void
  /** Not all that it was given comes out of it as it went in. */
  changes(link: StageLink): void
  close(): void
  reset(): void
  tell(use: StageUse, kind: string, text: string, facts: Facts): void
  /** @returns whether the stream goes on without it. */
  failed(use: StageUse, thrown: unknown): boolean
  /** It isn't in the chain any more. */
  left(link: StageLink): void
}

/** One stage of a chain: a plugin's generator between its input and what draws from it. */
export class StageLink implements Spring, StageControl {
  readonly use: StageUse
  readonly input: Joint
  removed = false
  replaced = false
  readonly #chain: Chain
  readonly #output: AsyncIterator<Uint8Array | string>
  readonly #sleepers = new Sleepers()
  readonly #counts = new Counts((kind, text, facts) => this.#chain.tell(this.use, kind, text, facts))
  /** What it alone changes: the chain's own account doesn't know whose change it is. */
  readonly #account = new Account(0, () => this.#chain.changes(this))
  #over = false
  #closed = false

  constructor(use: StageUse, draw: Draw, chain: Chain) {
    this.use = use
    this.#chain = chain
    this.input = new Joint(draw, (bytes) => this.#account.wentIn(bytes, chain.asGiven(bytes)))
    this.#output = start(() => use.stage(this.input, this))
  }

  /** It gives on what it holds, and what comes after that goes past it. @param replaced one with other options stands there instead. */
  remove(replaced: boolean): void {
    if (this.removed) return
    this.removed = true
    this.replaced = replaced
    this.input.end()
    this.#sleepers.wakeAll()
  }

  /** The connection is over: nothing is to be waited for any more. */
  abandon(): void {
    this.#over = true
    this.#counts.end()
    this.#sleepers.wakeAll()
    // Where it waits at a yield, nobody asks it any more.
    this.#output.return?.().then(undefined, () => {})
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const { done, value } = await this.#output.next()
    const turn = turnOver()
    if (turn !== null) await turn
    if (done === true) return { done, value: undefined }
    const bytes = yieldedBytes(value)
    if (bytes.length > 0) this.#chain.gives(bytes, this.#account.cameOut(bytes))
    return { done: false, value: bytes }
  }

  leave(): Draw | null {
    this.#counts.end()
    this.#account.close()
    // What it never asked for goes no further either.
    if (!this.input.exhausted) this.#chain.changes(this)
    this.#chain.left(this)
    return this.removed && !this.#closed ? this.input.draw() : null
  }

  failed(thrown: unknown): Draw | null {
    this.#counts.end()
    this.#account.close()
    this.#chain.left(this)
    return this.#chain.failed(this.use, thrown) ? this.input.draw() : null
  }

  sleep(ms: number): Promise<boolean> {
    if (this.removed || this.#over) return Promise.resolve(false)
    return this.#sleepers.sleep(ms)
  }

  cameAt(chunk: Uint8Array): number {
    return this.#chain.cameAt(chunk)
  }

  stamp(chunk: Uint8Array, time: number): void {
    this.#chain.stamp(chunk, time)
  }

  drop(chunk: Uint8Array): void {
    this.#account.letGo(chunk)
    this.#chain.dropped(chunk)
  }

  close(): void {
    this.#closed = true
    this.#chain.close()
  }

  reset(): void {
    this.#chain.reset()
  }

  tell(text: string, facts: Facts = {}): void {
    this.#chain.tell(this.use, 'fault', text, facts)
  }

  count(text: string, facts: Facts): void {
    this.#counts.add(text, facts)
  }
}

/** A generator function that throws before it has a generator fails when it is first asked. */
function start(make: () => AsyncIterable<Uint8Array | string>): AsyncIterator<Uint8Array | string> {
  try {
    return generatorOf(make())
  } catch (thrown) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    return { next: () => Promise.reject(thrown) }
  }
}
