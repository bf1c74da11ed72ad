import type { Direction } from '../protocols/decoder.js'
import type { ClosedNote, ConnectedNote, EventNote, Note, OpenedNote } from './notes.js'
import { EntryKind } from './slab.js'
import type { SentKind } from './slab.js'

/** Bytes left out that one entry can tell of. */
const largestSkip = 2 ** 30

const pad = new Uint8Array(0)

/** What a connection's entries are handed to: the recorder. */
export interface Entries {
  /** Bytes are to be left out, not queued: the writer is behind, and that was asked for. */
  readonly skipping: boolean
  /** The writer is so far behind that nothing more may be queued that can't be paused. */
  readonly full: boolean
  countDropped(bytes: number): void
  /** @returns false where reading should pause until `onceReady`. */
  put(kind: EntryKind, handle: number, direction: Direction, offset: number, payload: Uint8Array | null, replaced: number, sent?: SentKind): boolean
  note(handle: number, note: Note): void
  open(opened: Omit<OpenedNote, 'type'>): ConnectionRecorder
  onceReady(listener: () => void): void
}

/** One connection's entry to the recorder: keeps the stream offsets, so that the relay needn't. */
export class ConnectionRecorder {
  readonly handle: number
  readonly #recorder: Entries
  readonly #lossy: boolean
  #up = 0
  #down = 0
  readonly #skipped: Record<Direction, number> = { up: 0, down: 0 }
  readonly #skippedFrom: Record<Direction, number> = { up: 0, down: 0 }

  /** @param lossy it carries datagrams, whose sender can't be made to wait: they are left out, and counted, where too many of them wait. */
  constructor(recorder: Entries, handle: number, lossy: boolean) {
    this.#recorder = recorder
    this.#lossy = lossy
    this.handle = handle
  }

  /** Calls once the recorder has caught up. */
  onceReady(listener: () => void): void {
    this.#recorder.onceReady(listener)
  }

  /** A connection opened on behalf of this one. */
  child(opened: Omit<OpenedNote, 'type' | 'parent'>): ConnectionRecorder {
    return this.#recorder.open({ ...opened, parent: this.handle })
  }

  /**
   * Bytes as they came from the wire; copied before it returns.
   * @returns false where reading should pause until the recorder is `ready`.
   */
  received(direction: Direction, bytes: Uint8Array): boolean {
    const offset = direction === 'up' ? this.#up : this.#down
    if (direction === 'up') this.#up += bytes.length
    else this.#down += bytes.length
    if (this.#recorder.skipping || (this.#lossy && this.#recorder.full)) {
      if (this.#skipped[direction] === 0) this.#skippedFrom[direction] = offset
      this.#skipped[direction] += bytes.length
      this.#recorder.countDropped(bytes.length)
      if (this.#skipped[direction] > largestSkip) this.#tellSkipped()
      return true
    }
    this.#tellSkipped()
    return this.#recorder.put(EntryKind.received, this.handle, direction, offset, bytes, 0)
  }

  /** Bytes sent on instead of the `replaced` received bytes at stream offset `offset`. */
  sent(direction: Direction, offset: number, replaced: number, bytes: Uint8Array, kind: SentKind = 'head'): void {
    this.#tellSkipped()
    this.#recorder.put(EntryKind.sent, this.handle, direction, offset, bytes, replaced, kind)
  }

  end(direction: Direction, clean: boolean): void {
    this.#tellSkipped()
    this.#recorder.put(EntryKind.end, this.handle, direction, 0, pad, clean ? 0 : 1)
  }

  connected(note: Omit<ConnectedNote, 'type'>): void {
    this.#recorder.note(this.handle, { type: 'connected', ...note })
  }

  event(event: Omit<EventNote, 'type'>): void {
    this.#recorder.note(this.handle, { type: 'event', ...event })
  }

  closed(note: Omit<ClosedNote, 'type'>): void {
    this.#tellSkipped()
    this.#recorder.note(this.handle, { type: 'closed', ...note })
  }

  /** What was left out is told before anything that comes after it, in either direction: else the rest would read as whole. */
  #tellSkipped(): void {
    for (const direction of ['up', 'down'] as const) {
      const length = this.#skipped[direction]
      if (length === 0) continue
      this.#skipped[direction] = 0
      const from = this.#skippedFrom[direction]
      this.#recorder.put(EntryKind.dropped, this.handle, direction, from, null, length)
    }
  }
}
