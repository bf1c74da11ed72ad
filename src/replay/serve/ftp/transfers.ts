import type { Socket } from 'node:net'
import type { Direction } from '../../../protocols/decoder.js'
import type { RecordedPiece } from '../../../recording/legs.js'
import type { Recording } from '../../../recording/recording.js'
import type { FtpTransferRecord } from '../../../recording/rows.js'
import { resetSocket } from '../../../relay/reset-socket.js'
import type { Pace } from '../../pace.js'
import type { ControlConnection } from './control-connection.js'
import type { DataChannel } from './data-channel.js'
import { sendDownload } from './download.js'
import type { Answer } from './own-answers.js'
import type { RecordedReplies } from './recorded-replies.js'
import { takeUpload, UploadComparison } from './upload.js'
import type { Upload } from './upload.js'

export interface TransferOptions {
  readonly recording: Recording
  readonly pace: Pace
  readonly transfer: FtpTransferRecord
  readonly replies: RecordedReplies
  readonly channel: DataChannel
  /** Where the client wants it to begin, in bytes of the file. */
  readonly restart: number
  /** When the command came, on the clock of `performance.now()`, and when the recorded one did, in µs. */
  readonly since: number
  readonly origin: number
  readonly control: ControlConnection
  /** A data connection is in use; it is to be closed where the session ends. */
  readonly onSocket: (socket: Socket) => void
  readonly onUpload: (upload: Upload, skipped: number) => void
  /** Aborted where the client asks for it, or is gone. */
  readonly signal: AbortSignal
}

/** How a data connection ended that a plugin of the relay tore down, or closed. */
const resetByPlugin = 'reset by a plugin'
const closedByPlugin = 'closed by a plugin'

/** After our end, so long a client is given to end its side, in ms. */
const farewellPatience = 10_000

/** What the recording lacks of a transfer, so that it can't be repeated; null where it lacks nothing. */
export function lackOf({ outcome, error, bytes, sha256 }: FtpTransferRecord): string | null {
  if (outcome === 'incomplete') return error ?? 'part of it is missing'
  if (outcome === 'open') return 'recording ended before it did'
  return bytes > 0 && sha256 === null ? 'some of its bytes are missing' : null
}

/**
 * Repeats a recorded transfer, in whatever way the client has prepared a data connection: preliminary replies and data.
 * @returns the final reply, which is to come next; null where none was recorded.
 */
export async function repeatTransfer(options: TransferOptions): Promise<Answer | null> {
  const { transfer, replies, channel, control, since, origin, signal } = options
  // Whoever dials knows before it says so whether that went well.
  const { active } = channel
  let socket = active ? await channel.take(signal) : null
  if (socket === null && active) return signal.aborted ? aborted(replies) : { code: 425, text: 'No data connection: your port could not be connected to.' }
  if (socket === null && !channel.prepared) return { code: 425, text: 'No data connection could be made: ask with PASV, EPSV, PORT or EPRT first.' }
  if (socket !== null) options.onSocket(socket)
  await control.sayAll(replies.preliminary, origin, since)
  if (socket === null) {
    socket = await channel.take(signal)
    if (socket === null) return signal.aborted ? aborted(replies) : { code: 425, text: 'No data connection came.' }
    options.onSocket(socket)
  }
  const carrying = socket
  const cut = (): void => { carrying.destroy() }
  signal.addEventListener('abort', cut, { once: true })
  if (signal.aborted) cut()
  try {
    return transfer.direction === 'down' ? await download(options, carrying) : await upload(options, carrying)
  } finally {
    signal.removeEventListener('abort', cut)
  }
}

async function download({ recording, pace, transfer, replies, restart, since, origin, signal }: TransferOptions, socket: Socket): Promise<Answer | null> {
  const { final } = replies
  const end = endOf(recording, transfer)
  const pieces = piecesOf(recording, transfer, 'down', 'sent')
  const whole = await sendDownload(socket, {
    pieces: end === resetByPlugin ? upTo(bytesBeforeReset(recording, transfer), pieces) : pieces, skip: restart - transfer.restartOffset, pace, origin, since, signal,
    reset: end.includes('reset') && !end.startsWith('client'),
  })
  if (signal.aborted) return aborted(replies)
  // Some clients take no more than they need, and did so when it was recorded.
  if (!whole && final !== null && final.code < 400 && !end.startsWith('client')) return { code: 426, text: 'Connection closed; transfer aborted.' }
  if (final !== null) await pace.until(final.time - origin, since, signal)
  return final
}

async function upload({ recording, pace, transfer, replies, restart, signal, onUpload }: TransferOptions, socket: Socket): Promise<Answer | null> {
  const { final } = replies
  const end = endOf(recording, transfer)
  const comparable = lackOf(transfer) === null
  const skipped = restart - transfer.restartOffset
  const endedByServer = end === resetByPlugin || end === closedByPlugin || (transfer.outcome === 'aborted' && end.startsWith('server'))
  const most = endedByServer ? Math.max(0, transfer.bytes - skipped) : null
  const came = await takeUpload(socket, new UploadComparison(comparable ? piecesOf(recording, transfer, 'up', 'received') : null, skipped), most, signal)
  const over = performance.now()
  if (comparable) onUpload(came, skipped)
  if (signal.aborted) return aborted(replies)
  if (final !== null) await pace.until(final.time - (transfer.closed ?? transfer.lastByte ?? final.time), over, signal)
  if (came.ended === 'by us') {
    if (end === resetByPlugin) setImmediate(() => resetSocket(socket))
    else if (end === closedByPlugin) endInOrder(socket)
    // Unread bytes make of this a reset, as they did for the recorded server.
    else setImmediate(() => socket.destroy())
  }
  return came.ended === 'gone' && final !== null && final.code < 400 && !end.startsWith('client reset') ? { code: 426, text: 'Connection closed; transfer aborted.' } : final
}

/** What still comes is read and goes nowhere: with bytes unread it would be a reset. */
function endInOrder(socket: Socket): void {
  socket.resume().end()
  const timer = setTimeout(() => socket.destroy(), farewellPatience).unref()
  socket.once('close', () => clearTimeout(timer))
}

/** What the client gets that asked for the end: as recorded, where that one was aborted too. */
function aborted({ final }: RecordedReplies): Answer | null {
  return final !== null && final.code >= 400 ? final : { code: 426, text: 'Transfer aborted.' }
}

function* piecesOf(recording: Recording, { connectionId }: FtpTransferRecord, direction: Direction, leg: 'received' | 'sent'): Generator<RecordedPiece> {
  if (connectionId !== null) yield* recording.streamPieces(connectionId, direction, leg)
}

/** A relay that tears down a connection has read more than it sent on: the plugin told how much that was. */
function bytesBeforeReset(recording: Recording, { connectionId }: FtpTransferRecord): number {
  const told = [...recording.events({ where: `connection_id = ${connectionId} and kind = 'fault' and direction = 'down' and bytes is not null` })]
  return told.at(-1)?.bytes ?? Infinity
}

function* upTo(most: number, pieces: Generator<RecordedPiece>): Generator<RecordedPiece> {
  let left = most
  for (const piece of pieces) {
    if (left <= 0) return
    yield { ...piece, bytes: piece.bytes.subarray(0, left) }
    left -= piece.bytes.length
  }
}

/** How its data connection ended: `server closed`, `client reset` … */
function endOf(recording: Recording, { connectionId }: FtpTransferRecord): string {
  return connectionId === null ? '' : recording.connection(connectionId).endReason ?? ''
}
