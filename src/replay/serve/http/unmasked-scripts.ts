import type { Direction } from '../../../protocols/decoder.js'
import { Unmasking } from '../../../protocols/websocket/unmasking.js'
import type { Place, ScriptEnd, ScriptPiece, Scripts } from '../tcp/script.js'

/** Places from which reading can go on, of all scripts together: clients mostly read on from where they were. */
const mostPlaces = 4096

/** WebSockets as scripts, with what clients said in the clear: two clients that mean the same never say the same otherwise. */
export class UnmaskedScripts implements Scripts {
  readonly size: number
  readonly #scripts: Scripts
  /** By script and offset, those used last at the end. */
  readonly #places = new Map<string, Unmasking>()

  constructor(scripts: Scripts) {
    this.#scripts = scripts
    this.size = scripts.size
  }

  piece(script: number, direction: Direction, offset: number): ScriptPiece | null {
    const piece = this.#scripts.piece(script, direction, offset)
    if (piece === null || direction === 'down') return piece
    const unmasking = this.#at(script, offset)
    return { ...piece, bytes: this.#read(unmasking, script, offset, piece) }
  }

  ahead(scripts: readonly number[], place: Place): void {
    this.#scripts.ahead?.(scripts, place)
  }

  end(script: number): ScriptEnd {
    return this.#scripts.end(script)
  }

  began(script: number): number {
    return this.#scripts.began(script)
  }

  /** @returns one that has taken all before an offset. */
  #at(script: number, offset: number): Unmasking {
    const known = this.#places.get(`${script} ${offset}`)
    if (offset === 0 || known !== undefined) return known?.copy() ?? new Unmasking()
    const unmasking = new Unmasking()
    for (let at = 0; at < offset;) {
      const piece = this.#scripts.piece(script, 'up', at)
      if (piece === null) break
      const bytes = piece.bytes.subarray(0, offset - at)
      unmasking.take(bytes)
      at += bytes.length
    }
    this.#keep(script, offset, unmasking.copy())
    return unmasking
  }

  #read(unmasking: Unmasking, script: number, offset: number, { bytes }: ScriptPiece): Buffer {
    const plain = unmasking.take(bytes)
    this.#keep(script, offset + bytes.length, unmasking)
    return plain
  }

  #keep(script: number, offset: number, unmasking: Unmasking): void {
    const place = `${script} ${offset}`
    this.#places.delete(place)
    this.#places.set(place, unmasking)
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= mostPlaces) break
      this.#places.delete(oldest)
    }
  }
}
