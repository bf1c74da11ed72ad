import type { Decoder, Direction } from '../decoder.js'
import { CommandReader } from './command-reader.js'
import type { FtpEvent } from './events.js'
import { Outstanding } from './outstanding.js'
import { ReplyReader } from './reply-reader.js'

export interface FtpDecoderOptions {
  /**
   * Most bytes of one line with its line end, at least 64; 64 KiB where it isn't given. Bytes from the start of a longer
   * one on aren't decoded.
   */
  readonly lineLimit?: number
  /** Most bytes of all lines of a reply but its last, at least 64; 4 MiB where it isn't given. */
  readonly replyLimit?: number
}

const LINE_LIMIT = 64 * 1024
// STAT can list a large folder in its reply.
const REPLY_LIMIT = 4 * 1024 * 1024

/** A command without its final reply. */
export interface Awaiting {
  readonly message: number
  /** In upper case; its first 32 characters. */
  readonly verb: string
}

/**
 * Reads one FTP control connection, commands going `up` and replies going `down`, after RFC 959 with RFC 1123 §4.1. Holds
 * at most one command line and one reply. Never throws on what it's given to read: what it can't read becomes an `odd`
 * event, or an `opaque` one where nothing after it can be read either.
 *
 * Events stand in wire order, each after its span. An incomplete line has a span at once: a command's with the ordinal
 * that it will get, a reply's with the command that it answers. Of a reply that comes in pieces, the bytes before its
 * code is complete have the oldest waiting command in theirs; where the code then says otherwise, the reply event with
 * its `start` and `end` is right.
 *
 * Which command a reply answers is told at `Outstanding`.
 */
export class FtpDecoder implements Decoder<FtpEvent> {
  private readonly commandsWaiting = new Outstanding()
  private readonly commands: CommandReader
  private readonly replies: ReplyReader

  /** Throws a RangeError where a limit is no integer of at least 64. */
  constructor(options: FtpDecoderOptions = {}) {
    const lineLimit = checkLimit('lineLimit', options.lineLimit ?? LINE_LIMIT)
    const replyLimit = checkLimit('replyLimit', options.replyLimit ?? REPLY_LIMIT)
    this.commands = new CommandReader(this.commandsWaiting, lineLimit)
    this.replies = new ReplyReader(this.commandsWaiting, this.commands, lineLimit, replyLimit)
  }

  receive(direction: Direction, bytes: Buffer, at: number): FtpEvent[] {
    const out: FtpEvent[] = []
    if (direction === 'up') this.commands.receive(bytes, at, out)
    else this.replies.receive(bytes, at, out)
    return out
  }

  end(direction: Direction, at: number, clean: boolean): FtpEvent[] {
    const out: FtpEvent[] = []
    if (direction === 'up') this.commands.end(at, clean, out)
    else this.replies.end(at, clean, out)
    return out
  }

  /** Ordinals of the commands without a final reply, oldest first. After a 421, those that will never have one. */
  get outstanding(): readonly number[] {
    return this.commandsWaiting.messages
  }

  /**
   * The command that the reply in progress answers, as far as its first line is complete, or else that the next reply
   * should answer. Null where none waits, or the greeting is still to come.
   */
  get awaiting(): Awaiting | null {
    const command = this.replies.awaiting
    return command === null ? null : { message: command.message, verb: command.verb }
  }

  /** Bytes of input held from earlier calls, both directions together. */
  get bufferedBytes(): number {
    return this.commands.bufferedBytes + this.replies.bufferedBytes
  }
}

function checkLimit(name: string, limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 64) return limit
  throw new RangeError(`${name} has to be an integer of at least 64, not ${limit}`)
}
