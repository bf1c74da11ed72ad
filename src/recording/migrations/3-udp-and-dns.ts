/** Schema 2 to 3: UDP and DNS. */
export const udpAndDns = `
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
`
