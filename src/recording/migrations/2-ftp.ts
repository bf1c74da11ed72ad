/** Schema 1 to 2: FTP. */
export const ftp = `
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
`
