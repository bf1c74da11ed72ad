import type Sqlite from 'better-sqlite3'
import { WiretapeError, reasonOf, systemCodeOf } from '../error.js'
import { checkCondition, conditionError } from './filter.js'
import { checkOptions } from './known-options.js'
import type { OptionKinds } from './known-options.js'
import type { Row } from './read-rows.js'

/** Prepared queries of one text that are kept for later. */
const mostFree = 64

export interface Selection {
  /** One SQL condition over the columns of the view: `status >= 500 and duration_ms > 200`. */
  readonly where?: string
  /** The same over the columns of the view `record`, whatever is selected: what `ls` would list. Of connections and segments: those of connections that have such records. */
  readonly matching?: string
  /** Only records with a larger id. */
  readonly after?: number
  /** The first so many. */
  readonly limit?: number
}

const selectionKinds: OptionKinds<Selection> = { where: 'any', matching: 'any', after: 'any', limit: 'any' }

/** What is asked of the file, with what others wrote as conditions, and errors in words. Iterations that are under way can be ended. */
export class Queries {
  readonly database: Sqlite.Database
  readonly #path: string
  readonly #reading = new Set<IterableIterator<unknown>>()
  /** Prepared queries, by their text, that nobody is reading rows of. */
  readonly #free = new Map<string, Sqlite.Statement[]>()
  /** Of one row each, which is read at once. */
  readonly #single = new Map<string, Sqlite.Statement>()

  constructor(path: string, database: Sqlite.Database) {
    this.#path = path
    this.database = database
  }

  /**
   * @param bare rows come as arrays, in the order of `columns`: where there are many, their names cost as much as the query.
   * @throws WiretapeError `usage`: what isn't a selection at once, what a condition has wrong when the first row is asked for.
   */
  select<T>(view: string, columns: string, selection: Selection, read: (row: never) => T, bare = false): IterableIterator<T> {
    checkOptions('selection', selectionKinds, selection, '{ where: "status >= 500" }')
    const { after } = selection
    if (after !== undefined && !Number.isFinite(after)) throw new WiretapeError('usage', `selection: after: expected an id, not ${String(after)}`)
    return this.#select(view, columns, selection, read, bare)
  }

  *#select<T>(view: string, columns: string, { where, matching, after, limit }: Selection, read: (row: never) => T, bare: boolean): IterableIterator<T> {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) throw new WiretapeError('usage', `--limit ${limit}: expected a whole number of records, 0 or more`)
    // "true AND" changes no condition, and makes of a bare SELECT what it is here: an error.
    const conditions = [...(where === undefined ? [] : [`(true AND ${checkCondition(where)})`]), ...(after === undefined ? [] : [`id > ${Math.floor(after)}`])]
    if (matching !== undefined) conditions.push(`${view === 'segment' ? 'connection_id' : 'id'} IN (SELECT ${view === 'connection' || view === 'segment' ? 'connection_id' : 'id'} FROM matching)`)
    const matches = matching === undefined ? '' : `SELECT id, connection_id FROM record WHERE (true AND ${checkCondition(matching)})`
    const sql = `${matching === undefined ? '' : `WITH matching AS MATERIALIZED (${matches}) `}SELECT ${columns} FROM ${view}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`} ORDER BY id`
      + (limit === undefined ? '' : ` LIMIT ${Math.max(0, Math.floor(limit))}`)
    let rows: IterableIterator<unknown>
    try {
      // By itself too: as part of the other, it could name columns of the view outside.
      if (matching !== undefined) this.database.prepare(matches)
      rows = this.database.prepare(sql).raw(bare).iterate()
    } catch (cause) {
      throw this.#readError(cause, where, matching, view)
    }
    this.#reading.add(rows)
    try {
      for (const row of rows) yield read(row as never)
    } catch (cause) {
      // Some conditions fail only on a row: a malformed JSON path, an integer overflow.
      throw this.#readError(cause, where, matching, view)
    } finally {
      this.#reading.delete(rows)
    }
  }

  #readError(cause: unknown, where: string | undefined, matching: string | undefined, view: string): unknown {
    if (where === undefined && matching !== undefined) return this.#readError(cause, matching, undefined, 'record')
    const code = systemCodeOf(cause)
    // A parameter (`?`, `:name`) that nobody binds.
    if (where !== undefined && (cause instanceof TypeError || cause instanceof RangeError)) return conditionError(where, cause, [])
    if (code?.startsWith('SQLITE_') !== true) return cause
    if (/no such table/.test(reasonOf(cause))) return new WiretapeError('storage', `${this.#path} was recorded before wiretape kept ${view}: it has none`, { cause })
    if (code === 'SQLITE_ERROR' && where !== undefined) return conditionError(where, cause, this.columns(view))
    return new WiretapeError('storage', `cannot read ${this.#path}: ${reasonOf(cause)}`, { cause })
  }

  /** Rows of a query, that `close` can end. */
  rows(sql: string, ...parameters: (string | number)[]): Generator {
    return this.#read(sql, false, parameters)
  }

  /** The same, each an array. */
  rawRows(sql: string, ...parameters: (string | number)[]): Generator {
    return this.#read(sql, true, parameters)
  }

  /** The query is one of a few: to prepare it costs more than to read a message's rows. */
  *#read(sql: string, raw: boolean, parameters: readonly (string | number)[]): Generator {
    let free = this.#free.get(sql)
    if (free === undefined) this.#free.set(sql, free = [])
    const statement = free.pop() ?? this.database.prepare(sql).raw(raw)
    const rows = statement.iterate(...parameters)
    this.#reading.add(rows)
    try {
      yield* rows
    } finally {
      this.#reading.delete(rows)
      if (free.length < mostFree) free.push(statement)
    }
  }

  /** Recording ended in order, and the secondary indexes were built. */
  indexed(): boolean {
    return this.database.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'segment_by_connection'`).get() !== undefined
  }

  row(sql: string, id: number): Row | undefined {
    let statement = this.#single.get(sql)
    if (statement === undefined) this.#single.set(sql, statement = this.database.prepare(sql))
    return statement.get(id) as Row | undefined
  }

  columns(view: string): string[] {
    return this.database.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(view) as string[]
  }

  /** Iterations that haven't come to their end are ended. */
  close(): void {
    for (const rows of this.#reading) rows.return?.()
    this.database.close()
  }
}
