import type { Socket } from 'node:net'
import type { RecordedPiece } from '../../../recording/legs.js'
import { resetSocket } from '../../../relay/reset-socket.js'
import type { Pace } from '../../pace.js'

export interface Download {
  /** As they went to the client. */
  readonly pieces: Generator<RecordedPiece>
  /** So many bytes are left out: the client has them. */
  readonly skip: number
  /** A piece is due when so much has passed since `since` as had passed since `origin`, in µs, when it was recorded. */
  readonly pace: Pace
  readonly origin: number
  readonly since: number
  /** The recorded data connection was torn down at the end. */
  readonly reset: boolean
  readonly signal: AbortSignal
}

/** After the end of the data, so long the client is given to end its side, in ms. */
const endPatience = 10_000

/** Sends recorded bytes piece by piece, as fast as the client takes them. @returns whether all went out; where not, the client is gone. */
export async function sendDownload(socket: Socket, { pieces, skip, pace, origin, since, reset, signal }: Download): Promise<boolean> {
  // What a client says here is nothing; but its end has to be read.
  socket.resume()
  let left = skip
  try {
    for (const { bytes, time } of pieces) {
      const due = bytes.subarray(left)
      left = Math.max(0, left - bytes.length)
      if (due.length === 0) continue
      await pace.until(time - origin, since, signal)
      if (signal.aborted || !await written(socket, due)) return false
    }
  } finally {
    pieces.return(undefined)
  }
  if (reset) resetSocket(socket)
  else if (!await ended(socket)) return false
  return true
}

/** @returns false where the socket is broken. */
export function written(socket: Socket, bytes: Buffer): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(false)
  return new Promise((resolve) => {
    const gone = (): void => resolve(false)
    socket.once('close', gone)
    socket.write(bytes, (error) => {
      socket.off('close', gone)
      resolve(error === null || error === undefined)
    })
  })
}

function ended(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(false)
  const timer = setTimeout(() => socket.destroy(), endPatience).unref()
  return new Promise((resolve) => {
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(socket.writableFinished)
    })
    socket.once('finish', () => resolve(true))
    socket.end()
  })
}
