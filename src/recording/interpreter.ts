import type { Direction } from '../protocols/decoder.js'
import type { SentMemory } from './ftp/sent-messages.js'
import type { ExchangeNote, OpenedNote } from './notes.js'
import type { SentKind } from './slab.js'
import type { ConnectionRow, Store } from './store.js'

/**
 * What turns one connection's bytes into rows: it runs a decoder and writes segments and messages. Offsets are stream
 * offsets of the direction; times are µs.
 */
export interface Interpreter {
  received(direction: Direction, bytes: Buffer, offset: number, time: number): void
  /** Bytes that were sent on instead of `replaced` received ones at `offset`. */
  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number, kind: SentKind): void
  /** The other side has been dialled: the connection's addresses are known. */
  connected?(time: number): void
  /**
   * `length` bytes at `offset` weren't recorded, and it goes on with what comes after them. Where absent, a stream with a
   * hole is given up, and the rest kept undecoded.
   */
  gap?(direction: Direction, offset: number, length: number, time: number): void
  /** HTTP: what was done to an exchange that the bytes received don't show. */
  exchange?(note: ExchangeNote, time: number): void
  end(direction: Direction, time: number, clean: boolean): void
  /** Writes the rows of messages still in progress, so that a crash loses only moments of them. */
  flush(): void
  /** The record of a message, by its ordinal on the connection: for events that are about it. */
  messageId?(ordinal: number): number | null
  /** Bytes that it holds of what isn't complete. Absent where those are few. */
  readonly held?: number
  /** No message is in progress. Absent where that can't be told. */
  readonly idle?: boolean
  /** @param why nothing more of it is read, where that isn't the connection's end. */
  close(time: number, why?: string): void
  /** It failed, and is closed next: what keeps the rest of the connection. Where absent, bytes are kept as they come. */
  rest?(): Interpreter
  /** Takes a connection opened on behalf of this one (an FTP data connection); undefined where it is nothing of its own. */
  child?(context: InterpreterContext, note: OpenedNote): Interpreter | undefined
}

export interface InterpreterContext {
  readonly store: Store
  readonly connection: ConnectionRow
  readonly scheme: string
  readonly keepPasswords: boolean
  /** What datagrams are to be read as: `auto`, `none`, or a decoder's name. */
  readonly decode: string
  /** Of all connections together. */
  readonly sentMemory: SentMemory
  event(event: {
    kind: string, text: string, time: number, direction?: Direction, offset?: number, messageId?: number | null
  }): void
}
