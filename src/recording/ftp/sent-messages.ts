import { FtpDecoder } from '../../protocols/ftp/index.js'
import type { ReplyEvent } from '../../protocols/ftp/index.js'
import type { FtpCommand } from './ftp-command.js'
import type { FtpTransfer } from './ftp-transfer.js'

/** Commands and replies of which it may still be told that something else was sent: those of one read, mostly. */
const remembered = 4096

export interface SeenReply {
  readonly command: FtpCommand
  readonly transfer: FtpTransfer | undefined
  readonly preliminary: boolean
}

/** The last commands and replies by where they begin: what was sent instead of them is told by that. */
export class SentMessages {
  readonly #commands = new Map<number, FtpCommand>()
  readonly #byOrdinal = new Map<number, FtpCommand>()
  readonly #replies = new Map<number, SeenReply>()

  sawCommand(offset: number, command: FtpCommand): void {
    keep(this.#commands, offset, command)
    keep(this.#byOrdinal, command.ordinal, command)
  }

  sawReply(offset: number, reply: SeenReply): void {
    keep(this.#replies, offset, reply)
  }

  command(offset: number): FtpCommand | undefined {
    return this.#commands.get(offset)
  }

  byOrdinal(ordinal: number): FtpCommand | undefined {
    return this.#byOrdinal.get(ordinal)
  }

  reply(offset: number): SeenReply | undefined {
    return this.#replies.get(offset)
  }
}

/** What was sent as a reply; null where it is none. */
export function readReply(bytes: Buffer): ReplyEvent | null {
  return new FtpDecoder().receive('down', bytes, 0).find((event) => event.type === 'reply') ?? null
}

function keep<Value>(map: Map<number, Value>, key: number, value: Value): void {
  map.set(key, value)
  if (map.size > remembered) map.delete(map.keys().next().value!)
}
