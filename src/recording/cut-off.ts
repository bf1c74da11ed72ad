import type { Database } from 'better-sqlite3'

/** Why a connection is over that was open when the program that recorded it died. */
export const recordingEnded = 'recording ended'

/** What was in progress, a statement for each table. `:at` is when the recording ended, in µs. */
const closings: readonly (readonly [noun: string, plural: string, sql: string])[] = [
  ['connection', 'connections', `UPDATE connection SET closed = max(:at, opened), end_reason = '${recordingEnded}' WHERE closed IS NULL`],
  ['exchange', 'exchanges',
    `UPDATE http_exchange_row SET ended = max(:at, started),
       error = coalesce(error, CASE WHEN status IS NULL THEN 'no response' ELSE 'exchange cut' END || ': ${recordingEnded}') WHERE ended IS NULL`],
  ['FTP session', 'FTP sessions', `UPDATE ftp_session SET ended = max(:at, started), outcome = coalesce(outcome, '${recordingEnded}') WHERE ended IS NULL`],
  // One with an error has come to its end without a reply.
  ['FTP command', 'FTP commands', `UPDATE ftp_command SET replied = max(:at, started), error = 'no reply: ${recordingEnded}' WHERE replied IS NULL AND error IS NULL`],
  ['transfer', 'transfers',
    `UPDATE ftp_transfer SET outcome = 'incomplete', error = 'recording ended before it did', closed = coalesce(closed, max(:at, started)) WHERE outcome = 'open'`],
  ['DNS query', 'DNS queries', `UPDATE dns_query SET error = 'no answer: ${recordingEnded}' WHERE answered IS NULL AND error IS NULL`],
]

/** The last moment of which a recording that was cut off tells, in µs. */
const lastMoment = `SELECT max(
  coalesce((SELECT time FROM segment ORDER BY id DESC LIMIT 1), 0), coalesce((SELECT max(opened) FROM connection), 0),
  coalesce((SELECT max(time) FROM event), 0))`

/**
 * Ends what was left open by a program that died while it recorded, at the last moment that it told of: nothing more will come of it.
 * @returns that moment, and what was ended, in words; null where nothing was open.
 */
export function endWhatWasCutOff(database: Database): { readonly at: number, readonly ended: string } | null {
  const at = database.prepare(lastMoment).pluck().get() as number
  const ended = closings.flatMap(([noun, plural, sql]) => {
    const { changes } = database.prepare(sql).run({ at })
    return changes === 0 ? [] : [`${changes} ${changes === 1 ? noun : plural}`]
  })
  return ended.length === 0 ? null : { at, ended: ended.join(', ') }
}
