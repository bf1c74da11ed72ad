import { encodeReply } from '../../../protocols/ftp/encoding.js'
import { FtpDecoder } from '../../../protocols/ftp/index.js'
import type { FtpRows } from '../../../recording/ftp-rows.js'
import { asReceived, asSent } from '../../../recording/legs.js'
import type { RecordedPiece } from '../../../recording/legs.js'
import type { Recording } from '../../../recording/recording.js'
import type { Segment } from '../../../recording/rows.js'
import type { RecordedCommand, RecordedSession } from './recorded-sessions.js'

/** A reply as the client got it. */
export interface RecordedReply {
  readonly code: number
  readonly text: string
  /** All its lines, with their ends. */
  readonly bytes: Buffer
  /** µs since the epoch. */
  readonly time: number
}

/** The replies to a command: they come before its data, but for the last. */
export interface RecordedReplies {
  readonly preliminary: readonly RecordedReply[]
  /** Null where none came. */
  readonly final: RecordedReply | null
}

/** What was said without being asked: the greeting, and what came after all commands. */
export interface Unasked {
  readonly greeting: readonly RecordedReply[]
  readonly farewell: readonly RecordedReply[]
}

/** Reads replies from a recording, byte for byte. */
export class ReplySource {
  readonly #recording: Recording
  /** Every client of a session is greeted so. */
  readonly #unasked = new Map<RecordedSession, Unasked>()

  /** Ids of segments by what they belong to; null where the file has an index of that. A recording that was cut off hasn't: it is looked through once. */
  #segments: ReturnType<FtpRows['replySegments']> | null | undefined

  constructor(recording: Recording) {
    this.#recording = recording
  }

  to(command: RecordedCommand): RecordedReplies {
    if (command.code === null && command.error === null) return { preliminary: [], final: null }
    const { session, id } = command
    // The + keeps SQLite from the index over connections, by which it would look through the whole session.
    const segments = this.#segmentsOf(this.#found?.asked.get(id), `message_id = ${id} and +connection_id = ${session.connectionId} and +direction = 'down' and kind = 'reply'`)
    const wire = repliesIn(asSent(received(segments), sent(segments)))
    // A plugin may have changed the reply that the row tells.
    const whole = command.code === null || wire.at(-1)?.code === command.code || repliesIn(asReceived(received(segments))).at(-1)?.code === command.code
    const replies = whole ? wire : this.#rebuilt(command)
    const last = replies.at(-1)
    const isFinal = last !== undefined && last.code >= 200
    return { preliminary: replies.filter(({ code }) => code < 200), final: isFinal ? last : null }
  }

  unasked(session: RecordedSession): Unasked {
    const known = this.#unasked.get(session)
    if (known !== undefined) return known
    const segments = this.#segmentsOf(this.#found?.unasked.get(session.connectionId), `connection_id = ${session.connectionId} and direction = 'down' and kind = 'reply' and message_id is null`)
    const all = repliesIn(asSent(received(segments), sent(segments)))
    // 120 says that the real greeting is still to come (RFC 959 §5.4).
    const greeted = all.findIndex(({ code }) => code !== 120) + 1
    const found = { greeting: all.slice(0, greeted), farewell: all.slice(greeted) }
    this.#unasked.set(session, found)
    return found
  }

  get #found(): ReturnType<FtpRows['replySegments']> | null {
    if (this.#segments === undefined) this.#segments = this.#recording.facts()['finished'] === undefined ? this.#recording.ftpRows().replySegments() : null
    return this.#segments
  }

  /** @param ids of the segments, where these are looked for without an index. */
  #segmentsOf(ids: readonly number[] | number | undefined, where: string): Segment[] {
    const found = typeof ids === 'number' ? [ids] : ids ?? []
    return [...this.#recording.segments({ where: this.#found === null ? where : `id in (${found.join(', ')})` })].sort((one, other) => one.offset - other.offset)
  }

  /** From what is known of them, where their bytes don't tell: some weren't recorded. */
  #rebuilt({ id, session }: RecordedCommand): RecordedReply[] {
    const rows = [...this.#recording.ftpReplies({ where: `session_id = ${session.id} and command_id = ${id}` })]
    return rows.map(({ code, text, time }) => ({ code, text, time, bytes: encodeReply(code, text) }))
  }
}

function received(segments: readonly Segment[]): Segment[] {
  return segments.filter(({ leg }) => leg === 'received')
}

function sent(segments: readonly Segment[]): Segment[] {
  return segments.filter(({ leg }) => leg === 'sent')
}

function repliesIn(pieces: Iterable<RecordedPiece>): RecordedReply[] {
  const decoder = new FtpDecoder()
  const replies: RecordedReply[] = []
  for (const { bytes, time } of pieces) {
    for (const event of decoder.receive('down', bytes, time)) {
      if (event.type === 'reply') replies.push({ code: event.code, text: event.text, bytes: Buffer.from(event.raw), time: event.at })
    }
  }
  return replies
}
