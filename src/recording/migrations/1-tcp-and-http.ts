/** Schema 0 to 1: TCP and HTTP. */
export const tcpAndHttp = `
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
`
