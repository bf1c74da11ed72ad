import type { Direction } from '../protocols/decoder.js'
import type { ConnectionRow, Store } from './store.js'

/**
 * What turns one connection's bytes into rows: it runs a decoder and writes segments and messages. Offsets are stream
 * offsets of the direction; times are µs.
 */
export interface Interpreter {
  received(direction: Direction, bytes: Buffer, offset: number, time: number): void
  /** Bytes that were sent on instead of `replaced` received ones at `offset`. */
  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number): void
  end(direction: Direction, time: number, clean: boolean): void
  /** Writes the rows of messages still in progress, so that a crash loses only moments of them. */
  flush(): void
  close(time: number): void
}

export interface InterpreterContext {
  readonly store: Store
  readonly connection: ConnectionRow
  readonly scheme: string
  event(event: {
    kind: string, text: string, time: number, direction?: Direction, offset?: number, messageId?: number | null
  }): void
}
