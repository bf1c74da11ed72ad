import type { Database } from 'better-sqlite3'
import { tcpAndHttp } from './migrations/1-tcp-and-http.js'
import { ftp } from './migrations/2-ftp.js'
import { udpAndDns } from './migrations/3-udp-and-dns.js'
import { plugins } from './migrations/4-plugins.js'
import { faults } from './migrations/5-faults.js'
import { timeline } from './migrations/6-timeline.js'
import { applicationId, schemaVersion } from './schema-version.js'

/** Forward migrations: entry n brings a file from version n to n + 1. Entries are never edited once released, only added. */
const migrations: readonly string[] = [tcpAndHttp, ftp, udpAndDns, plugins, faults, timeline]

/** Built when recording stops: kept up while 1,000 connections interleave, they cost ten times the rows themselves. */
const indexes: readonly (readonly [name: string, on: string])[] = [
  ['segment_by_message', 'segment (message_id)'],
  ['segment_by_connection', 'segment (connection_id, direction, "offset")'],
  // With both times in it: a condition on the duration is decided without a look at the rows, which lie far apart.
  ['http_exchange_by_status', 'http_exchange_row (status, started, ended)'],
  ['http_exchange_by_connection', 'http_exchange_row (connection_id)'],
  ['http_exchange_by_path', 'http_exchange_row (path)'],
  ['event_by_connection', 'event (connection_id)'],
  ['ftp_command_by_session', 'ftp_command (session_id)'],
  ['ftp_reply_by_session', 'ftp_reply (session_id)'],
  ['ftp_transfer_by_session', 'ftp_transfer (session_id)'],
  ['udp_datagram_by_connection', 'udp_datagram (connection_id)'],
  ['dns_query_by_connection', 'dns_query (connection_id)'],
]

/** Brings a new or older file to today's schema, in one transaction. */
export function migrate(database: Database): void {
  const from = database.pragma('user_version', { simple: true }) as number
  if (from === schemaVersion) return
  if (schemaVersion !== migrations.length) throw new Error(`schema version ${schemaVersion}, and ${migrations.length} migrations`)
  database.transaction(() => {
    for (const migration of migrations.slice(from)) database.exec(migration)
    database.pragma(`application_id = ${applicationId}`)
    database.pragma(`user_version = ${schemaVersion}`)
  })()
}

export function createIndexes(database: Database): void {
  for (const [name, on] of indexes) database.exec(`CREATE INDEX IF NOT EXISTS ${name} ON ${on}`)
}

export function dropIndexes(database: Database): void {
  for (const [name] of indexes) database.exec(`DROP INDEX IF EXISTS ${name}`)
}
