import Sqlite from 'better-sqlite3'
import { reasonOf } from '../error.js'
import { microseconds } from './clock.js'
import type { Direction } from '../protocols/decoder.js'
import { SentMemory } from './ftp/sent-messages.js'
import { interpreterFor } from './interpreters.js'
import type { Interpreter, InterpreterContext } from './interpreter.js'
import type { ClosedNote, ConnectedNote, EventNote, Note, OpenedNote } from './notes.js'
import { OpaqueInterpreter } from './opaque-interpreter.js'
import type { SentKind, SlabSink } from './slab.js'
import type { ConnectionRow, Store } from './store.js'

type Connection = {
  readonly row: ConnectionRow
  readonly context: InterpreterContext
  interpreter: Interpreter
  readonly ended: Record<Direction, boolean>
  dirty: boolean
  /** Bytes that its interpreter held when it was last flushed. */
  held: number
}

/**
 * A row that the database won't take, as a value in it is of the wrong kind or too large: that comes from the wire by way of
 * an interpreter, and the file is as sound as before.
 */
const unfitRow = /^SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE)/

const pastKept = 4096

/** Takes entries in the order they happened and keeps every open connection's interpreter and row. */
export class Ingest implements SlabSink {
  readonly #store: Store
  readonly #missing: string
  readonly #connections = new Map<number, Connection>()
  /** Ids of the newest connections that are over: what plugins have done is summed up after the end. */
  readonly #past = new Map<number, number>()
  readonly #relayIds = new Map<number, number>()
  readonly #sentMemory = new SentMemory()
  #held = 0

  /** @param missing what is true of bytes that are told to be missing, in words, where that isn't said of them. */
  constructor(store: Store, missing = 'not recorded: the disk was too slow') {
    this.#store = store
    this.#missing = missing
  }

  received(handle: number, direction: Direction, time: number, offset: number, bytes: Buffer): void {
    const connection = this.#connections.get(handle)
    if (connection === undefined) return
    connection.dirty = true
    if (direction === 'up') connection.row.bytesUp = offset + bytes.length
    else connection.row.bytesDown = offset + bytes.length
    this.#guard(connection, direction, offset, time, () => connection.interpreter.received(direction, bytes, offset, time))
  }

  sent(handle: number, direction: Direction, time: number, offset: number, bytes: Buffer, replaced: number, kind: SentKind): void {
    const connection = this.#connections.get(handle)
    if (connection === undefined) return
    connection.row.changed = true
    connection.dirty = true
    this.#guard(connection, direction, offset, time, () => connection.interpreter.sent(direction, bytes, offset, replaced, time, kind))
  }

  dropped(handle: number, direction: Direction, time: number, offset: number, length: number, missing = this.#missing): void {
    const connection = this.#connections.get(handle)
    if (connection === undefined) return
    const { row } = connection
    connection.dirty = true
    if (direction === 'up') {
      row.bytesUp = offset + length
      row.droppedUp += length
    } else {
      row.bytesDown = offset + length
      row.droppedDown += length
    }
    // A stream of messages with a hole can't be followed; datagrams and a file's bytes stand for themselves.
    const goesOn = row.transport === 'udp' || row.role === 'data'
    connection.context.event({
      kind: 'dropped', time, direction, offset,
      text: `${length} bytes ${missing}${goesOn ? '' : '; the rest of this connection is kept undecoded'}`,
    })
    if (connection.interpreter.gap !== undefined) {
      this.#guard(connection, direction, offset, time, () => connection.interpreter.gap!(direction, offset, length, time))
    } else if (row.transport !== 'udp') {
      this.#toOpaque(connection, time, `${length} bytes ${missing}`)
    }
  }

  end(handle: number, direction: Direction, time: number, clean: boolean): void {
    const connection = this.#connections.get(handle)
    if (connection !== undefined) this.#end(connection, direction, time, clean)
  }

  note(handle: number, time: number, json: string): void {
    const note = JSON.parse(json) as Note
    switch (note.type) {
      case 'relay': this.#relayIds.set(note.relay, this.#store.relay(note.protocol, note.listen, note.target)); break
      case 'opened': this.#opened(handle, time, note); break
      case 'connected': this.#connected(handle, time, note); break
      case 'closed': this.#closed(handle, time, note); break
      case 'exchange': this.#connections.get(handle)?.interpreter.exchange?.(note, time); break
      case 'event': this.#event(handle, time, note); break
      case 'missing': this.dropped(handle, note.direction, time, note.offset, note.length); break
    }
  }

  /** Writes what is still in progress: called several times a second, before a commit. */
  flush(): void {
    for (const connection of this.#connections.values()) {
      if (!connection.dirty) continue
      connection.dirty = false
      this.#guard(connection, 'up', connection.row.bytesUp, microseconds(), () => connection.interpreter.flush())
      this.#store.connection(connection.row)
      this.#holds(connection, connection.interpreter.held ?? 0)
    }
  }

  /** Where interpreters hold more than so many bytes together, as of the last flush, those that began first are given up. */
  relieve(most: number, time: number): void {
    for (const connection of this.#connections.values()) {
      if (this.#held <= most) return
      if (connection.held === 0) continue
      const why = 'its head is not complete, and there are too many such connections'
      connection.context.event({ kind: 'decoder-failed', time, text: `the rest of this connection is kept undecoded: ${why}` })
      this.#holds(connection, 0)
      this.#toOpaque(connection, time, why)
    }
  }

  /** Handles of the connections that are in no message. */
  idle(): number[] {
    return [...this.#connections].filter(([, { interpreter }]) => interpreter.idle === true).map(([handle]) => handle)
  }

  #opened(handle: number, time: number, note: OpenedNote): void {
    const store = this.#store
    const parent = note.parent === undefined ? undefined : this.#connections.get(note.parent)
    const row: ConnectionRow = {
      id: store.newId(), relayId: this.#relayIds.get(note.relay) ?? note.relay, protocol: note.protocol,
      transport: note.transport, parentId: parent?.row.id ?? null,
      role: note.role ?? null, client: note.client, listen: note.listen, opened: time, dial: null, server: note.server ?? null,
      connected: null, closed: null, endReason: null, error: null, bytesUp: 0, bytesDown: 0, droppedUp: 0, droppedDown: 0,
      messages: 0, changed: false, tls: null,
    }
    const context: InterpreterContext = {
      store, connection: row, scheme: note.scheme ?? note.protocol, keepPasswords: note.keepPasswords ?? false, decode: note.decode ?? 'auto', sentMemory: this.#sentMemory,
      event: (event) => {
        store.event({
          time: event.time, connectionId: row.id, messageId: event.messageId ?? null, kind: event.kind, source: 'decoder',
          direction: event.direction ?? null, offset: event.offset ?? null, bytes: null, text: event.text, hook: null, parameters: null, delayMs: null,
        })
      },
    }
    this.#connections.set(handle, {
      row, context, interpreter: this.#childOf(parent, context, note, time) ?? interpreterFor(note.protocol, context), ended: { up: false, down: false }, dirty: true, held: 0,
    })
    store.connection(row)
  }

  #childOf(parent: Connection | undefined, context: InterpreterContext, note: OpenedNote, time: number): Interpreter | undefined {
    if (parent === undefined) return undefined
    const made: Interpreter[] = []
    this.#guard(parent, 'up', parent.row.bytesUp, time, () => {
      const child = parent.interpreter.child?.(context, note)
      if (child !== undefined) made.push(child)
    })
    return made[0]
  }

  #connected(handle: number, time: number, note: ConnectedNote): void {
    const connection = this.#connections.get(handle)
    if (connection === undefined) return
    connection.row.connected = time
    connection.row.dial = note.dial
    connection.row.server = note.server ?? connection.row.server
    connection.row.client = note.client ?? connection.row.client
    connection.row.tls = note.tls
    this.#guard(connection, 'up', 0, time, () => connection.interpreter.connected?.(time))
    connection.dirty = true
  }

  #closed(handle: number, time: number, note: ClosedNote): void {
    const connection = this.#connections.get(handle)
    if (connection === undefined) return
    connection.row.endReason = note.reason
    connection.row.error = note.error
    connection.row.closed = time
    for (const direction of ['up', 'down'] as const) this.#end(connection, direction, time, false)
    this.#guard(connection, 'up', 0, time, () => connection.interpreter.close(time))
    if (connection.row.messages === 0) this.#store.countRecord()
    this.#store.connection(connection.row)
    this.#holds(connection, 0)
    this.#connections.delete(handle)
    this.#past.set(handle, connection.row.id)
    if (this.#past.size > pastKept) this.#past.delete(this.#past.keys().next().value!)
  }

  #event(handle: number, time: number, note: EventNote): void {
    const connection = this.#connections.get(handle)
    this.#store.event({
      time, connectionId: connection?.row.id ?? this.#past.get(handle) ?? null, kind: note.kind,
      messageId: note.message === undefined ? null : connection?.interpreter.messageId?.(note.message) ?? null,
      source: note.source, direction: note.direction ?? null, offset: note.offset ?? null, bytes: note.bytes ?? null,
      text: note.text, hook: note.hook ?? null, parameters: note.parameters ?? null, delayMs: note.delayMs ?? null,
    })
  }

  #holds(connection: Connection, bytes: number): void {
    this.#held += bytes - connection.held
    connection.held = bytes
  }

  #end(connection: Connection, direction: Direction, time: number, clean: boolean): void {
    if (connection.ended[direction]) return
    connection.ended[direction] = true
    this.#guard(connection, direction, 0, time, () => connection.interpreter.end(direction, time, clean))
  }

  /** An interpreter that fails is at fault itself, not the traffic, and not the disk: that is said, and the rest kept undecoded. */
  #guard(connection: Connection, direction: Direction, offset: number, time: number, work: () => void): void {
    try {
      work()
    } catch (thrown) {
      if (endsRecording(thrown)) throw thrown
      this.#giveUp(connection, direction, offset, time, thrown)
    }
  }

  #giveUp(connection: Connection, direction: Direction, offset: number, time: number, thrown: unknown): void {
    connection.context.event({
      kind: 'decoder-failed', time, direction, offset,
      text: `decoding ${connection.row.protocol} failed, the rest is kept undecoded: ${reasonOf(thrown)}`,
    })
    this.#toOpaque(connection, time)
  }

  #toOpaque(connection: Connection, time: number, why?: string): void {
    if (connection.interpreter instanceof OpaqueInterpreter) return
    const given = connection.interpreter
    connection.interpreter = given.rest?.() ?? new OpaqueInterpreter(connection.context)
    try {
      given.close(time, why)
    } catch (thrown) {
      if (endsRecording(thrown)) throw thrown
    }
  }
}

/** What the database throws is the file's end, but for a row that was wrong itself. */
function endsRecording(thrown: unknown): boolean {
  return thrown instanceof Sqlite.SqliteError && !unfitRow.test(thrown.code)
}
