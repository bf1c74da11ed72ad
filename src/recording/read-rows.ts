import type { Address } from './notes.js'
import type {
  ConnectionRecord, DnsAnswer, DnsQuery, EventRecord, FtpCommandRecord, FtpListingEntry, FtpReply, FtpSession, FtpTransferRecord, HeaderFields,
  HttpExchange, Segment, TimelineRecord, UdpDatagram,
} from './rows.js'

/** A row as SQLite gives it: column names to values. */
export type Row = Readonly<Record<string, string | number | Buffer | null>>

/** The columns of the view `record` that make a `TimelineRecord`, in the order in which `readRecord` takes them. */
export const recordColumns = 'id, protocol, kind, connection_id, time, duration_ms, summary, bytes, outcome, error, changed'

/**
 * The same as the text of one JSON object, made by the database: to hand over eleven values a row and write them out again takes longer than
 * to find the rows. A duration of whole milliseconds is written as JavaScript does, without `.0`.
 */
export const recordAsJson = `json_object('id', id, 'protocol', protocol, 'kind', kind, 'connectionId', connection_id, 'time', time,
  'durationMs', iif(duration_ms = CAST(duration_ms AS INTEGER), CAST(duration_ms AS INTEGER), duration_ms),
  'summary', summary, 'bytes', bytes, 'outcome', outcome, 'error', error, 'changed', json(iif(changed = 1, 'true', 'false')))`

type RecordRow = readonly [
  id: number, protocol: string, kind: string, connectionId: number, time: number, durationMs: number | null, summary: string,
  bytes: number, outcome: string, error: string | null, changed: number,
]

export function readRecord(row: RecordRow): TimelineRecord {
  const [id, protocol, kind, connectionId, time, durationMs, summary, bytes, outcome, error, changed] = row
  return { id, protocol, kind, connectionId, time, durationMs, summary, bytes, outcome, error, changed: changed === 1 }
}

export function readExchange(row: Row): HttpExchange {
  const text = (column: string): string | null => row[column] as string | null
  const number = (column: string): number | null => row[column] as number | null
  return {
    id: row['id'] as number, connectionId: row['connection_id'] as number, method: text('method'), scheme: text('scheme'),
    host: text('host'), path: text('path'), query: text('query'), url: text('url'), status: number('status'),
    reason: text('reason'), requestVersion: text('request_version'), responseVersion: text('response_version'),
    requestHeaders: fields(text('request_headers')), responseHeaders: fields(text('response_headers')),
    requestTrailers: fields(text('request_trailers')), responseTrailers: fields(text('response_trailers')),
    requestType: text('request_type'), responseType: text('response_type'),
    requestBodySize: row['request_body_size'] as number, responseBodySize: row['response_body_size'] as number,
    started: row['started'] as number, firstByte: number('first_byte'), ended: number('ended'),
    firstByteMs: number('first_byte_ms'), durationMs: number('duration_ms'),
    informational: list(text('informational')).map(Number), framingFlags: list(text('framing_flags')),
    changed: row['changed'] === 1, error: text('error'),
  }
}

export function readConnection(row: Row): ConnectionRecord {
  const text = (column: string): string | null => row[column] as string | null
  const number = (column: string): number | null => row[column] as number | null
  const address = (name: string): Address | null => {
    const host = text(`${name}_host`)
    const port = number(`${name}_port`)
    return host === null || port === null ? null : { host, port }
  }
  return {
    id: row['id'] as number, relayId: row['relay_id'] as number, protocol: row['protocol'] as string,
    transport: row['transport'] as string, parentId: number('parent_id'), role: text('role'),
    client: address('client'), listen: address('listen'), dial: address('dial'), server: address('server'),
    opened: row['opened'] as number, connected: number('connected'), closed: number('closed'),
    endReason: text('end_reason'), error: text('error'), bytesUp: row['bytes_up'] as number, bytesDown: row['bytes_down'] as number,
    droppedUp: row['dropped_up'] as number, droppedDown: row['dropped_down'] as number, messages: row['messages'] as number, changed: row['changed'] === 1,
    tls: text('tls_version') === null ? null
      : { version: text('tls_version'), cipher: text('tls_cipher'), alpn: text('tls_alpn'), serverName: text('tls_server_name') },
  }
}

export function readSession(row: Row): FtpSession {
  const features = row['features'] as string | null
  return { ...camelCased<FtpSession>(row), features: features === null ? [] : features.split('\n'), tls: row['tls'] === 1 }
}

export function readCommand(row: Row): FtpCommandRecord {
  return { ...camelCased<FtpCommandRecord>(row), changed: row['changed'] === 1 }
}

export function readTransfer(row: Row): FtpTransferRecord {
  return { ...camelCased<FtpTransferRecord>(row), changed: row['changed'] === 1 }
}

export function readReply(row: Row): FtpReply {
  return camelCased(row)
}

export function readListingEntry(row: Row): FtpListingEntry {
  return camelCased(row)
}

export function readDatagram(row: Row): UdpDatagram {
  return { ...camelCased<UdpDatagram>(row), changed: row['changed'] === 1 }
}

export function readDnsQuery(row: Row): DnsQuery {
  return { ...camelCased<DnsQuery>(row), flags: (row['flags'] as string).split(',').filter((flag) => flag !== ''), changed: row['changed'] === 1 }
}

export function readDnsAnswer(row: Row): DnsAnswer {
  return camelCased(row)
}

/** A row whose columns are the fields, by their names: `latency_ms` is `latencyMs`. The caller knows which row it is. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function camelCased<T>(row: Row): T {
  const fields: Record<string, unknown> = {}
  for (const name in row) fields[fieldNames[name] ??= name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())] = row[name]
  return fields as T
}

/** By column: there are few, and many rows of each. */
const fieldNames: Record<string, string> = {}

export function readEvent(row: Row): EventRecord {
  return {
    id: row['id'] as number, time: row['time'] as number, connectionId: row['connection_id'] as number | null,
    messageId: row['message_id'] as number | null, kind: row['kind'] as string, source: row['source'] as string,
    direction: row['direction'] as EventRecord['direction'], offset: row['offset'] as number | null,
    bytes: row['bytes'] as number | null, text: row['text'] as string,
    hook: (row['hook'] ?? null) as string | null, parameters: (row['parameters'] ?? null) as string | null,
    delayMs: (row['delay_ms'] ?? null) as number | null,
  }
}

export function readSegment(row: Row): Segment {
  return {
    id: row['id'] as number, connectionId: row['connection_id'] as number, direction: row['direction'] as Segment['direction'],
    leg: row['leg'] as Segment['leg'], offset: row['offset'] as number, time: row['time'] as number, kind: row['kind'] as string,
    messageId: row['message_id'] as number | null, replaces: row['replaces'] as number | null, bytes: row['bytes'] as Buffer,
  }
}

/** The columns of `segment` in the order in which `readBareSegment` takes them. */
export const segmentColumns = 'id, connection_id, direction, leg, "offset", time, kind, message_id, replaces, bytes'

type SegmentRow = readonly [
  id: number, connectionId: number, direction: Segment['direction'], leg: Segment['leg'], offset: number, time: number, kind: string,
  messageId: number | null, replaces: number | null, bytes: Buffer,
]

export function readBareSegment(row: SegmentRow): Segment {
  const [id, connectionId, direction, leg, offset, time, kind, messageId, replaces, bytes] = row
  return { id, connectionId, direction, leg, offset, time, kind, messageId, replaces, bytes }
}

function fields(text: string | null): HeaderFields {
  return text === null ? [] : JSON.parse(text) as HeaderFields
}

function list(text: string | null): string[] {
  return text === null ? [] : text.split(',')
}
