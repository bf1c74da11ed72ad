/**
 * Schema 5 to 6: a connection of which bytes weren't recorded is incomplete in the timeline, as a transfer is; a datagram's line says who sent it to
 * whom, as a connection's does.
 */
export const timeline = `
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
      CASE direction WHEN 'up' THEN '↑ ' ELSE '↓ ' END || coalesce(path, (SELECT argument FROM ftp_command c WHERE c.id = t.command_id), verb) || coalesce(' by ' || form, ''),
      bytes, CASE direction WHEN 'up' THEN bytes ELSE 0 END, CASE direction WHEN 'down' THEN bytes ELSE 0 END,
      outcome, error, changed, verb, 'ftp', NULL, path, NULL, code, text, NULL, NULL, NULL, NULL, NULL
    FROM ftp_transfer t
    UNION ALL
    SELECT id, 'dns', 'query', connection_id, started, started, answered, latency_ms, latency_ms,
      coalesce(name, '?') || ' ' || coalesce(type, '?') || coalesce(' → ' || rcode || ', ' || answers || CASE answers WHEN 1 THEN ' answer' ELSE ' answers' END, ''),
      0, 0, 0, coalesce(error, CASE WHEN answered IS NULL THEN 'open' ELSE 'complete' END), error, changed,
      opcode, 'dns', name, NULL, NULL, NULL, rcode, NULL, NULL, NULL, NULL, NULL
    FROM dns_query
    UNION ALL
    SELECT d.id, 'udp', 'datagram', d.connection_id, time, time, time, 0.0, NULL,
      CASE direction
        WHEN 'up' THEN coalesce(c.client_host || ':' || c.client_port, '?') || ' → ' || coalesce(c.server_host || ':' || c.server_port, '?')
        ELSE coalesce(c.server_host || ':' || c.server_port, '?') || ' → ' || coalesce(c.client_host || ':' || c.client_port, '?') END,
      size, CASE direction WHEN 'up' THEN size ELSE 0 END, CASE direction WHEN 'down' THEN size ELSE 0 END,
      'complete', NULL, d.changed, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM udp_datagram d LEFT JOIN connection c ON c.id = d.connection_id WHERE decoded = 0
    UNION ALL
    SELECT id, protocol, 'connection', id, opened, opened, closed,
      (closed - opened) / 1000.0, NULL,
      coalesce(client_host || ':' || client_port, '?') || ' → ' || coalesce(server_host || ':' || server_port, '?'),
      bytes_up + bytes_down, bytes_up, bytes_down,
      coalesce(error, CASE WHEN closed IS NULL THEN 'open' WHEN dropped_up + dropped_down > 0 THEN 'incomplete' END, end_reason, 'complete'),
      coalesce(error, CASE WHEN closed IS NOT NULL AND dropped_up + dropped_down > 0 THEN (dropped_up + dropped_down) || ' bytes not recorded' END), changed,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM connection WHERE messages = 0;
`
