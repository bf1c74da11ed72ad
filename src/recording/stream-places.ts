import type { Database, Statement } from 'better-sqlite3'
import type { Direction } from '../protocols/decoder.js'

/** A segment as it came, without what nobody asks for who reads a stream: where there are many, that costs more than the search. */
export interface StreamSegment {
  readonly id: number
  readonly connectionId: number
  readonly offset: number
  /** µs since the epoch. */
  readonly time: number
  readonly bytes: Buffer
}

type Columns = readonly [id: number, connectionId: number, offset: number, time: number, bytes: Buffer]

const columns = 's.id, s.connection_id, s."offset", s.time, s.bytes'

/** Connections by which it is told whether looking for beginnings is worth it. */
const sample = 8

type Places = { readonly offsets: number[], readonly ids: number[] }

/** Finds what holds a byte of a stream as it came, without reading what comes before it. */
export class StreamPlaces {
  readonly #database: Database
  readonly #indexed: boolean
  readonly #at: Statement
  readonly #atMany: Statement
  /** Those that begin there. */
  readonly #beginning: Statement
  /** Of a recording that is open still, or was cut off: it has no index, and is gone through once instead. */
  #scanned: Map<string, Places> | null = null

  constructor(database: Database) {
    this.#database = database
    this.#indexed = database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = 'segment_by_connection'`).get() !== undefined
    this.#at = database.prepare(this.#indexed
      ? `SELECT ${columns} FROM segment s WHERE connection_id = ? AND direction = ? AND leg = 'received' AND "offset" <= ? ORDER BY "offset" DESC, id DESC LIMIT 1`
      : `SELECT ${columns} FROM segment s WHERE id = ?`).raw()
    this.#beginning = database.prepare(
      `SELECT ${columns} FROM json_each(?) j JOIN segment s ON s.connection_id = j.value AND s.direction = ? AND s."offset" = ? AND s.leg = 'received' ORDER BY s.id`).raw()
    this.#atMany = database.prepare(
      `SELECT ${columns} FROM json_each(?) j JOIN segment s ON s.id = (
         SELECT id FROM segment WHERE connection_id = j.value AND direction = ? AND leg = 'received' AND "offset" <= ? ORDER BY "offset" DESC, id DESC LIMIT 1)`).raw()
  }

  /** @returns null beyond the stream's end, and where bytes are missing. */
  at(connectionId: number, direction: Direction, offset: number): StreamSegment | null {
    if (this.#indexed) return segmentOf(this.#at.get(connectionId, direction, offset), offset)
    this.#scanned ??= this.#scan()
    const places = this.#scanned.get(`${connectionId} ${direction}`)
    if (places === undefined) return null
    let [low, high] = [0, places.offsets.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (places.offsets[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return low === 0 ? null : segmentOf(this.#at.get(places.ids[low - 1]!), offset)
  }

  /** The same of many connections: of those that have one there. */
  atMany(connectionIds: readonly number[], direction: Direction, offset: number): StreamSegment[] {
    if (!this.#indexed) return connectionIds.map((id) => this.at(id, direction, offset)).filter((segment) => segment !== null)
    // Most begin where they are asked for, and are found with half the search. Of those at the same place the last counts.
    const found = new Map<number, StreamSegment>()
    const add = (rows: readonly unknown[]): void => {
      for (const row of rows) {
        const segment = segmentOf(row, offset)
        if (segment !== null) found.set(segment.connectionId, segment)
      }
    }
    const first = connectionIds.slice(0, sample)
    add(this.#beginning.all(JSON.stringify(first), direction, offset))
    // Where none does, all are in the middle of something.
    if (found.size > 0 && connectionIds.length > sample) add(this.#beginning.all(JSON.stringify(connectionIds.slice(sample)), direction, offset))
    const others = found.size === connectionIds.length ? [] : connectionIds.filter((id) => !found.has(id))
    if (others.length > 0) add(this.#atMany.all(JSON.stringify(others), direction, offset))
    return [...found.values()]
  }

  #scan(): Map<string, Places> {
    const found = new Map<string, Places>()
    const rows = this.#database.prepare(`SELECT connection_id, direction, "offset", id FROM segment WHERE leg = 'received' ORDER BY id`).raw().iterate()
    for (const row of rows) {
      const [connection, direction, offset, id] = row as [number, string, number, number]
      const key = `${connection} ${direction}`
      let places = found.get(key)
      if (places === undefined) found.set(key, places = { offsets: [], ids: [] })
      places.offsets.push(offset)
      places.ids.push(id)
    }
    return found
  }
}

/** @param row of the last segment that begins there or before. */
function segmentOf(row: unknown, offset: number): StreamSegment | null {
  if (row === undefined) return null
  const [id, connectionId, from, time, bytes] = row as Columns
  return offset < from + bytes.length ? { id, connectionId, offset: from, time, bytes } : null
}
