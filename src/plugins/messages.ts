import type { Direction } from '../protocols/decoder.js'
import type { Address } from '../recording/notes.js'
import type { HeaderList } from './header-list.js'

/*
 * What hooks are given. What isn't readonly may be changed in place; the wire gets the message as the last plugin leaves it.
 */

export interface ConnectionInfo {
  /** Ordinal of its relay among those that were started together, from 0. */
  readonly relay: number
  /** Ordinal among the connections of its relay, from 1; a data connection's is its own. */
  readonly ordinal: number
  readonly protocol: 'http' | 'tcp' | 'ftp' | 'ftp-data' | 'udp'
  readonly client: Address | null
  readonly listen: Address | null
  /** As given: `host:port`, or a URL for HTTP. */
  readonly target: string
  /** Of an FTP data connection: the control connection's. */
  readonly parent?: ConnectionInfo
}

export interface ConnectionEnd {
  readonly connection: ConnectionInfo
  readonly reason: string
  readonly error: string | null
  readonly bytesUp: number
  readonly bytesDown: number
}

/** What every message has. */
export interface Message {
  readonly connection: ConnectionInfo
  /** Names of the plugins that have changed it so far, in their order. */
  readonly changedBy: readonly string[]
}

/** A stream over a body's content: takes its pieces, gives those that go on instead. */
export type BodyTransform = (chunks: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array | string>

export interface TransformOptions {
  /** Undo the Content-Encoding before, and do it again afterwards; true by default. A coding that isn't known stays as it is. */
  readonly decode?: boolean
}

/** A piece of a message as it is to go over the wire. The head comes whole; chunk sizes, line ends after chunks and trailers are `framing`. */
export interface WirePiece {
  readonly kind: 'head' | 'body' | 'framing'
  readonly bytes: Buffer
}

/** What a stage over a message's bytes may do besides giving bytes on. */
export interface WireControl {
  /** Waits. @returns false where it ended early: the plugin was taken out, its options have changed, or the connection is over. */
  sleep(ms: number): Promise<boolean>
  /** Ends the connection in order after what was given on so far. */
  close(): void
  /** Tears it down (RST on both sides), once that is with the system: what the client has no room for by then is lost. */
  reset(): void
  /** An event in the recording and the journal, tied to the message. */
  tell(text: string, facts?: { readonly bytes?: number, readonly delayMs?: number }): void
}

/**
 * Takes a message as it is to go over the wire, and gives what goes instead; texts are Latin-1. Ending before the message does closes the
 * connection, throwing resets it.
 */
export type WireStage = (pieces: AsyncIterable<WirePiece>, wire: WireControl) => AsyncIterable<Uint8Array | string>

export interface HttpRequest extends Message {
  method: string
  /** The request target as on the wire: mostly path and query. */
  target: string
  /** The target's path, without the query. */
  path: string
  /** What follows the "?", null where there is none. */
  query: string | null
  readonly version: string
  readonly headers: HeaderList
  /** Scheme, host and target as one. */
  readonly url: string
  /** The body's pieces as they come, without waiting for its end. In a `request` hook only. */
  transformBody(transform: BodyTransform, options?: TransformOptions): void
  /** As for a response: what leaves for the server. @throws Error for a CONNECT. */
  wire(stage: WireStage): void
}

export interface HttpResponse extends Message {
  status: number
  reason: string
  readonly version: string
  readonly headers: HeaderList
  readonly request: HttpRequest
  /** 1xx: the final response follows. */
  readonly informational: boolean
  /** 101, or 2xx to CONNECT: what follows is no HTTP. */
  readonly tunnels: boolean
  transformBody(transform: BodyTransform, options?: TransformOptions): void
  /**
   * Head, body and framing as they leave, after all that hooks and transforms made of them, whether or not what goes instead is HTTP. Where it
   * isn't what was to go, byte for byte, the connection is closed after it. In a `response` hook only.
   * @throws Error for a 1xx and for what opens a tunnel: there is no end to those.
   */
  wire(stage: WireStage): void
}

/** A whole body, with its Content-Encoding undone. Setting any of these sets all of them. */
export interface HttpBody extends Message {
  bytes: Buffer
  /** By the charset of the Content-Type, else UTF-8. @throws where the body is no text. */
  text: string
  /** @throws SyntaxError where the body is no JSON. */
  json: unknown
}

/** Answers a request in the server's stead. */
export interface HttpAnswer {
  /** 200 where absent. */
  readonly status?: number
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | Iterable<readonly [string, string]>
  /** A text, bytes, or anything else to be sent as JSON. Content-Type and Content-Length are set where the headers don't. */
  readonly body?: unknown
}

export interface FtpCommandMessage extends Message {
  /** In upper case. */
  verb: string
  /** What follows the verb and its space; null where nothing does. */
  argument: string | null
}

export interface FtpReplyMessage extends Message {
  code: number
  /** Without its code; lines are joined by "\n". */
  text: string
  /** 1xx: the final reply follows. */
  readonly preliminary: boolean
  /** What it answers; null for the greeting. */
  readonly command: { readonly verb: string, readonly argument: string | null } | null
}

/** A data connection and the command that it is for. */
export interface FtpTransfer extends Message {
  readonly verb: string
  readonly argument: string | null
  readonly direction: Direction
  readonly mode: 'passive' | 'active'
  /** PASV, EPSV, PORT or EPRT. */
  readonly form: string
}

export interface FtpTransferEnd {
  readonly transfer: FtpTransfer
  readonly bytes: number
  readonly error: string | null
}

export interface DatagramMessage extends Message {
  readonly direction: Direction
  bytes: Buffer
}

export interface DnsRecord {
  readonly name: string
  readonly type: string
  readonly ttl?: number
  readonly class?: string
  /** As dns-packet has it for the type: a text for A, AAAA and CNAME, an object for MX or SRV. */
  readonly data: unknown
}

export interface DnsQueryMessage extends Message {
  readonly id: number
  name: string
  type: string
}

export interface DnsAnswerMessage extends Message {
  readonly id: number
  readonly name: string
  readonly type: string
  /** NOERROR, NXDOMAIN, SERVFAIL … */
  rcode: string
  answers: readonly DnsRecord[]
}

export interface DnsResponse {
  /** NOERROR where absent. */
  readonly rcode?: string
  readonly answers?: readonly DnsRecord[]
}
