import type { Direction, Opaque, Span } from '../decoder.js'
import type { Oddity } from './oddities.js'

/*
 * All offsets are stream offsets of the event's direction, all times are in microseconds. `message` is the ordinal of
 * the command on its connection, from 0: a command and its replies share it. -1 stands for none.
 */

/** A command line is complete. */
export interface CommandEvent {
  readonly type: 'command'
  readonly message: number
  /** Where the line starts, with the telnet bytes before it. */
  readonly start: number
  /** Where the next line starts. */
  readonly end: number
  /** When the line's first byte came. */
  readonly startedAt: number
  /** When the line's LF came. */
  readonly at: number
  /** In upper case, as latin1 where it isn't ASCII; empty where the line has none. */
  readonly verb: string
  /**
   * The bytes after the one space that follows the verb, without telnet sequences; null where no space follows it. A
   * copy. It isn't trimmed: a file name may begin or end with a space.
   */
  readonly argument: Buffer | null
  /** The argument read as UTF-8 where it is that, else as latin1; null where there is none. */
  readonly argumentText: string | null
  readonly odd: readonly Oddity[]
  /** The whole line as it came, with line end and telnet bytes. A view: valid until the decoder's next call. */
  readonly raw: Buffer
}

/** A reply is complete, with all of its lines. Any number of preliminary ones come before the final one. */
export interface ReplyEvent {
  readonly type: 'reply'
  /** The command that it answers; -1 for the greeting and where no command was waiting. */
  readonly message: number
  readonly start: number
  readonly end: number
  /** When the first line's first byte came. */
  readonly startedAt: number
  /** When the last line's LF came. */
  readonly at: number
  /** 100 to 599. */
  readonly code: number
  /** The lines joined by LF. */
  readonly text: string
  /**
   * Each line without line end and telnet sequences, as UTF-8 where it is that, else as latin1; the first and the last
   * also without the code and the character after it.
   */
  readonly lines: readonly string[]
  /** 1xx: the command isn't finished, another reply to it follows. */
  readonly preliminary: boolean
  readonly odd: readonly Oddity[]
  /** All lines as they came. See CommandEvent. */
  readonly raw: Buffer
}

/** Something isn't what the protocol says, and no command or reply tells of it. Decoding goes on. */
export interface OddEvent {
  readonly type: 'odd'
  readonly direction: Direction
  /** Where the line or reply starts that this is about. */
  readonly offset: number
  readonly at: number
  /** What it is, in words. Quotes what a server said, never what a client said: that could be a password. */
  readonly text: string
}

export type FtpEvent = Span | Opaque | CommandEvent | ReplyEvent | OddEvent
