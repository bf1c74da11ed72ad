import { FtpDecoder } from '../../protocols/ftp/index.js'
import type { Recording } from '../../index.js'

/** A reply that the client got instead of the server's; with no code where it got nothing. */
export interface ReplyInstead {
  /** µs since the epoch. */
  readonly time: number
  readonly code: number | null
  readonly text: string
}

/** What went on instead of a command, and of the replies to it. */
export interface SentInstead {
  /** The line that the server got, empty where it got none; null where it got what came. */
  readonly command: string | null
  readonly replies: readonly ReplyInstead[]
}

export const nothingInstead: SentInstead = { command: null, replies: [] }

/** By command. @param commandId null for all of the session. */
export function sentInstead(recording: Recording, connectionId: number, commandId: number | null): ReadonlyMap<number, SentInstead> {
  const found = new Map<number, SentInstead>()
  const which = commandId === null ? 'message_id IS NOT NULL' : `message_id = ${commandId}`
  for (const { messageId, direction, bytes, time, replaces } of recording.segments({ where: `connection_id = ${connectionId} AND leg = 'sent' AND ${which}` })) {
    // The rest of what takes more than one segment: no more of a command or reply is for people.
    if (replaces === 0) continue
    const { command, replies } = found.get(messageId!) ?? nothingInstead
    found.set(messageId!, direction === 'up' ? { command: bytes.toString('utf8').trimEnd(), replies } : { command, replies: [...replies, ...repliesIn(bytes, time)] })
  }
  return found
}

/** What the client got as the final reply instead of the server's. */
export function finalInstead({ replies }: SentInstead): ReplyInstead | null {
  return replies.findLast(({ code }) => code === null || code >= 200) ?? null
}

function repliesIn(bytes: Buffer, time: number): ReplyInstead[] {
  const events = new FtpDecoder().receive('down', bytes, time).filter((event) => event.type === 'reply')
  return events.length === 0 ? [{ time, code: null, text: '' }] : events.map(({ code, text }) => ({ time, code, text }))
}
