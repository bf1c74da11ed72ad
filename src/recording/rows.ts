import type { Direction } from '../protocols/decoder.js'
import type { Address, TlsFacts } from './notes.js'

/*
 * The recording's rows as a reader gets them. Times are integer microseconds since the epoch; null is what isn't known,
 * or hasn't happened.
 */

/** One line of the timeline, of any kind: the view `record`. */
export interface TimelineRecord {
  readonly id: number
  readonly protocol: string
  /** `exchange`, `connection`, … */
  readonly kind: string
  readonly connectionId: number
  readonly time: number
  readonly durationMs: number | null
  /** One line of text for people. Has what the wire had: escape it before it reaches a terminal. */
  readonly summary: string
  readonly bytes: number
  /** `complete`, `open`, or what went wrong. */
  readonly outcome: string
  readonly error: string | null
  readonly changed: boolean
}

export type HeaderFields = readonly (readonly [name: string, value: string])[]

export interface HttpExchange {
  readonly id: number
  readonly connectionId: number
  /** Null where the request could not be read, or a response came without one. */
  readonly method: string | null
  readonly scheme: string | null
  readonly host: string | null
  readonly path: string | null
  /** Without the question mark. */
  readonly query: string | null
  readonly url: string | null
  readonly status: number | null
  readonly reason: string | null
  readonly requestVersion: string | null
  readonly responseVersion: string | null
  /** In wire order, names in their own case, repeated ones kept. */
  readonly requestHeaders: HeaderFields
  readonly responseHeaders: HeaderFields
  readonly requestTrailers: HeaderFields
  readonly responseTrailers: HeaderFields
  readonly requestType: string | null
  readonly responseType: string | null
  /** Bytes, with the chunked coding undone and the content coding (gzip …) not. */
  readonly requestBodySize: number
  readonly responseBodySize: number
  readonly started: number
  readonly firstByte: number | null
  readonly ended: number | null
  readonly firstByteMs: number | null
  readonly durationMs: number | null
  /** Statuses of 1xx responses before the final one. */
  readonly informational: readonly number[]
  /** What two parsers could read differently; see docs/http.md. */
  readonly framingFlags: readonly string[]
  /** Something else was sent on than was received. */
  readonly changed: boolean
  readonly error: string | null
}

export interface ConnectionRecord {
  readonly id: number
  readonly relayId: number
  readonly protocol: string
  readonly transport: string
  readonly parentId: number | null
  readonly role: string | null
  readonly client: Address | null
  readonly listen: Address | null
  readonly dial: Address | null
  readonly server: Address | null
  readonly opened: number
  readonly connected: number | null
  readonly closed: number | null
  readonly endReason: string | null
  readonly error: string | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly droppedUp: number
  readonly droppedDown: number
  readonly messages: number
  /** Something else was sent on than was received. */
  readonly changed: boolean
  readonly tls: TlsFacts | null
}

export interface FtpSession {
  readonly id: number
  readonly connectionId: number
  readonly user: string | null
  /** Code and text of the server's greeting. */
  readonly greeting: string | null
  readonly system: string | null
  readonly features: readonly string[]
  /** AUTH was accepted: from there on the control connection isn't readable. */
  readonly tls: boolean
  readonly started: number
  readonly ended: number | null
  /** `quit`, or why it ended otherwise; null while it is open. */
  readonly outcome: string | null
}

export interface FtpCommandRecord {
  readonly id: number
  readonly sessionId: number
  readonly connectionId: number
  /** Place in its session, from 0. */
  readonly ordinal: number
  readonly verb: string
  /** `****` for a password, unless it was asked to be kept. */
  readonly argument: string | null
  /** Absolute, as the server sees it; null where the folder isn't known or the command has no path. */
  readonly path: string | null
  readonly started: number
  readonly replied: number | null
  /** The final reply's. */
  readonly code: number | null
  readonly text: string | null
  readonly latencyMs: number | null
  readonly transferId: number | null
  /** The client got another reply than the server gave. */
  readonly changed: boolean
  readonly error: string | null
}

export interface FtpReply {
  readonly commandId: number | null
  readonly time: number
  readonly code: number
  readonly text: string
}

export interface FtpTransferRecord {
  readonly id: number
  readonly sessionId: number
  readonly commandId: number
  /** The data connection; null where there was none. */
  readonly connectionId: number | null
  readonly verb: string
  readonly direction: Direction
  readonly path: string | null
  /** `I`, `A` …, as TYPE named it; `transferMode` S, B, C or Z; `structure` F, R or P. */
  readonly type: string
  readonly transferMode: string
  readonly structure: string
  readonly mode: 'passive' | 'active' | null
  /** PASV, EPSV, PORT or EPRT. */
  readonly form: string | null
  readonly dialledBy: 'client' | 'server' | null
  readonly restartOffset: number
  /** Bytes, as SIZE or the 150 reply told it. */
  readonly sizeTold: number | null
  readonly started: number
  /** When the reply came that prepared its port, or accepted the client's. */
  readonly prepared: number | null
  readonly connected: number | null
  readonly firstByte: number | null
  readonly lastByte: number | null
  readonly closed: number | null
  readonly replied: number | null
  readonly durationMs: number | null
  /** On the wire, those that weren't recorded included. */
  readonly bytes: number
  readonly bytesPerSecond: number | null
  /** Of its bytes; null where not all of them were recorded. */
  readonly sha256: string | null
  readonly code: number | null
  readonly text: string | null
  /** `completed`, `aborted`, `refused`, `open`, or `incomplete`: it ended well as far as is known, and not all of it was recorded. */
  readonly outcome: string
  readonly error: string | null
  /** Other bytes were sent on than were received. */
  readonly changed: boolean
}

export interface FtpListingEntry {
  readonly name: string
  readonly type: string | null
  readonly size: number | null
  /** µs since the epoch, where the form has a time zone (MLSD); `modifiedText` is what the listing said. */
  readonly modified: number | null
  readonly modifiedText: string | null
}

export interface UdpDatagram {
  readonly id: number
  readonly connectionId: number
  readonly direction: Direction
  readonly time: number
  readonly size: number
  /** As received. */
  readonly bytes: Buffer
  /** Something else was sent on. */
  readonly changed: boolean
}

export interface DnsQuery {
  readonly id: number
  readonly connectionId: number
  readonly datagramId: number
  readonly answerDatagramId: number | null
  /** The id in the DNS header. */
  readonly dnsId: number
  readonly name: string | null
  readonly type: string | null
  readonly class: string | null
  readonly opcode: string
  /** Set in the query or its answer: `rd`, `ra`, `aa` … */
  readonly flags: readonly string[]
  readonly rcode: string | null
  readonly started: number
  readonly answered: number | null
  readonly latencyMs: number | null
  /** How many records the answer section has; `dnsAnswers` gives them. */
  readonly answers: number
  /** Something else was sent on than the query or the answer received. */
  readonly changed: boolean
  readonly error: string | null
}

export interface DnsAnswer {
  readonly section: 'answer' | 'authority' | 'additional'
  readonly name: string
  readonly type: string
  readonly class: string | null
  readonly ttl: number | null
  readonly data: string
}

export interface EventRecord {
  readonly id: number
  readonly time: number
  readonly connectionId: number | null
  readonly messageId: number | null
  readonly kind: string
  readonly source: string
  readonly direction: Direction | null
  readonly offset: number | null
  readonly bytes: number | null
  readonly text: string
  /** The plugin's hook that did it, such as `http.request`; null for what no plugin did. */
  readonly hook: string | null
  /** The plugin and its options, as on the command line: `latency:ms=200,jitter=50`. Of an event of `send`: ids of the repeated recording, as JSON. */
  readonly parameters: string | null
  /** Ms that it asked to wait. */
  readonly delayMs: number | null
}

export interface Segment {
  readonly id: number
  readonly connectionId: number
  readonly direction: Direction
  /** `received`, or `sent` for what went out instead of the `replaces` received bytes at `offset`. */
  readonly leg: 'received' | 'sent'
  readonly offset: number
  readonly time: number
  readonly kind: string
  readonly messageId: number | null
  readonly replaces: number | null
  readonly bytes: Buffer
}
