import { createHash } from 'node:crypto'
import Sqlite from 'better-sqlite3'

export interface RecordedTransfer {
  readonly verb: string
  /** As the client named it: the whole path is known only of clients that ask for their folder. */
  readonly name: string
  readonly bytes: number
  /** As the recorder told. */
  readonly sha256: string | null
  readonly outcome: string
  readonly code: number | null
  /** Bytes of the data connection's segments; null where they don't follow one another without a gap. */
  readonly kept: number | null
}

export interface RecordedFtp {
  readonly sessions: number
  readonly commands: number
  /** Commands without a reply, or whose session isn't there. */
  readonly unanswered: number
  /** Of RETR and STOR. */
  readonly transfers: readonly RecordedTransfer[]
  /** Transfers whose command, session or data connection isn't there, or isn't theirs. */
  readonly untied: number
  readonly troubles: readonly string[]
}

/** Looks into a finished recording with SQLite alone: what is lost isn't hidden by the code that lost it. */
export function readFtp(path: string): RecordedFtp {
  const database = new Sqlite(path, { readonly: true })
  const count = (query: string): number => database.prepare(query).pluck().get() as number
  try {
    // One walk over the segments, whose bytes aren't read for their length.
    const transfers = database.prepare(`
      WITH kept AS (SELECT connection_id, direction, sum(length(bytes)) AS bytes, max("offset" + length(bytes)) AS reach
        FROM segment WHERE leg = 'received' GROUP BY connection_id, direction)
      SELECT t.verb, coalesce(c.argument, '') AS name, t.bytes, t.sha256, t.outcome, t.code,
        CASE WHEN k.bytes = k.reach THEN k.bytes WHEN k.bytes IS NULL AND t.bytes = 0 THEN 0 END AS kept
      FROM ftp_transfer t LEFT JOIN ftp_command c ON c.id = t.command_id
        LEFT JOIN kept k ON k.connection_id = t.connection_id AND k.direction = t.direction
      WHERE t.verb IN ('RETR', 'STOR') ORDER BY t.id`).all() as RecordedTransfer[]
    return {
      sessions: count('SELECT count(*) FROM ftp_session'),
      commands: count('SELECT count(*) FROM ftp_command'),
      unanswered: count(`
        SELECT count(*) FROM ftp_command c LEFT JOIN ftp_session s ON s.id = c.session_id AND s.connection_id = c.connection_id
        WHERE s.id IS NULL OR c.code IS NULL OR c.replied IS NULL OR c.error IS NOT NULL`),
      transfers,
      untied: count(`
        SELECT count(*) FROM ftp_transfer t
          LEFT JOIN ftp_command c ON c.id = t.command_id AND c.transfer_id = t.id AND c.session_id = t.session_id AND c.verb = t.verb
          LEFT JOIN connection d ON d.id = t.connection_id AND d.role = 'data' AND d.parent_id = c.connection_id
        WHERE c.id IS NULL OR d.id IS NULL`),
      troubles: database.prepare(`
        SELECT kind || ': ' || text FROM event WHERE kind NOT IN ('recorder-paused') LIMIT 5`).pluck().all() as string[],
    }
  } finally {
    database.close()
  }
}

/** The hash of every transfer's bytes as they lie in the file, by the name of what was transferred. */
export function hashTransfers(path: string): Map<string, string> {
  const database = new Sqlite(path, { readonly: true })
  try {
    const transfers = database.prepare(`
      SELECT coalesce(c.argument, '') AS name, t.connection_id AS connection, t.direction
      FROM ftp_transfer t JOIN ftp_command c ON c.id = t.command_id WHERE t.verb IN ('RETR', 'STOR')`)
      .all() as { name: string, connection: number | null, direction: string }[]
    const segments = database.prepare(`
      SELECT bytes FROM segment WHERE connection_id = ? AND direction = ? AND leg = 'received' ORDER BY "offset"`).pluck()
    return new Map(transfers.map(({ name, connection, direction }) => {
      const hash = createHash('sha256')
      for (const bytes of segments.iterate(connection, direction)) hash.update(bytes as Buffer)
      return [name, hash.digest('hex')]
    }))
  } finally {
    database.close()
  }
}
