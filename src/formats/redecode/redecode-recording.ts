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
import type { ConnectionRecord, Segment } from '../../recording/rows.js'
import { TimeQueue } from '../export/time-queue.js'
import { StreamGaps } from '../stream-gaps.js'
import { RecordedNotes } from './recorded-notes.js'
import { recordedReads } from './recorded-reads.js'

export interface RedecodeOptions {
  /** The new recording; beside the old one, as `NAME-redecoded.sqlite`, where absent. */
  readonly output?: string
  /** Replace a recording that exists. */
  readonly overwrite?: boolean
}

const directions = ['up', 'down'] as const

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
  createRecordingPath({ path, overwrite }, false)
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

type Open = {
  readonly connection: ConnectionRecord
  /** Where each direction has got to. */
  readonly said: Record<Direction, number>
  readonly gaps: Readonly<Record<Direction, StreamGaps>>
  /** Its end is due, and bytes of it still come. */
  overdue: number | null
}

/** Hands a recording's entries to the recorder's own ingest, in the order of their times, as the worker gets them from the relay. */
class Redecoding {
  readonly #recording: Recording
  readonly #file: RecordingFile
  readonly #ingest: Ingest
  readonly #notes: RecordedNotes
  readonly #open = new Map<number, Open>()
  readonly #due = new TimeQueue<{ readonly open: Open, readonly what: 'connected' | 'missing' | 'closed' }>()
  #entries = 0

  constructor(recording: Recording, file: RecordingFile) {
    this.#recording = recording
    this.#file = file
    this.#ingest = new Ingest(file.store)
    this.#notes = new RecordedNotes(recording)
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
      const first = Math.min(opened, said, told)
      if (first === Infinity) break
      // A connection is there before anything of it; bytes are there before what is told of them.
      const opens = connection.done !== true && (opened === first || (read.done !== true && said === first && connection.value.id <= read.value.connectionId))
      this.#until(first)
      if (opens) {
        this.#opens(connection.value)
        connection = connections.next()
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
    for (const open of this.#open.values()) {
      if (open.overdue !== null) this.#close(open, open.overdue)
      else for (const direction of directions) this.#loses(open, direction, Infinity)
    }
    this.#ingest.flush()
    this.#file.store.commit()
  }

  #opens(connection: ConnectionRecord): void {
    const { id, opened, connected, closed } = connection
    const gaps = { up: new StreamGaps(this.#recording, connection, 'up'), down: new StreamGaps(this.#recording, connection, 'down') }
    const open: Open = { connection, said: { up: 0, down: 0 }, gaps, overdue: null }
    this.#open.set(id, open)
    this.#note(id, opened, this.#notes.opened(connection))
    if (connected !== null) this.#due.put(connected, { open, what: 'connected' })
    if (closed !== null) this.#due.put(closed, { open, what: 'closed' })
    for (const direction of directions) this.#expect(open, direction)
  }

  /** What happened to connections before this time. */
  #until(time: number): void {
    while (this.#due.next < time) {
      const at = this.#due.next
      const { open, what } = this.#due.take()!
      if (!this.#open.has(open.connection.id)) continue
      if (what === 'connected') this.#note(open.connection.id, at, this.#notes.connected(open.connection))
      else if (what === 'missing') for (const direction of directions) this.#loses(open, direction, open.said[direction], at)
      else open.overdue = at
      this.#closeIfSaid(open)
    }
  }

  #says(segment: Segment): void {
    const { connectionId: id, direction, leg, offset, time, bytes, replaces } = segment
    const open = this.#open.get(id)
    if (open === undefined) return
    if (leg === 'received') {
      // An import tells what it isn't sure of later than what came before: their order is that of the bytes, not of their times.
      if (offset > open.said[direction]) this.#loses(open, direction, offset - 1)
      const from = open.said[direction]
      if (offset > from) this.#ingest.dropped(id, direction, time, from, offset - from, 'not in the recording')
      open.said[direction] = offset + bytes.length
      this.#ingest.received(id, direction, time, offset, bytes)
      this.#expect(open, direction)
    } else {
      const told = this.#notes.exchange(segment)
      if (told !== null) this.#note(id, told.time, told.note)
      this.#ingest.sent(id, direction, time, offset, bytes, replaces ?? 0, this.#notes.sentKind(segment))
    }
    this.#closeIfSaid(open)
  }

  /** Bytes are missing where the stream has got to: that is due when it was told. */
  #expect(open: Open, direction: Direction): void {
    const { next } = open.gaps[direction]
    if (next !== null && next.offset <= open.said[direction]) this.#due.put(next.time, { open, what: 'missing' })
  }

  /** What is missing of a stream, begins up to this place, and was told up to this time. Ingest says so again itself, with why. */
  #loses(open: Open, direction: Direction, upTo: number, time = Infinity): void {
    const gaps = open.gaps[direction]
    for (let next = gaps.next; next !== null && next.offset <= Math.max(upTo, open.said[direction]) && next.time <= time; next = gaps.next) {
      gaps.pass()
      open.said[direction] = next.offset + next.length
      this.#ingest.dropped(open.connection.id, direction, next.time, next.offset, next.length, next.why)
    }
  }

  #closeIfSaid(open: Open): void {
    const { said, overdue, connection: { bytesUp, bytesDown } } = open
    if (overdue === null) return
    for (const direction of directions) this.#loses(open, direction, said[direction])
    if (said.up >= bytesUp && said.down >= bytesDown) this.#close(open, overdue)
  }

  #close(open: Open, time: number): void {
    const { connection } = open
    const { id, endReason, error } = connection
    for (const direction of directions) this.#loses(open, direction, Infinity)
    this.#end(connection, time)
    this.#note(id, time, { type: 'closed', reason: endReason ?? 'closed', error })
    this.#open.delete(id)
  }

  /**
   * Which side ended in order isn't kept; it follows from why the connection ended, and from its last exchange: that was cut where the
   * other side's end never came, and it ended where that did. An FTP session ended with its server's side.
   */
  #end({ id, protocol, endReason, error, opened }: ConnectionRecord, time: number): void {
    if (error !== null || (endReason !== 'client closed' && endReason !== 'server closed')) return
    const first: Direction = endReason === 'client closed' ? 'up' : 'down'
    const last = protocol === 'http' ? this.#recording.lastExchange(id) : null
    const [session] = protocol === 'ftp' ? this.#recording.ftpSessions({ where: `connection_id = ${id}` }) : []
    const at = Math.min(time, Math.max(opened, last?.ended ?? session?.ended ?? time))
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
