import type { Database } from 'better-sqlite3'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'

/** Marks the file as ours in SQLite's header (`PRAGMA application_id`): the letters "wtap". */
export const applicationId = 0x77746170

/** Forward migrations: entry n brings a file from version n to n + 1. Entries are never edited once released, only added. */
const migrations: readonly string[] = [
  /* 0 → 1: TCP and HTTP */ `
  CREATE TABLE recording (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE relay (
    id INTEGER PRIMARY KEY, protocol TEXT NOT NULL, listen_host TEXT NOT NULL, listen_port INTEGER NOT NULL,
    target TEXT NOT NULL
  ) STRICT;

  -- Ids of connections, exchanges and events come from one sequence, so an id names one record of any kind.
  CREATE TABLE connection (
    id INTEGER PRIMARY KEY, relay_id INTEGER NOT NULL, protocol TEXT NOT NULL, transport TEXT NOT NULL,
    parent_id INTEGER, role TEXT,
    client_host TEXT, client_port INTEGER, listen_host TEXT, listen_port INTEGER,
    dial_host TEXT, dial_port INTEGER, server_host TEXT, server_port INTEGER,
    opened INTEGER NOT NULL, connected INTEGER, closed INTEGER, end_reason TEXT, error TEXT,
    bytes_up INTEGER NOT NULL DEFAULT 0, bytes_down INTEGER NOT NULL DEFAULT 0,
    dropped_up INTEGER NOT NULL DEFAULT 0, dropped_down INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    tls_version TEXT, tls_cipher TEXT, tls_alpn TEXT, tls_server_name TEXT
  ) STRICT;

  -- leg 'received': the wire as it came; in offset order it is the stream, byte for byte.
  -- leg 'sent': what was sent on instead of the received bytes from "offset" to "offset" + replaces.
  CREATE TABLE segment (
    id INTEGER PRIMARY KEY, connection_id INTEGER NOT NULL, direction TEXT NOT NULL, leg TEXT NOT NULL,
    "offset" INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL, message_id INTEGER,
    replaces INTEGER, bytes BLOB NOT NULL
  ) STRICT;

  -- Distinct lists of header fields, [[name, value], …], and what is searched for in them. Connections repeat theirs:
  -- kept once, they leave http_exchange_row narrow enough to be searched in full.
  CREATE TABLE header_list (id INTEGER PRIMARY KEY, fields TEXT NOT NULL, host TEXT, content_type TEXT) STRICT;

  CREATE TABLE http_exchange_row (
    id INTEGER PRIMARY KEY, connection_id INTEGER NOT NULL,
    status INTEGER, started INTEGER NOT NULL, first_byte INTEGER, ended INTEGER,
    request_body_size INTEGER NOT NULL DEFAULT 0, response_body_size INTEGER NOT NULL DEFAULT 0,
    request_header_list INTEGER, response_header_list INTEGER,
    request_trailer_list INTEGER, response_trailer_list INTEGER,
    first_segment INTEGER, last_segment INTEGER, changed INTEGER NOT NULL DEFAULT 0,
    method TEXT, scheme TEXT, authority TEXT, path TEXT, query TEXT, reason TEXT,
    request_version TEXT, response_version TEXT, informational TEXT, framing_flags TEXT, error TEXT
  ) STRICT;

  CREATE TABLE event (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, connection_id INTEGER, message_id INTEGER,
    kind TEXT NOT NULL, source TEXT NOT NULL, direction TEXT, "offset" INTEGER, bytes INTEGER, text TEXT NOT NULL
  ) STRICT;

  CREATE VIEW http_exchange AS
    SELECT e.id, e.connection_id, e.method, e.scheme, coalesce(e.authority, rq.host) AS host, e.path, e.query, e.status, e.reason,
      e.scheme || '://' || coalesce(e.authority, rq.host) || e.path || coalesce('?' || e.query, '') AS url,
      e.request_version, e.response_version,
      rq.fields AS request_headers, rs.fields AS response_headers,
      rqt.fields AS request_trailers, rst.fields AS response_trailers,
      rq.content_type AS request_type, rs.content_type AS response_type, e.request_body_size, e.response_body_size,
      e.started, e.first_byte, e.ended,
      (e.first_byte - e.started) / 1000.0 AS first_byte_ms, (e.ended - e.started) / 1000.0 AS duration_ms,
      e.informational, e.framing_flags, e.changed, e.error, e.first_segment, e.last_segment
    FROM http_exchange_row e
      LEFT JOIN header_list rq ON rq.id = e.request_header_list LEFT JOIN header_list rs ON rs.id = e.response_header_list
      LEFT JOIN header_list rqt ON rqt.id = e.request_trailer_list LEFT JOIN header_list rst ON rst.id = e.response_trailer_list;

  CREATE VIEW http_header AS
    SELECT e.id AS exchange_id, 'up' AS direction, f.key AS position,
      json_extract(f.value, '$[0]') AS name, json_extract(f.value, '$[1]') AS value
    FROM http_exchange_row e JOIN header_list l ON l.id = e.request_header_list, json_each(l.fields) f
    UNION ALL
    SELECT e.id, 'down', f.key, json_extract(f.value, '$[0]'), json_extract(f.value, '$[1]')
    FROM http_exchange_row e JOIN header_list l ON l.id = e.response_header_list, json_each(l.fields) f;

  -- A connection is a record of its own where no message tells its story.
  CREATE VIEW record AS
    SELECT e.id, 'http' AS protocol, 'exchange' AS kind, connection_id, started AS time, started, ended,
      (ended - started) / 1000.0 AS duration_ms, (first_byte - started) / 1000.0 AS first_byte_ms,
      coalesce(method, '?') || ' ' || CASE method WHEN 'CONNECT' THEN authority ELSE coalesce(path || coalesce('?' || query, ''), '?') END
        || coalesce(' → ' || status, '') AS summary,
      request_body_size + response_body_size AS bytes,
      request_body_size AS bytes_up, response_body_size AS bytes_down,
      coalesce(error, CASE WHEN ended IS NULL THEN 'open' ELSE 'complete' END) AS outcome, error, changed,
      method, scheme, coalesce(authority, rq.host) AS host, path, query, status, reason,
      rq.content_type AS request_type, rs.content_type AS response_type, framing_flags,
      request_body_size, response_body_size
    FROM http_exchange_row e
      LEFT JOIN header_list rq ON rq.id = e.request_header_list LEFT JOIN header_list rs ON rs.id = e.response_header_list
    UNION ALL
    SELECT id, protocol, 'connection', id, opened, opened, closed,
      (closed - opened) / 1000.0, NULL,
      coalesce(client_host || ':' || client_port, '?') || ' → ' || coalesce(server_host || ':' || server_port, '?'),
      bytes_up + bytes_down, bytes_up, bytes_down,
      coalesce(error, end_reason, CASE WHEN closed IS NULL THEN 'open' ELSE 'complete' END), error, 0,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM connection WHERE messages = 0;
`,
  /* 1 → 2: FTP */ `
  CREATE TABLE ftp_session (
    id INTEGER PRIMARY KEY, connection_id INTEGER NOT NULL, user TEXT, greeting TEXT, system TEXT, features TEXT,
    tls INTEGER NOT NULL DEFAULT 0, started INTEGER NOT NULL, ended INTEGER, outcome TEXT
  ) STRICT;

  CREATE TABLE ftp_command (
    id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, connection_id INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    verb TEXT NOT NULL, argument TEXT, path TEXT, started INTEGER NOT NULL, replied INTEGER,
    code INTEGER, text TEXT, transfer_id INTEGER, changed INTEGER NOT NULL DEFAULT 0, error TEXT,
    latency_ms REAL GENERATED ALWAYS AS ((replied - started) / 1000.0) VIRTUAL
  ) STRICT;

  -- Every reply with its time, preliminary ones too. command_id is null for the greeting and what nobody asked for.
  CREATE TABLE ftp_reply (
    id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, command_id INTEGER, time INTEGER NOT NULL,
    code INTEGER NOT NULL, text TEXT NOT NULL
  ) STRICT;

  CREATE TABLE ftp_transfer (
    id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, command_id INTEGER NOT NULL, connection_id INTEGER,
    verb TEXT NOT NULL, direction TEXT NOT NULL, path TEXT, type TEXT NOT NULL, transfer_mode TEXT NOT NULL,
    structure TEXT NOT NULL, mode TEXT, form TEXT, dialled_by TEXT, restart_offset INTEGER NOT NULL DEFAULT 0,
    size_told INTEGER, started INTEGER NOT NULL, prepared INTEGER, connected INTEGER, first_byte INTEGER, last_byte INTEGER,
    closed INTEGER, replied INTEGER, bytes INTEGER NOT NULL DEFAULT 0, sha256 TEXT, code INTEGER, text TEXT,
    outcome TEXT NOT NULL, error TEXT,
    duration_ms REAL GENERATED ALWAYS AS ((max(coalesce(closed, replied), coalesce(replied, closed)) - started) / 1000.0) VIRTUAL,
    bytes_per_second REAL GENERATED ALWAYS AS (bytes * 1000000.0 / nullif(last_byte - connected, 0)) VIRTUAL
  ) STRICT;

  CREATE TABLE ftp_listing (
    transfer_id INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, type TEXT, size INTEGER,
    modified INTEGER, modified_text TEXT, PRIMARY KEY (transfer_id, position)
  ) STRICT, WITHOUT ROWID;

  DROP VIEW record;
  CREATE VIEW record AS
    SELECT e.id, 'http' AS protocol, 'exchange' AS kind, connection_id, started AS time, started, ended,
      (ended - started) / 1000.0 AS duration_ms, (first_byte - started) / 1000.0 AS first_byte_ms,
      coalesce(method, '?') || ' ' || CASE method WHEN 'CONNECT' THEN authority ELSE coalesce(path || coalesce('?' || query, ''), '?') END
        || coalesce(' → ' || status, '') AS summary,
      request_body_size + response_body_size AS bytes,
      request_body_size AS bytes_up, response_body_size AS bytes_down,
      coalesce(error, CASE WHEN ended IS NULL THEN 'open' ELSE 'complete' END) AS outcome, error, changed,
      method, scheme, coalesce(authority, rq.host) AS host, path, query, status, reason,
      rq.content_type AS request_type, rs.content_type AS response_type, framing_flags,
      request_body_size, response_body_size
    FROM http_exchange_row e
      LEFT JOIN header_list rq ON rq.id = e.request_header_list LEFT JOIN header_list rs ON rs.id = e.response_header_list
    UNION ALL
    SELECT id, 'ftp', 'session', connection_id, started, started, ended, (ended - started) / 1000.0, NULL,
      'session of ' || coalesce(user, 'nobody') || coalesce(': ' || greeting, ''), 0, 0, 0,
      coalesce(outcome, 'open'), NULL, 0,
      NULL, 'ftp', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM ftp_session
    UNION ALL
    SELECT id, 'ftp', 'command', connection_id, started, started, replied, latency_ms, latency_ms,
      verb || coalesce(' ' || argument, '') || coalesce(' → ' || code || coalesce(' ' || text, ''), ''), 0, 0, 0,
      coalesce(error, CASE WHEN replied IS NULL THEN 'open' ELSE 'complete' END), error, changed,
      verb, 'ftp', NULL, path, NULL, code, text, NULL, NULL, NULL, NULL, NULL
    FROM ftp_command
    UNION ALL
    SELECT id, 'ftp', 'transfer', coalesce(connection_id, 0), started, started, max(coalesce(closed, replied), coalesce(replied, closed)),
      duration_ms, (first_byte - started) / 1000.0,
      CASE direction WHEN 'up' THEN '↑ ' ELSE '↓ ' END || coalesce(path, verb) || coalesce(' by ' || form, ''),
      bytes, CASE direction WHEN 'up' THEN bytes ELSE 0 END, CASE direction WHEN 'down' THEN bytes ELSE 0 END,
      outcome, error, 0, verb, 'ftp', NULL, path, NULL, code, text, NULL, NULL, NULL, NULL, NULL
    FROM ftp_transfer
    UNION ALL
    SELECT id, protocol, 'connection', id, opened, opened, closed,
      (closed - opened) / 1000.0, NULL,
      coalesce(client_host || ':' || client_port, '?') || ' → ' || coalesce(server_host || ':' || server_port, '?'),
      bytes_up + bytes_down, bytes_up, bytes_down,
      coalesce(error, end_reason, CASE WHEN closed IS NULL THEN 'open' ELSE 'complete' END), error, 0,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM connection WHERE messages = 0;
`,
  /* 2 → 3: UDP and DNS */ `
  -- The bytes are the segment's. decoded: it is told by a message (dns_query …) and isn't a record of its own.
  CREATE TABLE udp_datagram (
    id INTEGER PRIMARY KEY, connection_id INTEGER NOT NULL, direction TEXT NOT NULL, time INTEGER NOT NULL,
    size INTEGER NOT NULL, segment_id INTEGER NOT NULL, decoded INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE dns_query (
    id INTEGER PRIMARY KEY, connection_id INTEGER NOT NULL, datagram_id INTEGER NOT NULL, answer_datagram_id INTEGER,
    dns_id INTEGER NOT NULL, name TEXT, type TEXT, class TEXT, opcode TEXT NOT NULL, flags TEXT NOT NULL, rcode TEXT,
    started INTEGER NOT NULL, answered INTEGER, answers INTEGER NOT NULL, error TEXT,
    latency_ms REAL GENERATED ALWAYS AS ((answered - started) / 1000.0) VIRTUAL
  ) STRICT;

  CREATE TABLE dns_answer (
    query_id INTEGER NOT NULL, position INTEGER NOT NULL, section TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
    class TEXT, ttl INTEGER, data TEXT NOT NULL, PRIMARY KEY (query_id, position)
  ) STRICT, WITHOUT ROWID;

  DROP VIEW record;
  CREATE VIEW record AS
    SELECT e.id, 'http' AS protocol, 'exchange' AS kind, connection_id, started AS time, started, ended,
      (ended - started) / 1000.0 AS duration_ms, (first_byte - started) / 1000.0 AS first_byte_ms,
      coalesce(method, '?') || ' ' || CASE method WHEN 'CONNECT' THEN authority ELSE coalesce(path || coalesce('?' || query, ''), '?') END
        || coalesce(' → ' || status, '') AS summary,
      request_body_size + response_body_size AS bytes,
      request_body_size AS bytes_up, response_body_size AS bytes_down,
      coalesce(error, CASE WHEN ended IS NULL THEN 'open' ELSE 'complete' END) AS outcome, error, changed,
      method, scheme, coalesce(authority, rq.host) AS host, path, query, status, reason,
      rq.content_type AS request_type, rs.content_type AS response_type, framing_flags,
      request_body_size, response_body_size
    FROM http_exchange_row e
      LEFT JOIN header_list rq ON rq.id = e.request_header_list LEFT JOIN header_list rs ON rs.id = e.response_header_list
    UNION ALL
    SELECT id, 'ftp', 'session', connection_id, started, started, ended, (ended - started) / 1000.0, NULL,
      'session of ' || coalesce(user, 'nobody') || coalesce(': ' || greeting, ''), 0, 0, 0,
      coalesce(outcome, 'open'), NULL, 0,
      NULL, 'ftp', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM ftp_session
    UNION ALL
    SELECT id, 'ftp', 'command', connection_id, started, started, replied, latency_ms, latency_ms,
      verb || coalesce(' ' || argument, '') || coalesce(' → ' || code || coalesce(' ' || text, ''), ''), 0, 0, 0,
      coalesce(error, CASE WHEN replied IS NULL THEN 'open' ELSE 'complete' END), error, changed,
      verb, 'ftp', NULL, path, NULL, code, text, NULL, NULL, NULL, NULL, NULL
    FROM ftp_command
    UNION ALL
    SELECT id, 'ftp', 'transfer', coalesce(connection_id, 0), started, started, max(coalesce(closed, replied), coalesce(replied, closed)),
      duration_ms, (first_byte - started) / 1000.0,
      CASE direction WHEN 'up' THEN '↑ ' ELSE '↓ ' END || coalesce(path, verb) || coalesce(' by ' || form, ''),
      bytes, CASE direction WHEN 'up' THEN bytes ELSE 0 END, CASE direction WHEN 'down' THEN bytes ELSE 0 END,
      outcome, error, 0, verb, 'ftp', NULL, path, NULL, code, text, NULL, NULL, NULL, NULL, NULL
    FROM ftp_transfer
    UNION ALL
    SELECT id, 'dns', 'query', connection_id, started, started, answered, latency_ms, latency_ms,
      coalesce(name, '?') || ' ' || coalesce(type, '?') || coalesce(' → ' || rcode || ', ' || answers || CASE answers WHEN 1 THEN ' answer' ELSE ' answers' END, ''),
      0, 0, 0, coalesce(error, CASE WHEN answered IS NULL THEN 'open' ELSE 'complete' END), error, 0,
      opcode, 'dns', name, NULL, NULL, NULL, rcode, NULL, NULL, NULL, NULL, NULL
    FROM dns_query
    UNION ALL
    SELECT d.id, 'udp', 'datagram', d.connection_id, time, time, time, 0.0, NULL,
      CASE direction WHEN 'up' THEN '→ ' ELSE '← ' END || coalesce(c.client_host || ':' || c.client_port, '?'),
      size, CASE direction WHEN 'up' THEN size ELSE 0 END, CASE direction WHEN 'down' THEN size ELSE 0 END,
      'complete', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM udp_datagram d LEFT JOIN connection c ON c.id = d.connection_id WHERE decoded = 0
    UNION ALL
    SELECT id, protocol, 'connection', id, opened, opened, closed,
      (closed - opened) / 1000.0, NULL,
      coalesce(client_host || ':' || client_port, '?') || ' → ' || coalesce(server_host || ':' || server_port, '?'),
      bytes_up + bytes_down, bytes_up, bytes_down,
      coalesce(error, end_reason, CASE WHEN closed IS NULL THEN 'open' ELSE 'complete' END), error, 0,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM connection WHERE messages = 0;
`,
]

/** Built when recording stops: kept up while 1,000 connections interleave, they cost ten times the rows themselves. */
const indexes: readonly (readonly [name: string, on: string])[] = [
  ['segment_by_message', 'segment (message_id)'],
  ['segment_by_connection', 'segment (connection_id, direction, "offset")'],
  ['http_exchange_by_status', 'http_exchange_row (status)'],
  ['http_exchange_by_connection', 'http_exchange_row (connection_id)'],
  ['event_by_connection', 'event (connection_id)'],
  ['ftp_command_by_session', 'ftp_command (session_id)'],
  ['ftp_reply_by_session', 'ftp_reply (session_id)'],
  ['ftp_transfer_by_session', 'ftp_transfer (session_id)'],
  ['udp_datagram_by_connection', 'udp_datagram (connection_id)'],
  ['dns_query_by_connection', 'dns_query (connection_id)'],
]

export const schemaVersion = migrations.length

/**
 * Checks that the open file is a recording this version can read.
 * @throws WiretapeError `not-a-recording` or `newer-recording`.
 */
export function checkVersion(database: Database, path: string): number {
  let id: unknown
  let version: number
  try {
    id = database.pragma('application_id', { simple: true })
    version = database.pragma('user_version', { simple: true }) as number
  } catch (cause) {
    if (systemCodeOf(cause) !== 'SQLITE_NOTADB') throw new WiretapeError('storage', `cannot read ${path}: ${reasonOf(cause)}`, { cause })
    throw new WiretapeError('not-a-recording', `${path} is not a wiretape recording: it is not a SQLite database`, { cause })
  }
  if (id !== applicationId) {
    throw new WiretapeError('not-a-recording', `${path} is not a wiretape recording: it is another SQLite database`)
  }
  if (version > schemaVersion) {
    throw new WiretapeError('newer-recording',
      `${path} was written by a newer wiretape (schema ${version}, this one reads up to ${schemaVersion}): update wiretape to open it`)
  }
  return version
}

/** Brings a new or older file to today's schema, in one transaction. */
export function migrate(database: Database): void {
  const from = database.pragma('user_version', { simple: true }) as number
  if (from === schemaVersion) return
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
