import type { RecordedPiece } from '../../../recording/legs.js'
import type { Recording } from '../../../recording/recording.js'
import type { ScriptPiece } from './script.js'

type Reading = { readonly pieces: Generator<RecordedPiece>, offset: number, piece: RecordedPiece | null }

/** Streams that are being read at once; one more is read anew from its start later. */
const mostOpen = 64

/**
 * What clients got of connections where something else was sent on than was received. Such a stream can only be read from its start on: it is kept
 * open for whoever comes next, which is mostly somebody who reads on.
 */
export class SentStreams {
  readonly #recording: Recording
  readonly #open = new Map<number, Reading>()

  constructor(recording: Recording) {
    this.#recording = recording
  }

  piece(connectionId: number, offset: number): ScriptPiece | null {
    let reading = this.#open.get(connectionId)
    this.#open.delete(connectionId)
    if (reading !== undefined && offset < reading.offset) {
      reading.pieces.return(undefined)
      reading = undefined
    }
    reading ??= { pieces: this.#recording.streamPieces(connectionId, 'down', 'sent'), offset: 0, piece: null }
    for (;;) {
      if (reading.piece !== null && offset < reading.offset + reading.piece.bytes.length) break
      reading.offset += reading.piece?.bytes.length ?? 0
      const { value, done } = reading.pieces.next()
      if (done === true) return null
      reading.piece = value
    }
    this.#keep(connectionId, reading)
    const { bytes, time } = reading.piece
    return { bytes: bytes.subarray(offset - reading.offset), time, order: Infinity, within: offset > reading.offset }
  }

  #keep(connectionId: number, reading: Reading): void {
    this.#open.set(connectionId, reading)
    if (this.#open.size <= mostOpen) return
    const [oldest, { pieces }] = this.#open.entries().next().value!
    pieces.return(undefined)
    this.#open.delete(oldest)
  }
}
