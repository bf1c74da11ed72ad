import Sqlite from 'better-sqlite3'

export interface RecordedDatagrams {
  readonly sessions: number
  /** From clients to the server. */
  readonly up: number
  readonly down: number
  /** Different datagrams among those; every one that the load client sends is. */
  readonly distinctUp: number
  readonly distinctDown: number
  /** Datagrams of another size than expected, or without their bytes. */
  readonly misshapen: number
  /** What the recorder or a decoder had to complain about. */
  readonly troubles: readonly string[]
}

/** Looks into a finished recording with SQLite alone: what is lost isn't hidden by the code that lost it. */
export function readDatagrams(path: string, size: number): RecordedDatagrams {
  const database = new Sqlite(path, { readonly: true })
  try {
    const counts = database.prepare(`
      SELECT count(*) FILTER (WHERE d.direction = 'up') AS up, count(*) FILTER (WHERE d.direction = 'down') AS down,
        count(DISTINCT s.bytes) FILTER (WHERE d.direction = 'up') AS distinctUp,
        count(DISTINCT s.bytes) FILTER (WHERE d.direction = 'down') AS distinctDown,
        count(*) FILTER (WHERE s.id IS NULL OR d.size <> ? OR length(s.bytes) <> d.size) AS misshapen
      FROM udp_datagram d LEFT JOIN segment s
        ON s.id = d.segment_id AND s.connection_id = d.connection_id AND s.direction = d.direction AND s.leg = 'received'`)
      .get(size) as Omit<RecordedDatagrams, 'sessions' | 'troubles'>
    const sessions = database.prepare(`SELECT count(*) FROM connection WHERE transport = 'udp'`).pluck().get() as number
    const troubles = database.prepare(`
      SELECT kind || ': ' || text FROM event WHERE kind NOT IN ('recorder-paused') LIMIT 5`).pluck().all() as string[]
    return { ...counts, sessions, troubles }
  } finally {
    database.close()
  }
}
