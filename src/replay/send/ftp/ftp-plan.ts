import { takesSecret } from '../../../protocols/ftp/index.js'
import type { Recording } from '../../../recording/recording.js'
import type { FtpCommandRecord, FtpSession, FtpTransferRecord } from '../../../recording/rows.js'
import type { RecordedAnswer } from '../answer-limits.js'
import { secretVerbOf } from '../../../recording/ftp/secret-masker.js'
import { MaskedPlaces, untoldMasks } from '../../masked-places.js'
import type { SenderOptions } from '../sender.js'

/** Ms. */
export const ftpPatience = 30_000

/** A command that is to be sent. Its argument's bytes stay in the recording where it isn't plain. */
export interface PlannedCommand extends Pick<FtpCommandRecord, 'id' | 'verb' | 'argument' | 'started' | 'code'> {
  /** Of the transfer that it began, an upload: the data connection that has its bytes. */
  readonly upload: number | null
  /** Of a transfer that the client broke off: after so many bytes, and whether by a reset. */
  readonly left: { readonly bytes: number, readonly reset: boolean } | null
  /** What its reply took, and what its transfer brought. */
  readonly reply: RecordedAnswer
  readonly transfer: RecordedAnswer
  /** Ms after which the client had left without a reply; null where it hadn't. */
  readonly waited: number | null
}

export interface PlannedSession {
  readonly id: number
  readonly connection: number
  /** Whether the session's end was recorded: `over` is that then. */
  readonly ended: boolean
  /** The server had a greeting. */
  readonly greeted: boolean
  readonly began: number
  /** Its last command had its reply; absent where it had none. */
  readonly said?: number
  readonly over: number
}

/** The recorded sessions in their order, without those that can't be repeated, which are told of. */
export function planSessions(options: SenderOptions): PlannedSession[] {
  const { recording, chosen, settings, run } = options
  const planned: PlannedSession[] = []
  const places = new MaskedPlaces(recording, 'up')
  const untold = untoldMasks(recording)
  if (untold !== null) run.notes.push(untold)
  const said = lastReplies(recording)
  for (const session of recording.ftpSessions(settings.where === undefined ? {} : { where: settings.where })) {
    if (!chosen.connections.has(session.connectionId)) continue
    const reason = whyNot(session, options) ?? (settings.sendMasked ? null : masked(session, recording, places))
    const last = said.get(session.id) ?? null
    if (reason === null) planned.push({ id: session.id, connection: session.connectionId, ended: session.ended !== null, greeted: session.greeting !== null, began: session.started, ...(last === null ? {} : { said: last }), over: session.ended ?? session.started })
    else run.skip({ id: session.id, asked: `session of ${session.user ?? 'nobody'}`, reason })
  }
  return planned
}

/** When the last command of each session had its final reply. */
function lastReplies(recording: Recording): ReadonlyMap<number, number | null> {
  const last = new Map<number, number | null>()
  for (const { sessionId, code, replied } of recording.ftpCommands()) last.set(sessionId, code === null ? null : replied)
  return last
}

export function commandsOf({ recording, settings }: SenderOptions, { id: session, connection, ended, over }: PlannedSession): PlannedCommand[] {
  const by = ended ? /^(client|relay) /.exec(recording.connection(connection).endReason ?? '')?.[1] : undefined
  // A client that recording ended for would have waited on: that is done for as long as the patience lasts.
  const most = by === 'client' ? Infinity : settings.patience ?? ftpPatience
  const transfers = new Map<number, FtpTransferRecord>()
  for (const transfer of recording.ftpTransfers({ where: `session_id = ${session}` })) transfers.set(transfer.commandId, transfer)
  let user: string | null = null
  return [...recording.ftpCommands({ where: `session_id = ${session}` })].map(({ id, verb, argument, started, code, replied }) => {
    if (verb === 'USER') user = argument
    const transfer = transfers.get(id)
    return {
      id, verb, started, code, argument: isMasked(verb, argument) ? settings.password ?? (isAnonymous(user) ? 'wiretape@' : argument) : argument,
      upload: transfer?.direction === 'up' ? transfer.connectionId : null,
      left: transfer === undefined ? null : leftBy(transfer, recording),
      reply: took(((replied ?? (ended ? over : started)) - started) / 1000, 0),
      transfer: transferOf(transfer, recording),
      waited: code === null && by !== undefined ? Math.min((over - started) / 1000, most) : null,
    }
  })
}

/** An answer of which no more is known than how long it took. */
function took(ms: number, bytes: number): RecordedAnswer {
  return { bytes, silence: ms, duration: ms }
}

function transferOf(transfer: FtpTransferRecord | undefined, recording: Recording): RecordedAnswer {
  if (transfer === undefined) return took(0, 0)
  const { connectionId, started, prepared, connected, firstByte, lastByte, closed, bytes, direction } = transfer
  const times = [started, connected, firstByte, lastByte, closed].filter((time) => time !== null)
  const duration = (Math.max(...times) - Math.min(started, prepared ?? started)) / 1000
  const pause = connectionId === null || direction === 'up' ? 0 : recording.longestPauseOn(connectionId) / 1000
  // Of an upload, and of what is between a transfer's parts, no more is known than how long it took.
  return { bytes, duration, silence: direction === 'up' || firstByte === null || lastByte === null ? duration : Math.max(pause, duration - (lastByte - firstByte) / 1000) }
}

function leftBy({ outcome, connectionId, bytes, direction }: FtpTransferRecord, recording: Recording): PlannedCommand['left'] {
  if (outcome !== 'aborted' || connectionId === null) return null
  const { endReason } = recording.connection(connectionId)
  // An upload that ends in order is one that its client may have cut short: nobody could tell.
  return endReason === 'client reset' ? { bytes, reset: true } : endReason === 'client closed' && direction === 'down' ? { bytes, reset: false } : null
}

function whyNot({ id, tls, user }: FtpSession, { recording, settings }: SenderOptions): string | null {
  if (tls) return 'it is encrypted from AUTH on'
  if (settings.password === null && !isAnonymous(user)) {
    for (const { verb, argument } of recording.ftpCommands({ where: `session_id = ${id}` })) {
      if (isMasked(verb, argument)) return 'its password is masked in the recording: --password gives one'
    }
  }
  for (const { direction, path, outcome, error } of recording.ftpTransfers({ where: `session_id = ${id}` })) {
    if (direction === 'up' && outcome === 'incomplete') return `an upload was not recorded whole: ${path ?? 'a file'}, ${error ?? 'bytes are missing'}`
  }
  return null
}

/** By plugins: passwords are masked anyway, and asked for. */
function masked({ id, connectionId }: FtpSession, recording: Recording, places: MaskedPlaces): string | null {
  if (places.any(connectionId)) {
    const said = Buffer.concat([...recording.streamPieces(connectionId, 'up')].map(({ bytes }) => bytes))
    for (const [start] of places.received(connectionId)) {
      const end = said.indexOf('\n', start)
      const line = said.subarray(said.lastIndexOf('\n', start) + 1, end < 0 ? said.length : end)
      if (secretVerbOf(line) === null) return `a command of it has a masked value (${/^[A-Za-z]*/.exec(line.toString('latin1'))![0]})`
    }
  }
  for (const { direction, path, connectionId: data } of recording.ftpTransfers({ where: `session_id = ${id}` })) {
    if (direction === 'up' && data !== null && places.any(data)) return `an upload has a masked value: ${path ?? 'a file'}`
  }
  return null
}

function isMasked(verb: string, argument: string | null): boolean {
  return takesSecret(verb) && argument !== null && /^\*+$/.test(argument)
}

/** Takes any password (RFC 1635). */
function isAnonymous(user: string | null): boolean {
  return user !== null && ['anonymous', 'ftp'].includes(user.toLowerCase())
}
