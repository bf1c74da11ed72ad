import type { Direction } from '../protocols/decoder.js'
import { Ingest } from '../recording/ingest.js'
import type { Address, EventNote, Note, OpenedNote } from '../recording/notes.js'
import { masksFact, masksTold } from '../recording/masking.js'
import { RecordingFile } from '../recording/recording-file.js'
import { createRecordingPath } from '../recording/recording-path.js'
import type { OutputOptions } from '../recording/recording-path.js'
import { formatAddress } from '../relay/address.js'

export type ImportedProtocol = 'http' | 'ftp' | 'tcp' | 'udp'

/** Bytes in one transaction: few enough for SQLite's page cache, beyond which they would be written twice. */
const commitEvery = 1024 * 1024

/** Entries in one transaction. */
const mostEntries = 20_000

/** A relay a server: the oldest are forgotten and written again where a scan of many hosts was captured. */
const relaysRemembered = 65_536

/**
 * Writes what is imported by the way that live traffic takes: the same entries, in the same order, into the same
 * interpreters, with the times that the capture tells.
 */
export class ImportWriter {
  readonly path: string
  readonly #file: RecordingFile
  readonly #ingest: Ingest
  readonly #relays = new Map<string, number>()
  #relayNumber = 0
  #handles = 0
  #bytes = 0
  #entries = 0
  #time = 0

  /** @throws WiretapeError `exists`, `not-found`, `usage`, `storage`. */
  constructor(options: OutputOptions, facts: Readonly<Record<string, string>>) {
    this.path = createRecordingPath(options)
    this.#file = new RecordingFile({ path: this.path, append: options.append ?? false, facts: options.append === true ? facts : { ...facts, [masksFact]: masksTold } })
    this.#ingest = new Ingest(this.#file.store)
  }

  get records(): number {
    return this.#file.store.records
  }

  /** @param target null: `host:port`, for HTTP as a URL. @returns what stands for the relay that would have recorded this server. */
  relay(protocol: ImportedProtocol, server: Address, time: number, target: string | null = null): number {
    const text = target ?? (protocol === 'http' ? `http://${formatAddress(server)}` : formatAddress(server))
    const key = `${protocol} ${text}`
    const known = this.#relays.get(key)
    if (known !== undefined) return known
    const relay = this.#relayNumber++
    this.#note(0, time, { type: 'relay', relay, protocol, listen: server, target: text })
    if (this.#relays.size >= relaysRemembered) this.#relays.delete(this.#relays.keys().next().value!)
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
    this.#ingest.received(handle, direction, time, offset, bytes)
    this.#count(time, bytes.length)
  }

  /** Bytes that aren't in what is imported. */
  missing(handle: number, direction: Direction, time: number, offset: number, length: number): void {
    this.#ingest.dropped(handle, direction, time, offset, length, 'not in the capture')
    this.#count(time, 0)
  }

  end(handle: number, direction: Direction, time: number): void {
    this.#ingest.end(handle, direction, time, true)
    this.#count(time, 0)
  }

  event(handle: number, time: number, event: Omit<EventNote, 'type' | 'source'>): void {
    this.#note(handle, time, { type: 'event', source: 'import', ...event })
  }

  closed(handle: number, time: number, reason: string, error: string | null): void {
    this.#note(handle, time, { type: 'closed', reason, error })
  }

  /** Commits, and leaves one plain file. */
  finish(): void {
    this.#flush()
    this.#file.finish()
  }

  #note(handle: number, time: number, note: Note): void {
    this.#ingest.note(handle, time, JSON.stringify(note))
    this.#count(time, 0)
  }

  #count(time: number, bytes: number): void {
    this.#time = Math.max(this.#time, time)
    this.#bytes += bytes
    if (this.#bytes < commitEvery && ++this.#entries < mostEntries) return
    this.#flush()
  }

  #flush(): void {
    this.#bytes = this.#entries = 0
    this.#ingest.flush()
    this.#file.store.flush(this.#time)
    this.#file.store.commit()
  }
}
