import type { Direction } from '../protocols/decoder.js'
import type { ClosedNote, ConnectedNote, EventNote, ExchangeNote, Note, OpenedNote } from './notes.js'
import { Masking } from './masking.js'
import { MessageEnds } from './message-ends.js'
import type { Mask } from './masking.js'
import { EntryKind } from './slab.js'
import type { SentKind } from './slab.js'

/** Bytes left out that one entry can tell of. */
const largestSkip = 2 ** 30

/** Bytes sent before that masks look at once more: names and values are seldom longer. */
const sentRemembered = 4096

const pad = Buffer.alloc(0)

/** What a connection's entries are handed to: the recorder. */
export interface Entries {
  /** Bytes are to be left out, not queued: the writer is behind, and that was asked for. */
  readonly skipping: boolean
  /** The writer is so far behind that nothing more may be queued that can't be paused. */
  readonly full: boolean
  /** The writer is behind, and what can be paused is. */
  readonly behind: boolean
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
  #masks: ((direction: Direction) => readonly Mask[]) | null = null
  readonly #masking: Record<Direction, Masking | null> = { up: null, down: null }
  /** Bytes that were given to be masked: stream offsets. */
  readonly #toMask: Record<Direction, number> = { up: 0, down: 0 }
  #ends: MessageEnds | null = null
  /** What was sent instead of bytes that a mask still holds: told after them. */
  #sentLater: { direction: Direction, offset: number, replaced: number, bytes: Buffer, kind: SentKind }[] = []
  /** The last of what was sent instead, as it was. */
  readonly #sentBefore: Record<Direction, Buffer> = { up: pad, down: pad }
  readonly #skipped: Record<Direction, number> = { up: 0, down: 0 }
  readonly #skippedFrom: Record<Direction, number> = { up: 0, down: 0 }
  /** Masked places that are told once it is known whether they are recorded. */
  readonly #places: Record<Direction, { start: number, end: number }[]> = { up: [], down: [] }
  /** Why a mask failed: so too. */
  readonly #failed: Record<Direction, string | null> = { up: null, down: null }
  /** Where bytes were last left out. */
  readonly #hole: Record<Direction, { start: number, end: number }> = { up: { start: 0, end: 0 }, down: { start: 0, end: 0 } }

  /** @param lossy it carries datagrams, whose sender can't be made to wait: they are left out, and counted, where too many of them wait. */
  constructor(recorder: Entries, handle: number, lossy: boolean) {
    this.#recorder = recorder
    this.#lossy = lossy
    this.handle = handle
  }

  /** Sockets aren't read until the recorder has caught up. */
  get behind(): boolean {
    return this.#recorder.behind
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
   * Keeps secrets out of the recording: to be called before any bytes.
   * @param masks of a direction, made anew for each use. @param messages it carries HTTP, and each message is masked by itself.
   */
  maskWith(masks: (direction: Direction) => readonly Mask[], messages: boolean): void {
    this.#masks = masks
    if (messages) this.#ends = new MessageEnds()
    // Each datagram is masked by itself: one that waited for the next would no longer be one.
    if (this.#lossy) return
    for (const direction of ['up', 'down'] as const) {
      const found = masks(direction)
      if (found.length > 0) this.#masking[direction] = this.#maskingOf(found, direction)
    }
  }

  /**
   * Bytes as they came from the wire; copied before it returns.
   * @returns false where reading should pause until the recorder is `ready`.
   */
  received(direction: Direction, bytes: Uint8Array): boolean {
    if (this.#masks === null) return this.#record(direction, bytes)
    const masking = this.#masking[direction]
    if (masking === null) return this.#record(direction, this.#lossy ? this.#maskedDatagram(direction, bytes) : bytes)
    let from = 0
    const over: Buffer[] = []
    for (const end of this.#ends?.endsIn(direction, bytes as Buffer) ?? []) {
      const ending = this.#masking[direction]!
      this.#toMask[direction] += end - from
      over.push(ending.take((bytes as Buffer).subarray(from, end)), ending.end())
      this.#masking[direction] = this.#maskingOf(this.#masks(direction), direction)
      from = end
    }
    this.#toMask[direction] += bytes.length - from
    const last = this.#masking[direction]!.take((bytes as Buffer).subarray(from))
    const ready = this.#record(direction, over.length === 0 ? last : Buffer.concat([...over, last]))
    this.#tellLater(direction)
    return ready
  }

  #record(direction: Direction, bytes: Uint8Array): boolean {
    if (bytes.length === 0 && this.#masks !== null && this.#masking[direction] !== null) {
      this.#tellPlaces(direction)
      return true
    }
    const offset = direction === 'up' ? this.#up : this.#down
    if (direction === 'up') this.#up += bytes.length
    else this.#down += bytes.length
    if (this.#recorder.skipping || (this.#lossy && this.#recorder.full)) {
      if (this.#skipped[direction] === 0) this.#skippedFrom[direction] = offset
      this.#skipped[direction] += bytes.length
      this.#recorder.countDropped(bytes.length)
      const hole = this.#hole[direction]
      if (hole.end !== offset) hole.start = offset
      hole.end = offset + bytes.length
      this.#tellPlaces(direction)
      if (this.#skipped[direction] > largestSkip) this.#tellSkipped()
      return true
    }
    this.#tellPlaces(direction)
    const failed = this.#failed[direction]
    if (failed !== null) this.#tellFailed(direction, failed)
    this.#failed[direction] = null
    this.#tellSkipped()
    return this.#recorder.put(EntryKind.received, this.handle, direction, offset, bytes, 0)
  }

  /** Bytes sent on instead of the `replaced` received bytes at stream offset `offset`. */
  sent(direction: Direction, offset: number, replaced: number, bytes: Uint8Array, kind: SentKind = 'head'): void {
    // Left out like what it stands for: the writer is behind, and that was asked for.
    if (this.#recorder.skipping || (this.#lossy && this.#recorder.full)) {
      this.#recorder.countDropped(bytes.length)
      return
    }
    if (this.#masks !== null) {
      const masked = this.#maskedSent(direction, bytes)
      if (!masked.equals(bytes)) this.#tellMasked(direction, offset, differing(masked, bytes), true)
      this.#sentLater.push({ direction, offset, replaced, bytes: masked, kind })
      this.#tellLater(direction)
      return
    }
    this.#tellSkipped()
    this.#recorder.put(EntryKind.sent, this.handle, direction, offset, bytes, replaced, kind)
  }

  /** A replacement comes after what it replaces: readers of the recording count on it. */
  #tellLater(direction: Direction): void {
    if (this.#sentLater.length === 0) return
    const told = direction === 'up' ? this.#up : this.#down
    this.#tellSkipped()
    this.#sentLater = this.#sentLater.filter((one) => {
      if (one.direction !== direction || one.offset + one.replaced > told) return true
      this.#recorder.put(EntryKind.sent, this.handle, direction, one.offset, one.bytes, one.replaced, one.kind)
      return false
    })
  }

  /** Of what comes next in the stream. */
  #maskingOf(masks: readonly Mask[], direction: Direction): Masking {
    const base = this.#toMask[direction]
    return new Masking(masks, (why) => { this.#failed[direction] = why }, (start, end) => this.#places[direction].push({ start: base + start, end: base + end }))
  }

  #tellFailed(direction: Direction, why: string): void {
    this.event({ kind: 'mask-failed', source: 'recorder', direction, text: `a mask failed, and what it would have masked is kept as asterisks: ${why}` })
  }

  /** Those of which something is recorded: what is left out needs no telling, and while the writer is behind it would only be more to write. */
  #tellPlaces(direction: Direction): void {
    const hole = this.#hole[direction]
    for (const { start, end } of this.#places[direction].splice(0)) if (start < hole.start || end > hole.end) this.#tellMasked(direction, start, end - start)
  }

  /** Whoever reads the recording knows by it which asterisks came from the wire, and which stand for something else. */
  #tellMasked(direction: Direction, offset: number, bytes: number, sent = false): void {
    this.event({ kind: sent ? 'masked-sent' : 'masked', source: 'recorder', direction, offset, bytes, text: `${bytes === 1 ? '1 byte is' : `${bytes} bytes are`} masked${sent ? ' in what was sent instead' : ''}` })
  }

  #maskedDatagram(direction: Direction, bytes: Uint8Array): Buffer {
    const masking = this.#maskingOf(this.#masks!(direction), direction)
    this.#toMask[direction] += bytes.length
    return Buffer.concat([masking.take(bytes as Buffer), masking.end()])
  }

  #maskedWhole(masks: readonly Mask[], direction: Direction, bytes: Uint8Array): Buffer {
    const masking = new Masking(masks, (why) => this.#tellFailed(direction, why))
    return masks.length === 0 ? Buffer.from(bytes) : Buffer.concat([masking.take(bytes as Buffer), masking.end()])
  }

  /** Masked with what was sent before it: a name may have gone in one piece and its value in the next. */
  #maskedSent(direction: Direction, bytes: Uint8Array): Buffer {
    if (this.#lossy) return this.#maskedWhole(this.#masks!(direction), direction, bytes)
    const before = this.#sentBefore[direction]
    const all = Buffer.concat([before, bytes])
    this.#sentBefore[direction] = Buffer.from(all.subarray(Math.max(0, all.length - sentRemembered)))
    return this.#maskedWhole(this.#masks!(direction), direction, all).subarray(before.length)
  }

  #endMask(direction: Direction): void {
    const masking = this.#masking[direction]
    if (masking === null) return
    this.#masking[direction] = null
    this.#record(direction, masking.end())
    this.#tellLater(direction)
  }

  end(direction: Direction, clean: boolean): void {
    this.#endMask(direction)
    this.#tellSkipped()
    this.#recorder.put(EntryKind.end, this.handle, direction, 0, pad, clean ? 0 : 1)
  }

  connected(note: Omit<ConnectedNote, 'type'>): void {
    this.#recorder.note(this.handle, { type: 'connected', ...note })
  }

  event(event: Omit<EventNote, 'type'>): void {
    this.#recorder.note(this.handle, { type: 'event', ...event })
  }

  exchange(note: Omit<ExchangeNote, 'type'>): void {
    const { answer } = note
    this.#recorder.note(this.handle, {
      type: 'exchange', ...note,
      ...(answer === undefined || this.#masks === null ? {} : { answer: { ...answer, headers: this.#maskedHeaders(answer.headers) } }),
    })
  }

  /** Written out as on the wire, where masks know a header by its line; one whose name is masked too is left out. */
  #maskedHeaders(headers: readonly (readonly [string, string])[]): (readonly [string, string])[] {
    return headers.flatMap(([name, value]) => {
      const line = this.#maskedWhole(this.#masks!('down'), 'down', Buffer.from(`${name}: ${value}\r\n`, 'latin1')).toString('latin1')
      return line.startsWith(`${name}: `) ? [[name, line.slice(name.length + 2, -2)] as const] : []
    })
  }

  closed(note: Omit<ClosedNote, 'type'>): void {
    this.#endMask('up')
    this.#endMask('down')
    this.#tellSkipped()
    this.#recorder.note(this.handle, { type: 'closed', ...note })
  }

  /** What was left out is told before anything that comes after it, in either direction: else the rest would read as whole. */
  #tellSkipped(): void {
    if (this.#skipped.up === 0 && this.#skipped.down === 0) return
    for (const direction of ['up', 'down'] as const) {
      const length = this.#skipped[direction]
      if (length === 0) continue
      this.#skipped[direction] = 0
      const from = this.#skippedFrom[direction]
      this.#recorder.put(EntryKind.dropped, this.handle, direction, from, null, length)
    }
  }
}

function differing(masked: Buffer, bytes: Uint8Array): number {
  let count = 0
  for (let at = 0; at < masked.length; at++) if (masked[at] !== bytes[at]) count++
  return count
}
