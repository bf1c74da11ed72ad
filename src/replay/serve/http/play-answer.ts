import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { RecordedPiece } from '../../../recording/legs.js'
import type { Recording } from '../../../recording/recording.js'
import { headOf } from './answer-head.js'
import type { Asking } from './asked-request.js'
import type { RecordedAnswer } from './recorded-answer.js'
import type { Site } from './site.js'

/**
 * Writes an answer piece by piece, each in its time, no faster than the client reads. Resolves when all of it has been written, or the client is gone.
 * @param bare the body without chunks.
 */
export async function playAnswer(
  socket: Socket, asked: Pick<Asking, 'method' | 'version' | 'since' | 'headers'>, answer: RecordedAnswer, bare: boolean,
  { recording, pace, settings: { refresh } }: Pick<Site, 'recording' | 'pace' | 'settings'>, gone: AbortSignal,
): Promise<void> {
  const { id, exchange: { started, ended, method }, informational, head, headAt, rest, ending } = answer
  const write = async (bytes: Buffer, time: number): Promise<boolean> => {
    await pace.until(time - started, asked.since, gone)
    if (gone.aborted) return false
    if (!socket.write(bytes)) await once(socket, 'drain', { signal: gone }).catch(() => {})
    return !gone.aborted
  }
  // HTTP/1.0 knows none.
  if (informational.length > 0 && asked.version !== '1.0' && !await write(informational, answer.exchange.firstByte ?? started)) return
  if (head.length > 0 && !await write(headOf(answer, { refresh, now: Date.now(), bare, asked: asked.headers }), headAt)) return
  if (asked.method === 'HEAD' && method !== 'HEAD') return
  for (const { bytes, kind, time } of rest ?? restFrom(recording, id)) {
    if (bare && kind !== 'body') continue
    if (!await write(bytes, time)) return
  }
  // A connection that was torn down later than its last byte.
  if (ending !== 'goes on' && ended !== null) await pace.until(ended - started, asked.since, gone)
}

function* restFrom(recording: Recording, id: number): Generator<RecordedPiece> {
  for (const piece of recording.messageInSlices(id, 'response', 'sent')) if (piece.kind !== 'head') yield piece
}
