import { firstDifference } from '../byte-view.js'
import type { Act } from './act.js'
import { PieceMemory } from './piece-memory.js'
import type { Said } from './said.js'
import { seenOf, stepOf } from './script.js'
import type { Place, ScriptPiece, Scripts } from './script.js'

export interface FollowerOptions {
  readonly scripts: Scripts
  readonly script: number
  /** How far the conversation has come. */
  readonly place: Place
  /** Bytes of each turn that have to be as recorded. */
  readonly compared: number
  /** Bytes of the turn in progress that were looked at before. */
  readonly inTurn: number
  /** Asked before anything is given. @returns false where that script has been given already. */
  readonly claim: () => boolean
}

/** One script, followed to its end. */
export class Follower {
  readonly #options: FollowerOptions
  readonly #scripts: Scripts
  #up: number
  #down: number
  /** Bytes that the client has said in this turn. */
  #inTurn: number
  #speaking = false
  #claimed = false
  /** When the client said the last of it, in the recording. */
  #turnEnd: number | null = null

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#scripts = new PieceMemory(options.scripts)
    this.#up = options.place.up
    this.#down = options.place.down
    this.#inTurn = options.inTurn
  }

  /** @param over the client has closed its side. */
  next(said: Said, over: boolean): Act {
    const { script, claim } = this.#options
    for (;;) {
      const step = stepOf(this.#scripts, script, { up: this.#up, down: this.#down })
      const gives = step.kind === 'due' || (step.kind === 'over' && (step.end !== 'client' || over))
      if (gives && !this.#claimed && !(this.#claimed = claim())) return { kind: 'exhausted', script }
      if (step.kind === 'due') return this.#say(step.piece.bytes, step.piece.time, said)
      if (step.kind === 'over') {
        if (step.end !== 'client') return { kind: seenOf[step.end] }
        if (!said.empty) return this.#diverged(said.first, null)
        return { kind: over ? 'close' : 'wait' }
      }
      this.#speaking = false
      if (said.empty) return { kind: over ? 'close' : 'wait' }
      const differs = this.#take(said, step.piece)
      if (differs !== null) return differs
    }
  }

  /** The client is in a turn of which not every byte counts: it may be over with less than was recorded. */
  get mayEndTurn(): boolean {
    return this.#options.compared !== Infinity && this.#inTurn > 0
  }

  endTurn(): void {
    for (;;) {
      const step = stepOf(this.#scripts, this.#options.script, { up: this.#up, down: this.#down })
      if (step.kind !== 'waits') break
      this.#advance(step.piece.bytes.length, step.piece.time)
    }
    this.#inTurn = 0
  }

  /** Where not every byte counts, a turn may be longer than recorded: what doesn't begin as the next one does, or where nothing is compared isn't enough for it, belongs to it. */
  dropRest(said: Said): void {
    const { compared, script } = this.#options
    if (compared === Infinity || said.empty || this.#up === 0) return
    const next = this.#scripts.piece(script, 'up', this.#up)?.bytes ?? null
    const isNext = next !== null && (compared === 0 ? said.length >= next.length : beginAlike(said.peek(compared), next.subarray(0, compared)))
    if (!isNext) said.clear()
  }

  #say(bytes: Buffer, time: number, said: Said): Act {
    const first = !this.#speaking
    if (first) {
      this.#speaking = true
      this.#inTurn = 0
      this.dropRest(said)
    }
    this.#down += bytes.length
    return { kind: 'say', bytes, first, gap: Math.max(0, time - this.#turnEnded()) }
  }

  /** @returns where the client left the script. */
  #take(said: Said, { bytes: recorded, time }: ScriptPiece): Act | null {
    const { compared } = this.#options
    const { first } = said
    const both = Math.min(first.length, recorded.length)
    const checked = Math.max(0, Math.min(both, compared - this.#inTurn))
    const same = firstDifference(first.subarray(0, checked), recorded.subarray(0, checked))
    if (same < checked) {
      this.#advance(same, time)
      if (same > 0) said.drop(same)
      return this.#diverged(first.subarray(same), recorded.subarray(same))
    }
    this.#advance(both, time)
    said.drop(both)
    return null
  }

  #advance(length: number, time: number): void {
    this.#up += length
    this.#inTurn += length
    this.#turnEnd = time
  }


  #turnEnded(): number {
    const { script } = this.#options
    this.#turnEnd ??= this.#up === 0 ? this.#scripts.began(script) : this.#options.scripts.piece(script, 'up', this.#up - 1)!.time
    return this.#turnEnd
  }

  #diverged(came: Buffer, recorded: Buffer | null): Act {
    return { kind: 'diverged', offset: this.#up, script: this.#options.script, came, recorded }
  }
}

function beginAlike(a: Buffer, b: Buffer): boolean {
  const both = Math.min(a.length, b.length)
  return a.subarray(0, both).equals(b.subarray(0, both))
}
