import Sqlite from 'better-sqlite3'

export interface Recorded {
  /** Exchanges answered with 200. */
  readonly exchanges: number
  readonly requestBytes: number
  readonly responseBytes: number
  /** What the recorder or a decoder had to complain about. */
  readonly troubles: readonly string[]
}

/** Looks into a finished recording with SQLite alone: what is lost isn't hidden by the code that lost it. */
export function readRecorded(path: string): Recorded {
  const database = new Sqlite(path, { readonly: true })
  try {
    const totals = database.prepare(`
      SELECT count(*) AS exchanges, coalesce(sum(request_body_size), 0) AS requestBytes,
        coalesce(sum(response_body_size), 0) AS responseBytes
      FROM http_exchange_row WHERE status = 200 AND error IS NULL`).get() as Omit<Recorded, 'troubles'>
    const troubles = database.prepare(`
      SELECT kind || ': ' || text FROM event WHERE kind NOT IN ('recorder-paused') LIMIT 5`).pluck().all() as string[]
    return { ...totals, troubles }
  } finally {
    database.close()
  }
}
