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
  data?(transfer: FtpTransfer): StreamStage | undefined
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

/** What a stage may do besides giving bytes on. */
export interface StageControl {
  /**
   * The plugin was taken out, or its options changed, while the connection is open: `chunks` has come to its end, and the sender hasn't. What the
   * stage still holds it gives on, and returns; what comes after that goes past it.
   */
  readonly removed: boolean
  /** It was removed because the options changed: a stage that was made with the new ones takes its place. */
  readonly replaced: boolean
  /** Waits. @returns false where it ended early: the stage is removed, or the connection is over. */
  sleep(ms: number): Promise<boolean>
  /** When a chunk came, in ms on the clock of `performance.now()`, as `stamp` left it; now, for a chunk that isn't known. */
  cameAt(chunk: Uint8Array): number
  /** What stages after this one are to take for the time when a chunk came. */
  stamp(chunk: Uint8Array, time: number): void
  /** These bytes, as they were given to the stage, go no further. */
  drop(chunk: Uint8Array): void
  /** Ends the connection in order, both directions, after what this stage has given on; to be followed by `return`. */
  close(): void
  /** Tears the connection down (RST on both sides). */
  reset(): void
  /** An event in the recording and the journal, tied to the connection and this direction. */
  tell(text: string, facts?: { readonly bytes?: number, readonly delayMs?: number }): void
  /** The same for what is done to chunk after chunk: the first time an event, and where it was done more than once the sums in another at the stage's end. */
  count(text: string, facts: { readonly bytes?: number, readonly delayMs?: number }): void
}

/**
 * Bytes of one direction, in chunks of at most 32 KiB: gives those that go on instead. Ending before `chunks` does closes the direction; throwing
 * follows `onError`.
 */
export type StreamStage = (chunks: AsyncIterable<Buffer>, stage: StageControl) => AsyncIterable<Uint8Array | string>

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
