import { FtpDecoder } from '../../protocols/ftp/index.js'
import type { ReplyEvent } from '../../protocols/ftp/index.js'
import type { FtpCommand } from './ftp-command.js'
import type { FtpTransfer } from './ftp-transfer.js'

/** Commands and replies, over all connections, of which it may still be told that something else was sent: those of one read, mostly. */
const remembered = 32_768

export interface SeenReply {
  readonly command: FtpCommand
  readonly transfer: FtpTransfer | undefined
  readonly preliminary: boolean
}

/** What connections remember of messages, together: as many as these would else need a part of memory each that they seldom use. */
export class SentMemory {
  /** Who remembers something. */
  readonly #having = new Set<SentMessages>()
  #young = 0

  /** One more message is remembered: after so many, those that weren't young then are forgotten, of every connection at once. */
  remembers(one: SentMessages): void {
    this.#having.add(one)
    if (++this.#young < remembered) return
    this.#young = 0
    for (const having of this.#having) if (having.age() === 'empty') this.#having.delete(having)
  }

  forget(one: SentMessages): void {
    this.#having.delete(one)
  }
}

class Seen {
  readonly commands = new Map<number, FtpCommand>()
  readonly byOrdinal = new Map<number, FtpCommand>()
  readonly replies = new Map<number, SeenReply>()
}

/** The last commands and replies by where they begin: what was sent instead of them is told by that. */
export class SentMessages {
  readonly #memory: SentMemory
  #young: Seen | null = null
  #old: Seen | null = null

  constructor(memory: SentMemory) {
    this.#memory = memory
  }

  sawCommand(offset: number, command: FtpCommand): void {
    const { commands, byOrdinal } = this.#young ??= new Seen()
    commands.set(offset, command)
    byOrdinal.set(command.ordinal, command)
    this.#memory.remembers(this)
  }

  sawReply(offset: number, reply: SeenReply): void {
    const { replies } = this.#young ??= new Seen()
    replies.set(offset, reply)
    this.#memory.remembers(this)
  }

  command(offset: number): FtpCommand | undefined {
    return this.#young?.commands.get(offset) ?? this.#old?.commands.get(offset)
  }

  byOrdinal(ordinal: number): FtpCommand | undefined {
    return this.#young?.byOrdinal.get(ordinal) ?? this.#old?.byOrdinal.get(ordinal)
  }

  reply(offset: number): SeenReply | undefined {
    return this.#young?.replies.get(offset) ?? this.#old?.replies.get(offset)
  }

  /** What was old is forgotten, and what was young is old. */
  age(): 'empty' | 'remembers' {
    this.#old = this.#young
    this.#young = null
    return this.#old === null ? 'empty' : 'remembers'
  }

  /** Nothing more is told of this connection. */
  close(): void {
    this.#young = this.#old = null
    this.#memory.forget(this)
  }
}

/** What was sent as a reply; null where it is none. */
export function readReply(bytes: Buffer): ReplyEvent | null {
  return new FtpDecoder().receive('down', bytes, 0).find((event) => event.type === 'reply') ?? null
}
