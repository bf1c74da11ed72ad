import type { Direction } from '../../../protocols/decoder.js'
import type { ScriptPiece, Scripts } from './script.js'

/** Larger pieces are read again rather than kept: thousands of clients may be idle. */
const largestKept = 16 * 1024

type Kept = { readonly piece: ScriptPiece, readonly offset: number }

/** One script's pieces for one reader, who mostly asks for the same ones several times. */
export class PieceMemory implements Scripts {
  readonly size: number
  readonly #scripts: Scripts
  readonly #kept: Record<Direction, Kept | null> = { up: null, down: null }

  constructor(scripts: Scripts) {
    this.#scripts = scripts
    this.size = scripts.size
  }

  piece(script: number, direction: Direction, offset: number): ScriptPiece | null {
    const kept = this.#kept[direction]
    if (kept !== null && offset >= kept.offset && offset < kept.offset + kept.piece.bytes.length) {
      return offset === kept.offset ? kept.piece : { ...kept.piece, bytes: kept.piece.bytes.subarray(offset - kept.offset), within: true }
    }
    const piece = this.#scripts.piece(script, direction, offset)
    // That nothing more is there may change, in a recording that is still being written.
    if (piece !== null) this.#kept[direction] = piece.bytes.length <= largestKept ? { piece, offset } : null
    return piece
  }

  end(script: number): ReturnType<Scripts['end']> {
    return this.#scripts.end(script)
  }

  began(script: number): number {
    return this.#scripts.began(script)
  }
}
