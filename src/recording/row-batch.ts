import type { Database, Statement } from 'better-sqlite3'

/** Rows of one statement: half of what a row of few columns costs is the call. More gain little. */
const rowsAtOnce = 8

/** Rows of one table that are written several at a time, in the order in which they were given. */
export class RowBatch {
  readonly #columns: number
  readonly #many: Statement
  readonly #one: Statement
  #waiting: (string | number | null)[] = []

  constructor(database: Database, table: string, columns: number) {
    const row = `(${Array(columns).fill('?').join(', ')})`
    const statement = (rows: number): Statement => database.prepare(`INSERT OR REPLACE INTO ${table} VALUES ${Array(rows).fill(row).join(', ')}`)
    this.#columns = columns
    this.#many = statement(rowsAtOnce)
    this.#one = statement(1)
  }

  add(...values: readonly (string | number | null)[]): void {
    this.#waiting.push(...values)
    if (this.#waiting.length < rowsAtOnce * this.#columns) return
    const full = this.#waiting
    this.#waiting = []
    this.#many.run(full)
  }

  /** Writes what waits: before the transaction ends. */
  settle(): void {
    const rest = this.#waiting
    this.#waiting = []
    for (let at = 0; at < rest.length; at += this.#columns) this.#one.run(rest.slice(at, at + this.#columns))
  }
}
