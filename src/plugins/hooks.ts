import type { Direction } from '../protocols/decoder.js'
import type { Close, Delay, Drop, Duplicate, Reply, Reset, Respond, Retarget } from './actions.js'
import type { HeaderList } from './header-list.js'
import type {
  ConnectionEnd, ConnectionInfo, DnsResponse, DnsAnswerMessage, DnsQueryMessage, FtpCommandMessage, FtpReplyMessage, FtpTransfer, FtpTransferEnd, HttpAnswer, HttpBody, HttpRequest,
  HttpResponse, DatagramMessage,
} from './messages.js'

/** Nothing, one action, or several; now or later. */
export type Outcome<Allowed> = void | Allowed | readonly Allowed[] | Promise<void | Allowed | readonly Allowed[]>

type HttpAction = Delay | Drop | Close | Reset | Respond<HttpAnswer>

export interface ConnectionHooks {
  /** A client has come; nothing has been dialled yet. */
  open?(connection: ConnectionInfo): Outcome<Delay | Close | Reset | Retarget>
  close?(end: ConnectionEnd): void | Promise<void>
}

export interface HttpHooks {
  /** A request's head is complete. */
  request?(request: HttpRequest): Outcome<HttpAction | Retarget>
  /** The whole body is here, and the head hasn't gone on yet. Bodies beyond the plugin's `bodyLimit` pass without. */
  requestBody?(body: HttpBody, request: HttpRequest): Outcome<HttpAction>
  response?(response: HttpResponse): Outcome<HttpAction>
  responseBody?(body: HttpBody, response: HttpResponse): Outcome<HttpAction>
  /** The fields after a chunked body. */
  trailers?(trailers: HeaderList, message: HttpRequest | HttpResponse): void | Promise<void>
}

export interface FtpHooks {
  command?(command: FtpCommandMessage): Outcome<Delay | Drop | Close | Reset | Reply>
  reply?(reply: FtpReplyMessage): Outcome<Delay | Drop | Close | Reset | Reply>
  /** A data connection is there, before any of its bytes pass. Closing or resetting is for the data connection alone. */
  transfer?(transfer: FtpTransfer): Outcome<Delay | Close | Reset>
  /** The bytes of a transfer, in the direction that it has. */
  data?(transfer: FtpTransfer): ((chunks: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array | string>) | undefined
  transferEnd?(end: FtpTransferEnd): void | Promise<void>
}

export interface UdpHooks {
  datagram?(datagram: DatagramMessage): Outcome<Delay | Drop | Duplicate | Respond<Uint8Array | string>>
}

export interface DnsHooks {
  query?(query: DnsQueryMessage): Outcome<Delay | Drop | Respond<DnsResponse>>
  answer?(answer: DnsAnswerMessage): Outcome<Delay | Drop>
}

export interface StreamContext {
  readonly direction: Direction
  readonly connection: ConnectionInfo
}

/** Bytes of one direction: gives those that go on instead. Ending early closes the direction; throwing follows `onError`. */
export type StreamStage = (chunks: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array | string>

/** What the recording is given instead of the wire's bytes, of exactly the same length altogether: for secrets. */
export interface RecordingMask {
  /** @returns as many of the bytes held so far as are decided, masked. */
  take(bytes: Buffer): Buffer
  /** @returns what is still held. */
  end(): Buffer
}

export interface Hooks {
  readonly connection?: ConnectionHooks
  readonly http?: HttpHooks
  readonly ftp?: FtpHooks
  readonly udp?: UdpHooks
  readonly dns?: DnsHooks
  /** Called once a direction of each TCP-carried connection, FTP data included; undefined leaves it alone. */
  readonly stream?: (context: StreamContext) => StreamStage | undefined
  /** Called once a direction of each connection that is recorded; undefined leaves it alone. */
  readonly recording?: (context: StreamContext) => RecordingMask | undefined
}
