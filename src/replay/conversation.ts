import type { Direction } from '../protocols/decoder.js'
import type { Recording } from '../recording/recording.js'
import type { RecordedPiece } from '../recording/legs.js'

/** What was said on a connection, and who said it. */
export interface Said {
  readonly direction: Direction
  readonly bytes: Buffer
  /** µs since the epoch. */
  readonly time: number
}

/**
 * Both directions of a connection in the order in which they came, a piece at a time, as the server's side of the relay had them: what the server got, and
 * what it said. @param asked `received` for what the client said, where plugins have changed that.
 */
export function* conversation(recording: Recording, connection: number, asked: 'received' | 'sent' = 'sent'): Generator<Said> {
  const up = recording.streamPieces(connection, 'up', asked)
  const down = recording.streamPieces(connection, 'down')
  try {
    let [nextUp, nextDown] = [up.next(), down.next()]
    while (nextUp.done !== true || nextDown.done !== true) {
      if (nextDown.done === true || (nextUp.done !== true && nextUp.value.time < nextDown.value.time)) {
        yield said('up', nextUp.value as RecordedPiece)
        nextUp = up.next()
      } else {
        yield said('down', nextDown.value)
        nextDown = down.next()
      }
    }
  } finally {
    up.return(undefined)
    down.return(undefined)
  }
}

function said(direction: Direction, { bytes, time }: RecordedPiece): Said {
  return { direction, bytes, time }
}
