import type { ConnectionRecord, FtpCommandRecord, FtpReply, FtpSession, FtpTransferRecord } from '../../index.js'
import type { FtpStory } from './story.js'

export interface SessionJson extends FtpSession {
  readonly replies: readonly FtpReply[]
  readonly commands: readonly (FtpCommandRecord & { readonly replies: readonly FtpReply[] })[]
  readonly transfers: readonly FtpTransferRecord[]
  /** Every data connection, also those that carried no transfer. */
  readonly dataConnections: readonly ConnectionRecord[]
}

/** One session with everything in it; `replies` of its own are those that answer no command, the greeting first. */
export function sessionJson({ session, commands, replies, transfers, data }: FtpStory): SessionJson {
  const byCommand = new Map<number | null, FtpReply[]>()
  for (const reply of replies) {
    const some = byCommand.get(reply.commandId)
    if (some === undefined) byCommand.set(reply.commandId, [reply])
    else some.push(reply)
  }
  return {
    ...session,
    replies: byCommand.get(null) ?? [],
    commands: commands.map((command) => ({ ...command, replies: byCommand.get(command.id) ?? [] })),
    transfers,
    dataConnections: data,
  }
}
