import type { Worker } from 'node:worker_threads'
import { reasonOf, WiretapeError } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import type { Address, EventNote, Note, OpenedNote } from '../recording/notes.js'
import { createRecordingPath } from '../recording/recording-path.js'
import type { OutputOptions } from '../recording/recording-path.js'
import { EntryKind } from '../recording/slab.js'
import { SlabQueue } from '../recording/slab-queue.js'
import { startWorker } from '../recording/start-worker.js'
import type { FromWorker, ToWorker } from '../recording/worker-messages.js'
import { formatAddress } from '../relay/address.js'
import { OldestKey } from './oldest-key.js'

export type ImportedProtocol = 'http' | 'ftp' | 'tcp' | 'udp'

/** Slabs at the worker beyond which nothing more is read: more would only wait. */
const mostInFlight = 8

/** Missing bytes that an entry can tell of: its header has 32 bits for them. */
const largestEntry = 2 ** 32 - 1

/** A relay a server: the oldest are forgotten and written again where a scan of many hosts was captured. */
const relaysRemembered = 65_536

/**
 * Writes what is imported by the way that live traffic takes: the same entries, in the same order, through the same worker
 * into the same interpreters, with the times that the capture tells.
 */
export class ImportWriter {
  readonly path: string
  readonly #worker: Worker
  readonly #slabs: SlabQueue
  readonly #relays = new Map<string, number>()
  readonly #oldestRelay = new OldestKey(this.#relays)
  #relayNumber = 0
  #handles = 0
  #records = 0
  #failure: WiretapeError | null = null
  #closing = false
  /** Who waits for the worker. */
  #waiting: (() => void) | null = null

  private constructor(path: string, worker: Worker) {
    this.path = path
    this.#worker = worker
    this.#slabs = new SlabQueue(worker, () => {})
    worker.on('message', (message: FromWorker) => this.#hear(message))
    worker.on('error', (cause) => this.#fail(new WiretapeError('storage', `cannot write ${path}: ${reasonOf(cause)}`, { cause })))
    worker.once('exit', () => {
      if (!this.#closing) this.#fail(new WiretapeError('storage', `cannot write ${path}: the worker that does has ended`))
    })
  }

  /**
   * @param inOneGo nothing is waited for, and so hardly anybody wants to read along.
   * @throws WiretapeError `exists`, `not-found`, `usage`, `storage`.
   */
  static async open(options: OutputOptions, facts: Readonly<Record<string, string>>, inOneGo: boolean): Promise<ImportWriter> {
    const path = createRecordingPath(options)
    const journal = inOneGo ? 'rollback' : 'write-ahead'
    return new ImportWriter(path, await startWorker({ path, append: options.append ?? false, facts, journal, traffic: 'past' }))
  }

  /** Complete and committed. */
  get records(): number {
    return this.#records
  }

  /** @param target null: `host:port`, for HTTP as a URL. @returns what stands for the relay that would have recorded this server. */
  relay(protocol: ImportedProtocol, server: Address, time: number, target: string | null = null): number {
    const text = target ?? (protocol === 'http' ? `http://${formatAddress(server)}` : formatAddress(server))
    const key = `${protocol} ${text}`
    const known = this.#relays.get(key)
    if (known !== undefined) return known
    const relay = this.#relayNumber++
    this.#note(0, time, { type: 'relay', relay, protocol, listen: server, target: text })
    if (this.#relays.size >= relaysRemembered) this.#relays.delete(this.#oldestRelay.next()!)
    this.#relays.set(key, relay)
    return relay
  }

  /** @returns the handle that the other calls take. */
  open(opened: Omit<OpenedNote, 'type'>, time: number): number {
    const handle = ++this.#handles
    this.#note(handle, time, { type: 'opened', ...opened })
    return handle
  }

  connected(handle: number, time: number, client: Address | null, server: Address): void {
    this.#note(handle, time, { type: 'connected', dial: null, client, server, tls: null })
  }

  received(handle: number, direction: Direction, time: number, offset: number, bytes: Buffer): void {
    this.#slabs.put(EntryKind.received, handle, direction, time, offset, bytes, 0)
  }

  /** Bytes that aren't in what is imported. */
  missing(handle: number, direction: Direction, time: number, offset: number, length: number): void {
    if (length <= largestEntry) this.#slabs.put(EntryKind.dropped, handle, direction, time, offset, null, length)
    else this.#note(handle, time, { type: 'missing', direction, offset, length })
  }

  end(handle: number, direction: Direction, time: number): void {
    this.#slabs.put(EntryKind.end, handle, direction, time, 0, null, 0)
  }

  event(handle: number, time: number, event: Omit<EventNote, 'type' | 'source'>): void {
    this.#note(handle, time, { type: 'event', source: 'import', ...event })
  }

  closed(handle: number, time: number, reason: string, error: string | null): void {
    this.#note(handle, time, { type: 'closed', reason, error })
  }

  /**
   * Resolves once the worker has caught up: to be waited for from time to time, else all of the capture waits in memory.
   * @throws WiretapeError `storage` where it can't write any more.
   */
  async room(): Promise<void> {
    while (this.#failure === null && this.#slabs.inFlight >= mostInFlight) await new Promise<void>((resolve) => { this.#waiting = resolve })
    if (this.#failure !== null) throw this.#failure
  }

  /** Commits, and leaves one plain file. @throws as `room`. */
  async finish(): Promise<void> {
    this.#slabs.handOver()
    await this.room()
    this.#closing = true
    await this.#close()
    if (this.#failure !== null) throw this.#failure
  }

  /** Nothing more will come: what came is kept, as a recording that ended. */
  async abandon(): Promise<void> {
    if (!this.#closing && this.#failure === null) {
      this.#closing = true
      this.#slabs.handOver()
      await this.#close()
    }
    await this.#worker.terminate()
  }

  async #close(): Promise<void> {
    // Not `once`: that rejects with what the worker may throw, which is a failure in words by then.
    const over = new Promise((resolve) => { this.#worker.once('exit', resolve) })
    this.#worker.postMessage({ type: 'close' } satisfies ToWorker)
    await over
  }

  #note(handle: number, time: number, note: Note): void {
    this.#slabs.put(EntryKind.note, handle, 'up', time, 0, Buffer.from(JSON.stringify(note)), 0)
  }

  #hear(message: FromWorker): void {
    if (message.type === 'returned') {
      this.#slabs.returned(message.buffer)
      this.#records = message.records
      this.#wake()
    } else if (message.type === 'closed') {
      this.#records = message.records
    } else if (message.type === 'failed') {
      this.#fail(new WiretapeError(message.code, message.message))
    }
  }

  #fail(error: WiretapeError): void {
    this.#failure ??= error
    void this.#worker.terminate()
    this.#wake()
  }

  #wake(): void {
    this.#waiting?.()
    this.#waiting = null
  }
}
