import { EventEmitter } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { WiretapeError, reasonOf } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import { microseconds } from './clock.js'
import type { Address, EventNote, Note, OpenedNote } from './notes.js'
import { ConnectionRecorder } from './connection-recorder.js'
import type { Entries } from './connection-recorder.js'
import { checkOptions, checkWord } from './known-options.js'
import type { OptionKinds } from './known-options.js'
import { createRecordingPath, removeRecording } from './recording-path.js'
import { EntryKind } from './slab.js'
import type { SentKind } from './slab.js'
import { SlabQueue } from './slab-queue.js'
import { startWorker } from './start-worker.js'
import type { FromWorker, ToWorker } from './worker-messages.js'

/** Slabs at the worker before it counts as behind: 8 × 512 KiB are some 50 ms of writing. */
const slabsInFlight = 8

/** Slabs that may wait where the sender can't be paused: 32 MiB, a second of datagrams. */
const slabsOfDatagrams = 64

/** A slab that isn't full is handed over after this long, in ms. */
const handOverAfter = 20

/** Pauses are told at most once in this many ms: on a slow disk there can be hundreds a second. */
const pressureReportInterval = 1000

export interface RecorderOptions {
  /** Where to record; a new name in `recordings/` where absent. */
  readonly path?: string
  readonly overwrite?: boolean
  readonly append?: boolean
  /** When the disk can't keep up: `pause` stops reading from sockets (nothing is lost), `drop` skips and counts. */
  readonly slowDisk?: 'pause' | 'drop'
  /** Facts of the run, kept in the table `recording`. */
  readonly facts?: Readonly<Record<string, string>>
}

export const recorderOptions: OptionKinds<RecorderOptions> = { path: 'string', overwrite: 'boolean', append: 'boolean', slowDisk: 'any', facts: 'object' }

/** @throws WiretapeError `usage`, before there is a file. */
export function checkRecorderOptions(place: string, options: unknown): void {
  checkOptions(place, recorderOptions, options, "{ path: 'session.sqlite', overwrite: true }")
  const { slowDisk } = options as RecorderOptions
  if (slowDisk !== undefined) checkWord('--slow-disk', ['pause', 'drop'], slowDisk)
}

type RecorderEvents = {
  /** The worker has caught up: who was told to pause may read again. */
  ready: []
  /** Nothing more can be recorded. What was committed stays in the file. */
  failed: [WiretapeError]
}

/**
 * The main thread's side of recording: copies what it is given into slabs and hands them to the worker, which decodes
 * and writes. Nothing here waits for the disk.
 */
export class Recorder extends EventEmitter<RecorderEvents> implements Entries {
  readonly path: string
  readonly #worker: Worker
  readonly #drop: boolean
  readonly #append: boolean
  readonly #slabs: SlabQueue
  #timer: NodeJS.Timeout | null = null
  #behindSince = 0
  #pauses = { count: 0, time: 0, reported: 0, dropped: 0 }
  #handles = 0
  #relays = 0
  #records = 0
  #dropped = 0
  #failure: WiretapeError | null = null
  #closing = false
  #asked: ((handles: readonly number[]) => void)[] = []

  private constructor(path: string, worker: Worker, { slowDisk, append = false }: RecorderOptions) {
    super()
    this.setMaxListeners(0)
    this.path = path
    this.#append = append
    this.#worker = worker
    this.#drop = slowDisk === 'drop'
    this.#slabs = new SlabQueue(worker, () => this.#handedOver())
    worker.on('message', (message: FromWorker) => this.#hear(message))
    worker.on('error', (thrown) => this.#fail(new WiretapeError('storage', `recording stopped: ${reasonOf(thrown)}`, { cause: thrown })))
  }

  /**
   * Creates the file (mode 0600; its folder 0700 where it has to be made) or continues one.
   * @throws WiretapeError `exists`, `not-found`, `not-a-recording`, `newer-recording` or `storage`.
   */
  static async open(options: RecorderOptions = {}): Promise<Recorder> {
    checkRecorderOptions('record', options)
    const path = createRecordingPath(options)
    const worker = await startWorker({ path, append: options.append ?? false, facts: options.facts ?? {}, traffic: 'live' })
    return new Recorder(path, worker, options)
  }

  /** Records complete and committed. */
  get records(): number {
    return this.#records
  }

  /** Bytes left out, as the writer was behind. */
  get dropped(): number {
    return this.#dropped
  }

  get failure(): WiretapeError | null {
    return this.#failure
  }

  /** True while the worker is behind, and sockets should not be read. */
  get behind(): boolean {
    return this.#behindSince !== 0 && !this.#drop
  }

  /** True while what can't be paused has filled all the memory that it may. */
  get full(): boolean {
    return this.#slabs.inFlight >= slabsOfDatagrams
  }

  /** @returns the number by which connections name this relay. */
  addRelay(protocol: string, listen: Address, target: string): number {
    const relay = this.#relays++
    this.#note(0, { type: 'relay', relay, protocol, listen, target })
    return relay
  }

  open(opened: Omit<OpenedNote, 'type'>): ConnectionRecorder {
    const handle = ++this.#handles
    this.#note(handle, { type: 'opened', ...opened })
    return new ConnectionRecorder(this, handle, opened.transport === 'udp')
  }

  event(event: Omit<EventNote, 'type'>): void {
    this.#note(0, { type: 'event', ...event })
  }

  onceReady(listener: () => void): void {
    this.once('ready', listener)
  }

  /** Handles of the connections that are in no message just now, as far as they are decoded. */
  idle(): Promise<readonly number[]> {
    if (this.#failure !== null || this.#closing) return Promise.resolve([])
    this.#handOver()
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      this.#worker.postMessage({ type: 'idle' } satisfies ToWorker)
    })
  }

  /** Commits everything, ends the file and the worker. Connections still open are recorded as they stand. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#reportPressure(true)
    this.#handOver()
    if (this.#failure === null) {
      const over = new Promise<void>((resolve) => {
        this.#worker.once('exit', () => resolve())
        this.once('failed', () => resolve())
      })
      this.#worker.postMessage({ type: 'close' } satisfies ToWorker)
      await over
    }
    await this.#worker.terminate()
  }

  /** Ends as `close` does, and takes away the file where that was made for this: nothing came of what was to be recorded. */
  async discard(): Promise<void> {
    await this.close()
    if (!this.#append) removeRecording(this.path)
  }

  /** @returns false where reading should pause until `ready`. */
  put(kind: EntryKind, handle: number, direction: Direction, offset: number, payload: Uint8Array | null, replaced: number, sent?: SentKind): boolean {
    if (this.#failure !== null) return true
    this.#slabs.put(kind, handle, direction, microseconds(), offset, payload, replaced, sent)
    this.#timer ??= setTimeout(this.#onTimer, handOverAfter)
    return this.#behindSince === 0 || this.#drop
  }

  /** Bytes that `drop` should leave out rather than queue. */
  get skipping(): boolean {
    return this.#drop && this.#behindSince !== 0
  }

  countDropped(bytes: number): void {
    this.#pauses.dropped += bytes
    this.#dropped += bytes
  }

  note(handle: number, note: Note): void {
    this.#note(handle, note)
  }

  #note(handle: number, note: Note): void {
    this.put(EntryKind.note, handle, 'up', 0, Buffer.from(JSON.stringify(note)), 0)
  }

  readonly #onTimer = (): void => {
    this.#timer = null
    this.#handOver()
  }

  #handOver(): void {
    if (this.#failure === null) this.#slabs.handOver()
  }

  #handedOver(): void {
    if (this.#slabs.inFlight < slabsInFlight || this.#behindSince !== 0) return
    this.#behindSince = microseconds()
    this.#pauses.count++
  }

  #hear(message: FromWorker): void {
    if (message.type === 'returned') {
      this.#records = message.records
      this.#slabs.returned(message.buffer)
      if (this.#behindSince !== 0 && this.#slabs.inFlight <= slabsInFlight / 2) {
        this.#pauses.time += microseconds() - this.#behindSince
        this.#behindSince = 0
        this.#reportPressure(false)
        this.emit('ready')
      }
    } else if (message.type === 'idle') {
      this.#asked.shift()?.(message.handles)
    } else if (message.type === 'closed') {
      this.#records = message.records
    } else if (message.type === 'failed') {
      this.#fail(new WiretapeError(message.code, message.message))
    }
  }

  #reportPressure(last: boolean): void {
    const { count, time, reported, dropped } = this.#pauses
    const now = microseconds()
    if (count === 0 || (!last && now - reported < pressureReportInterval * 1000)) return
    this.#pauses = { count: 0, time: 0, reported: now, dropped: 0 }
    const spell = `${count} time${count === 1 ? '' : 's'}, ${Math.round(time / 1000)} ms in all`
    this.event(this.#drop
      ? { kind: 'recorder-dropped', source: 'recorder', bytes: dropped, text: `the disk was too slow ${spell}: ${dropped} bytes not recorded` }
      : { kind: 'recorder-paused', source: 'recorder', text: `reading paused for the disk ${spell}` })
  }

  #fail(error: WiretapeError): void {
    if (this.#failure !== null) return
    this.#failure = error
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#behindSince = 0
    for (const answer of this.#asked.splice(0)) answer([])
    this.emit('ready')
    this.emit('failed', error)
  }
}
