import { setMaxListeners } from 'node:events'
import type { Recording } from '../../recording/recording.js'
import type { Target } from '../../relay/address.js'
import { dial } from '../../relay/dial.js'
import { Sample } from '../compare/sample.js'
import type { Pace } from '../pace.js'
import type { ChosenRelays } from './choose-relays.js'
import type { SendSettings } from './options.js'
import type { SendProgress, Skipped } from './send-result.js'
import type { Wire } from './wire.js'

/** What a protocol's client is started with. */
export interface SenderOptions {
  readonly recording: Recording
  readonly chosen: ChosenRelays
  readonly settings: SendSettings
  readonly target: Target
  readonly run: Run
}

/** Repeats the clients of a recording. */
export interface Sender {
  /** Ids of what is to be sent: exchanges, connections or sessions. */
  readonly ids: ReadonlySet<number>
  /** Resolves when all is said. @param wire what is dialled: it leads to the target, and records. */
  send(wire: Wire): Promise<void>
}

export type MakeSender = (options: SenderOptions) => Sender

const mostSkipped = 1_000

/** How a run goes: what was sent when, what wasn't. */
export class Run {
  readonly skipped: Skipped[] = []
  skippedCount = 0
  /** Ids of those beyond the ones that are kept. */
  readonly #skippedBeyond: number[] = []
  sent = 0
  /** Why nothing can be sent: the target can't be reached. */
  unreachable: string | null = null
  /** What went wrong on our side, such as a recording that can't be read any more. */
  failure: { readonly thrown: unknown } | null = null
  /** What was sent once more, as a connection was closed under it. */
  repeated = 0
  /** Ids of what was begun. */
  readonly begun = new Set<number>()
  /** Of what can't be seen from what was sent. */
  readonly notes: string[] = []
  /** Some byte of an answer has come. */
  reached = false
  readonly #pace: Pace
  readonly #onProgress: (progress: SendProgress) => void
  readonly #drift = new Sample()
  #total = 0
  #done = 0
  #began = 0
  #told = 0
  readonly #insecure: boolean
  readonly #ending = new AbortController()
  /** Ends listening to whoever may end it. */
  readonly #heard = new AbortController()
  #looking: Promise<void> | null = null

  constructor(pace: Pace, insecure: boolean, signal: AbortSignal | undefined, onProgress: (progress: SendProgress) => void = () => {}) {
    this.#pace = pace
    this.#insecure = insecure
    this.#onProgress = onProgress
    // Each connection that is open listens.
    setMaxListeners(0, this.#ending.signal)
    if (signal?.aborted === true) this.#ending.abort()
    signal?.addEventListener('abort', () => this.#ending.abort(), { signal: this.#heard.signal })
  }

  /** Ends what is under way. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Nothing more is begun. */
  get over(): boolean {
    return this.#ending.signal.aborted
  }

  /** To be caught with: the run comes to its end, and then fails with the first of these. */
  readonly fail = (thrown: unknown): void => {
    this.failure ??= { thrown }
    this.#ending.abort()
  }

  /** The target can't be reached: nothing that is under way is waited for. */
  giveUp(why: string): void {
    this.unreachable ??= why
    this.#ending.abort()
  }

  /** It is over: nobody ends it any more. */
  close(): void {
    this.#heard.abort()
  }

  begin(total: number): void {
    this.#total = total
    this.#began = performance.now()
    this.#tell(true)
  }

  /** Waits for the recorded moment, and notes how late it got. @param offset µs of the recording, from its first moment on. */
  async until(offset: number): Promise<void> {
    await this.#pace.until(offset, this.#began, this.#ending.signal)
  }

  /** It is sent just now. */
  sentAt(offset: number): void {
    if (this.#pace.waits) this.#drift.add(Math.max(0, performance.now() - this.#began - offset / 1000 / this.#pace.speed))
  }

  skip(skipped: Skipped): void {
    this.skippedCount++
    if (this.skipped.length < mostSkipped) this.skipped.push(skipped)
    else this.#skippedBeyond.push(skipped.id)
  }

  get skippedIds(): ReadonlySet<number> {
    return new Set([...this.skipped.map(({ id }) => id), ...this.#skippedBeyond])
  }

  /** Ids of what was skipped, by the reason: without its particulars, which may be what is to be kept out of the new recording. */
  skippedBy(): ReadonlyMap<string, readonly number[]> {
    const found = new Map<string, number[]>(this.#skippedBeyond.length === 0 ? [] : [['could not be sent', this.#skippedBeyond]])
    for (const { id, reason } of this.skipped) {
      const plain = reason.split(':', 1)[0]!
      const ids = found.get(plain)
      if (ids === undefined) found.set(plain, [id])
      else ids.push(id)
    }
    return found
  }

  done(): void {
    this.#done++
    this.#tell(this.#done === this.#total)
  }

  /** No byte of an answer has come. Where none ever has, it is looked whether the target is there at all. */
  async unanswered(target: Target): Promise<void> {
    if (this.reached || this.over) return
    this.#looking ??= new Promise((resolve) => {
      dial({ target, timeout: 10_000, insecure: this.#insecure, keptAwayFrom: [] }, ({ socket }) => {
        socket.destroy()
        resolve()
      }, (error, code) => {
        // Whoever resets a connection is there: which moment of it the reset meets is chance.
        if (code !== 'ECONNRESET') this.giveUp(error)
        resolve()
      })
      this.#ending.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await this.#looking
  }

  get drift(): Sample['quantiles'] {
    return this.#drift.quantiles
  }

  get elapsed(): number {
    return performance.now() - this.#began
  }

  #tell(always: boolean): void {
    const now = performance.now()
    if (!always && now - this.#told < 100) return
    this.#told = now
    this.#onProgress({ done: this.#done, total: this.#total, elapsed: this.elapsed })
  }
}
