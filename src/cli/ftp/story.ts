import type {
  ConnectionRecord, EventRecord, FtpCommandRecord, FtpReply, FtpSession, FtpTransferRecord, Recording,
} from '../../index.js'
import { sentInstead } from './sent-instead.js'
import type { SentInstead } from './sent-instead.js'

/** All that was recorded of one FTP session, each list in the order in which things began. */
export interface FtpStory {
  readonly session: FtpSession
  readonly control: ConnectionRecord
  readonly commands: readonly FtpCommandRecord[]
  /** The greeting too, which answers no command. */
  readonly replies: readonly FtpReply[]
  readonly transfers: readonly FtpTransferRecord[]
  /** Every data connection, also those that no transfer used. */
  readonly data: readonly ConnectionRecord[]
  /** Of the control connection and the data connections. */
  readonly events: readonly EventRecord[]
  /** By command: what went on instead of it and of its replies. */
  readonly instead: ReadonlyMap<number, SentInstead>
  /** By transfer, of those that were changed: bytes that went on. */
  readonly bytesSent: ReadonlyMap<number, number>
}

export function readStory(recording: Recording, session: FtpSession): FtpStory {
  const ofSession = { where: `session_id = ${session.id}` }
  const data = [...recording.connections({ where: `parent_id = ${session.connectionId}` })]
  const connections = [session.connectionId, ...data.map(({ id }) => id)].join(', ')
  const commands = [...recording.ftpCommands(ofSession)]
  const transfers = [...recording.ftpTransfers(ofSession)]
  return {
    session,
    control: recording.connection(session.connectionId),
    commands,
    replies: [...recording.ftpReplies(ofSession)],
    transfers,
    data,
    events: [...recording.events({ where: `connection_id IN (${connections})` })],
    instead: commands.some(({ changed }) => changed) ? sentInstead(recording, session.connectionId, null) : new Map(),
    bytesSent: recording.bytesSent(transfers),
  }
}

/** When the last thing happened: the end of a session that is over, the newest sign of life of one that isn't. */
export function endOf({ session, commands, replies, transfers, data }: FtpStory): number {
  let end = session.ended ?? session.started
  const seen = (time: number | null): void => {
    if (time !== null && time > end) end = time
  }
  for (const { started, replied } of commands) seen(replied ?? started)
  for (const { time } of replies) seen(time)
  for (const { lastByte, closed, replied } of transfers) for (const time of [lastByte, closed, replied]) seen(time)
  for (const { opened, closed } of data) seen(closed ?? opened)
  return end
}
