import { setImmediate as breathe } from 'node:timers/promises'
import type { Direction } from '../../../protocols/decoder.js'
import type { Recording, StreamEnds } from '../../../recording/recording.js'
import type { ConnectionRecord } from '../../../recording/rows.js'
import type { StreamSegment } from '../../../recording/stream-places.js'
import type { Place, ScriptEnd, ScriptPiece, Scripts } from './script.js'
import { SentStreams } from './sent-streams.js'

/** Rows read in one go: others have to have their turn. */
const slice = 2000

/** How the relay ended a connection for its client, by the recorded reason; for all others it was closed. None was recorded of one that was open still. */
const ends: Readonly<Record<string, ScriptEnd>> = {
  'server reset': 'reset', 'server failed': 'reset', 'reset by a plugin': 'reset', 'cut for a plugin': 'reset',
  'client closed': 'client', 'client reset': 'client', 'client failed': 'client',
  'relay stopped': 'stopped', 'relay disabled': 'stopped', 'relay changed': 'stopped', 'idle timeout': 'stopped', '': 'stopped', 'connect failed': 'refused',
}

/** The recorded connections of some relays, in their order. Their bytes stay in the file. */
export class RecordedScripts implements Scripts {
  readonly #recording: Recording
  readonly #ids: number[] = []
  readonly #ends: ScriptEnd[] = []
  readonly #began: number[] = []
  readonly #lengths: Record<Direction, number[]> = { up: [], down: [] }
  readonly #changed = new Set<number>()
  readonly #sent: SentStreams
  /** Read together, of connections by their id. */
  readonly #ahead: Record<Direction, { offset: number, segments: ReadonlyMap<number, StreamSegment> }> = { up: { offset: 0, segments: new Map() }, down: { offset: 0, segments: new Map() } }
  /** Connections of which bytes are missing: they aren't given. */
  readonly incomplete: number[] = []

  private constructor(recording: Recording) {
    this.#recording = recording
    this.#sent = new SentStreams(recording)
  }

  /** @param over asked between slices: whether nobody waits for it any longer. */
  static async load(recording: Recording, relays: readonly number[], over: () => boolean): Promise<RecordedScripts> {
    const scripts = new RecordedScripts(recording)
    for (let after = 0; !over();) {
      const rows = recording.streamEnds(relays, 'tcp', after, slice)
      for (const row of rows) scripts.#add(row)
      if (rows.length < slice) break
      after = rows.at(-1)!.id
      await breathe()
    }
    return scripts
  }

  /** These alone, whatever is known of them. */
  static of(recording: Recording, connections: readonly ConnectionRecord[]): RecordedScripts {
    const scripts = new RecordedScripts(recording)
    for (const connection of connections) {
      const { connected, opened, droppedUp, droppedDown } = connection
      scripts.#add({ ...connection, began: connected ?? opened, dropped: droppedUp + droppedDown })
    }
    return scripts
  }

  get size(): number {
    return this.#ids.length
  }

  id(script: number): number {
    return this.#ids[script]!
  }

  end(script: number): ScriptEnd {
    return this.#ends[script]!
  }

  began(script: number): number {
    return this.#began[script]!
  }

  piece(script: number, direction: Direction, offset: number): ScriptPiece | null {
    const id = this.#ids[script]!
    if (direction === 'down' && this.#changed.has(script)) return this.#sent.piece(id, offset)
    if (offset >= this.#lengths[direction][script]!) return null
    const ahead = this.#ahead[direction]
    const segment = (ahead.offset === offset ? ahead.segments.get(id) : undefined) ?? this.#recording.segmentAt(id, direction, offset)
    return segment === null ? null : { bytes: segment.bytes.subarray(offset - segment.offset), time: segment.time, order: segment.id, within: offset > segment.offset }
  }

  ahead(scripts: readonly number[], { up, down }: Place): void {
    const said = this.#readAhead('up', up, scripts)
    // Where the client is in the middle of something, nobody asks for what comes down.
    this.#readAhead('down', down, scripts.filter((script) => (said.get(this.#ids[script]!)?.offset ?? up) === up))
  }

  #readAhead(direction: Direction, offset: number, scripts: readonly number[]): ReadonlyMap<number, StreamSegment> {
    const ids = scripts.filter((script) => offset < this.#lengths[direction][script]!).map((script) => this.#ids[script]!)
    const there = this.#ahead[direction]
    if (there.offset === offset && ids.every((id) => there.segments.has(id))) return there.segments
    const segments = new Map(this.#recording.segmentsAt(ids, direction, offset).map((segment) => [segment.connectionId, segment]))
    this.#ahead[direction] = { offset, segments }
    return segments
  }

  #add({ id, endReason, began, closed, bytesUp, bytesDown, changed, dropped }: StreamEnds): void {
    if (dropped > 0) {
      this.incomplete.push(id)
      return
    }
    if (changed) this.#changed.add(this.#ids.length)
    this.#ids.push(id)
    // Of one that is open more may have been written meanwhile.
    this.#lengths.up.push(closed === null ? Infinity : bytesUp)
    this.#lengths.down.push(closed === null ? Infinity : bytesDown)
    this.#ends.push(ends[endReason ?? ''] ?? 'close')
    this.#began.push(began)
  }
}
