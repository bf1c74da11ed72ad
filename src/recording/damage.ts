import type { Database, Statement } from 'better-sqlite3'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'

/** What the file is to blame for, and not what was asked of it. */
const damage = /^SQLITE_(?:CORRUPT|NOTADB|IOERR)/

/**
 * Makes what can't be read of a file an error in words, whoever reads it: where its pages are damaged, any query may be the first that meets one; and
 * so may any be asked once it is closed.
 */
export function tellDamage(database: Database, path: string): void {
  const guarded = <A extends unknown[], R>(read: (...given: A) => R): (...given: A) => R => (...given) => {
    try {
      return read(...given)
    } catch (cause) {
      if (!database.open) throw new WiretapeError('usage', `${path} was closed, and is read no more: openRecording opens it again`, { cause })
      if (damage.test(systemCodeOf(cause) ?? '')) throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
      throw cause
    }
  }
  const prepare = guarded(database.prepare.bind(database) as (source: string) => Statement)
  database.prepare = ((source: string) => {
    const statement = prepare(source)
    statement.get = guarded(statement.get.bind(statement))
    statement.all = guarded(statement.all.bind(statement))
    const iterate = guarded(statement.iterate.bind(statement))
    statement.iterate = (...parameters) => {
      const rows = iterate(...parameters)
      rows.next = guarded(rows.next.bind(rows))
      return rows
    }
    return statement
  }) as Database['prepare']
}
