import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { RecordedPiece } from '../../../recording/legs.js'
import { resetBehind } from '../../../relay/ending.js'

/** Bytes around the first difference that are shown. */
const shown = 16

/** What a client sent, beside what was recorded. */
export interface Upload {
  readonly bytes: number
  readonly sha256: string
  /** Where it first differs, in bytes of this upload; null where it doesn't, as far as it came. */
  readonly differs: { readonly offset: number, readonly came: Buffer, readonly recorded: Buffer } | null
  /** The client's end; or ours, after as much as the recorded server took; or the client is gone. */
  readonly ended: 'in order' | 'by us' | 'gone'
}

/** Takes uploads piece by piece, and compares each with what was recorded of it. Nothing is kept. */
export class UploadComparison {
  readonly #recorded: Generator<RecordedPiece> | null
  readonly #hash = createHash('sha256')
  #piece: Buffer = Buffer.alloc(0)
  #skip: number
  #bytes = 0
  #differs: Upload['differs'] = null

  /** @param recorded null where there is nothing to compare with. @param skip so many recorded bytes are from before where this upload begins. */
  constructor(recorded: Generator<RecordedPiece> | null, skip: number) {
    this.#recorded = recorded
    this.#skip = skip
  }

  get bytes(): number {
    return this.#bytes
  }

  take(bytes: Buffer): void {
    this.#hash.update(bytes)
    this.#compare(bytes)
    this.#bytes += bytes.length
  }

  /** @param whole whether the client said that this is all: what is recorded beyond it is missing then. */
  end(whole: boolean): Pick<Upload, 'bytes' | 'sha256' | 'differs'> {
    if (whole && this.#recorded !== null && this.#differs === null) {
      this.#refill()
      if (this.#piece.length > 0) this.#differs = { offset: this.#bytes, came: Buffer.alloc(0), recorded: Buffer.from(this.#piece.subarray(0, shown)) }
    }
    this.#recorded?.return(undefined)
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex'), differs: this.#differs }
  }

  #compare(bytes: Buffer): void {
    if (this.#recorded === null || this.#differs !== null) return
    for (let at = 0; at < bytes.length;) {
      this.#refill()
      const length = Math.min(this.#piece.length, bytes.length - at)
      if (length === 0 || !bytes.subarray(at, at + length).equals(this.#piece.subarray(0, length))) {
        let same = 0
        while (same < length && bytes[at + same] === this.#piece[same]) same++
        this.#differs = {
          offset: this.#bytes + at + same, came: Buffer.from(bytes.subarray(at + same, at + same + shown)), recorded: Buffer.from(this.#piece.subarray(same, same + shown)),
        }
        return
      }
      this.#piece = this.#piece.subarray(length)
      at += length
    }
  }

  #refill(): void {
    while (this.#piece.length === 0) {
      const next = this.#recorded!.next()
      if (next.done === true) return
      this.#piece = next.value.bytes.subarray(this.#skip)
      this.#skip = Math.max(0, this.#skip - next.value.bytes.length)
    }
  }
}

/**
 * Reads an upload to its end.
 * @param most the recorded server ended it after so many bytes, and so do we: the socket is left as it is then, unread; null where it took all.
 */
export function takeUpload(socket: Socket, comparison: UploadComparison, most: number | null, signal: AbortSignal): Promise<Upload> {
  return new Promise((resolve) => {
    const over = (ended: Upload['ended']): void => {
      socket.off('data', onData).off('end', onEnd).off('close', onGone)
      signal.removeEventListener('abort', onAbort)
      socket.pause()
      if (ended === 'in order') socket.end()
      resolve({ ...comparison.end(ended === 'in order'), ended })
    }
    const onData = (bytes: Buffer): void => {
      const due = most === null ? bytes : bytes.subarray(0, most - comparison.bytes)
      comparison.take(due)
      if (most !== null && comparison.bytes >= most) over('by us')
    }
    // A reset that comes together with data is told as an end.
    const onEnd = (): void => over(resetBehind(socket) === null ? 'in order' : 'gone')
    const onGone = (): void => over('gone')
    const onAbort = (): void => over('gone')
    if (socket.destroyed || signal.aborted) {
      onGone()
      return
    }
    if (most === 0) {
      over('by us')
      return
    }
    socket.on('data', onData).on('end', onEnd).on('close', onGone)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.resume()
  })
}
