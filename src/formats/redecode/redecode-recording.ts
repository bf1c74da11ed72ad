import { realpathSync, statSync } from 'node:fs'
import { reasonOf, systemCodeOf, WiretapeError } from '../../error.js'
import type { Direction } from '../../protocols/decoder.js'
import { Ingest } from '../../recording/ingest.js'
import { checkOptions } from '../../recording/known-options.js'
import type { OptionKinds } from '../../recording/known-options.js'
import type { Note } from '../../recording/notes.js'
import { createRecordingPath, removeRecording } from '../../recording/recording-path.js'
import { RecordingFile } from '../../recording/recording-file.js'
import { openRecording } from '../../recording/recording.js'
import type { Recording } from '../../recording/recording.js'
import type { ConnectionRecord, EventRecord, Segment } from '../../recording/rows.js'
import { TimeQueue } from '../export/time-queue.js'
import { RecordedNotes } from './recorded-notes.js'
import { recordedReads } from './recorded-reads.js'

export interface RedecodeOptions {
  /** The new recording; beside the old one, as `NAME-redecoded.sqlite`, where absent. */
  readonly output?: string
  /** Replace a recording that exists. */
  readonly overwrite?: boolean
}

const kinds: OptionKinds<RedecodeOptions> = { output: 'string', overwrite: 'boolean' }

/** Entries in one transaction. */
const commitEvery = 2000

/**
 * Reads the bytes of a recording with today's decoders, into a new one. What was received and sent, when, and what the relay and its plugins told
 * stay as they were; records are made anew. Memory is bounded by the connections that were open at once.
 * @param file the newest in `recordings/` where undefined.
 * @throws WiretapeError `usage`, `not-found`, `not-a-recording`, `exists` or `storage`.
 */
export function redecodeRecording(file: string | undefined, options: RedecodeOptions = {}): { readonly path: string, readonly records: number } {
  checkOptions('redecodeRecording', kinds, options, "{ output: 'new.sqlite' }")
  const { output, overwrite = false } = options
  using recording = openRecording(file)
  const path = output ?? `${recording.path.replace(/\.sqlite$/, '')}-redecoded.sqlite`
  if (statSync(path, { throwIfNoEntry: false }) !== undefined && realpathSync(path) === realpathSync(recording.path)) {
    throw new WiretapeError('usage', `-o ${path} is the recording itself: the new one needs another name`)
  }
  createRecordingPath({ path, overwrite })
  try {
    const { started, writer: _, finished: __, ...facts } = recording.facts()
    const made = new RecordingFile({ path, append: false, facts, journal: 'rollback' })
    if (started !== undefined) made.store.fact('started', started)
    new Redecoding(recording, made).run()
    const { records } = made.store
    made.finish()
    return { path, records }
  } catch (thrown) {
    removeRecording(path)
    if (thrown instanceof WiretapeError || !String(systemCodeOf(thrown)).startsWith('SQLITE_')) throw thrown
    throw new WiretapeError('storage', `cannot write ${path}: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

/** Hands a recording's entries to the recorder's own ingest, in the order of their times, as the worker gets them from the relay. */
class Redecoding {
  readonly #recording: Recording
  readonly #file: RecordingFile
  readonly #ingest: Ingest
  readonly #notes: RecordedNotes
  readonly #open = new Map<number, ConnectionRecord>()
  /** Where each direction has got to, by `connection direction`. */
  readonly #said = new Map<string, number>()
  readonly #due = new TimeQueue<{ readonly connection: ConnectionRecord, readonly what: 'connected' | 'closed' }>()
  /** Ends that are due, and bytes of which still come. */
  readonly #overdue = new Map<number, number>()
  /** What was told of missing bytes, in the order of the segments that come after them. */
  readonly #drops: Iterator<EventRecord>
  #drop: IteratorResult<EventRecord>
  #entries = 0

  constructor(recording: Recording, file: RecordingFile) {
    this.#recording = recording
    this.#file = file
    this.#ingest = new Ingest(file.store)
    this.#notes = new RecordedNotes(recording)
    this.#drops = recording.events({ where: 'kind = \'dropped\'' })
    this.#drop = this.#drops.next()
  }

  run(): void {
    for (const { id, protocol, listen, target } of this.#recording.relays()) {
      const colon = listen.lastIndexOf(':')
      this.#note(0, 0, { type: 'relay', relay: id, protocol, listen: { host: listen.slice(0, colon), port: Number(listen.slice(colon + 1)) }, target })
    }
    const connections = this.#recording.connections()
    const reads = recordedReads(this.#recording)
    const events = this.#recording.events({ where: 'source <> \'decoder\'' })
    let connection = connections.next()
    let read = reads.next()
    let event = events.next()
    for (;;) {
      const opened: number = connection.done === true ? Infinity : connection.value.opened
      const said: number = read.done === true ? Infinity : read.value.time
      const told: number = event.done === true ? Infinity : event.value.time
      const lost: number = this.#drop.done === true ? Infinity : this.#drop.value.time
      const first = Math.min(opened, said, told, lost)
      if (first === Infinity) break
      // A connection is there before anything of it; bytes are there before what is told of them.
      const opens = connection.done !== true && (opened === first || (read.done !== true && said === first && connection.value.id <= read.value.connectionId))
      this.#until(first)
      if (opens) {
        this.#opens(connection.value)
        connection = connections.next()
      } else if (lost === first && said > first && (event.done === true || told > first || (this.#drop.value as EventRecord).id < event.value.id)) {
        this.#loses()
      } else if (told === first && said > first) {
        this.#note(event.value.connectionId ?? 0, told, this.#notes.event(event.value))
        event = events.next()
      } else {
        this.#says(read.value)
        read = reads.next()
      }
      this.#count(first)
    }
    this.#until(Infinity)
    for (const [id, time] of this.#overdue) this.#close(this.#open.get(id)!, time)
    this.#ingest.flush()
    this.#file.store.commit()
  }

  #opens(connection: ConnectionRecord): void {
    const { id, opened, connected, closed } = connection
    this.#open.set(id, connection)
    this.#note(id, opened, this.#notes.opened(connection))
    if (connected !== null) this.#due.put(connected, { connection, what: 'connected' })
    if (closed !== null) this.#due.put(closed, { connection, what: 'closed' })
  }

  /** What happened to connections before this time. */
  #until(time: number): void {
    while (this.#due.next < time) {
      const at = this.#due.next
      const { connection, what } = this.#due.take()!
      if (what === 'connected') this.#note(connection.id, at, this.#notes.connected(connection))
      else if (this.#saidAll(connection)) this.#close(connection, at)
      else this.#overdue.set(connection.id, at)
    }
  }

  #says(segment: Segment): void {
    const { connectionId: id, direction, leg, offset, time, bytes, replaces } = segment
    const key = `${id} ${direction}`
    if (leg === 'received') {
      // An import tells what it isn't sure of later than what came before: their order is that of the bytes, not of their times.
      while (offset > (this.#said.get(key) ?? 0) && this.#drop.done !== true) this.#loses()
      const from = this.#said.get(key) ?? 0
      if (offset > from) this.#ingest.dropped(id, direction, time, from, offset - from, 'not in the recording')
      this.#said.set(key, offset + bytes.length)
      this.#ingest.received(id, direction, time, offset, bytes)
    } else {
      const told = this.#notes.exchange(segment)
      if (told !== null) this.#note(id, told.time, told.note)
      this.#ingest.sent(id, direction, time, offset, bytes, replaces ?? 0, this.#notes.sentKind(segment))
    }
    const due = this.#overdue.get(id)
    if (due !== undefined && this.#saidAll(this.#open.get(id)!)) this.#close(this.#open.get(id)!, due)
  }

  /** The next bytes that are missing. Ingest says so again itself, with why. */
  #loses(): void {
    const { connectionId, direction, offset, time, text } = this.#drop.value as EventRecord
    this.#drop = this.#drops.next()
    const [, bytes, why] = /^(\d+) bytes (.*?)(?:; the rest of this connection is kept undecoded)?$/.exec(text) ?? []
    const length = Number(bytes ?? 0)
    if (connectionId === null || direction === null || offset === null || length === 0 || !this.#open.has(connectionId)) return
    this.#said.set(`${connectionId} ${direction}`, offset + length)
    this.#ingest.dropped(connectionId, direction, time, offset, length, why)
  }

  #saidAll({ id, bytesUp, bytesDown }: ConnectionRecord): boolean {
    return (this.#said.get(`${id} up`) ?? 0) >= bytesUp && (this.#said.get(`${id} down`) ?? 0) >= bytesDown
  }

  #close(connection: ConnectionRecord, time: number): void {
    const { id, endReason, error } = connection
    this.#end(connection, time)
    this.#note(id, time, { type: 'closed', reason: endReason ?? 'closed', error })
    this.#open.delete(id)
    this.#overdue.delete(id)
    for (const direction of ['up', 'down']) this.#said.delete(`${id} ${direction}`)
  }

  /**
   * Which side ended in order isn't kept; it follows from why the connection ended, and from its last exchange: that was cut where the
   * other side's end never came, and it ended where that did.
   */
  #end({ id, protocol, endReason, error, opened }: ConnectionRecord, time: number): void {
    if (error !== null || (endReason !== 'client closed' && endReason !== 'server closed')) return
    const first: Direction = endReason === 'client closed' ? 'up' : 'down'
    const last = protocol === 'http' ? this.#recording.lastExchange(id) : null
    const at = Math.min(time, Math.max(opened, last?.ended ?? time))
    this.#ingest.end(id, first, at, true)
    if (last?.error?.startsWith('exchange cut') !== true) this.#ingest.end(id, first === 'up' ? 'down' : 'up', at, true)
  }

  #note(handle: number, time: number, note: Note): void {
    this.#ingest.note(handle, time, JSON.stringify(note))
  }

  #count(time: number): void {
    if (++this.#entries % commitEvery !== 0) return
    this.#file.store.flush(time)
    this.#file.store.commit()
  }
}
