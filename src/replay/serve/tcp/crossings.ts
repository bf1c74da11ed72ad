import { setImmediate as breathe } from 'node:timers/promises'
import type { Direction } from '../../../protocols/decoder.js'
import { addHead } from './heads.js'
import type { Heads } from './heads.js'
import { stepOf } from './script.js'
import type { Scripts } from './script.js'

/** Scripts in which the client says the same up to here, whatever it got for that. */
interface Fork {
  readonly up: number
  readonly scripts: readonly number[]
  branches: Promise<ReadonlyMap<number, Branch>> | null
}

interface Branch {
  readonly bytes: Buffer
  readonly fork: Fork
  /** Those in which the server answered at the same places, by these. */
  readonly alike: Map<string, Promise<Crossing | null>>
}

/** Scripts that a client may go on with that was given another one's answers. */
export interface Crossing {
  /** What the server said before that place is left out of them. */
  readonly scripts: Scripts
  readonly members: readonly number[]
}

/** Scripts looked at in one go: others have to have their turn. */
const slice = 200

/** Of more than these the first are taken, and places beyond so many pieces aren't compared: it is to be found while a client waits. */
const mostMembers = 1000
const mostPieces = 2000

const longestBranch = 4096

/**
 * Ways from one recorded conversation into another. Where several clients said the same and were answered differently, by an id that each connection has for its own,
 * a client is given one of these answers before anybody knows which of them it is: what it says next tells, and that may be in another than it was given.
 */
export class Crossings {
  readonly #scripts: Scripts
  readonly #root: Fork

  constructor(scripts: Scripts) {
    this.#scripts = scripts
    this.#root = { up: 0, scripts: Array.from({ length: scripts.size }, (_, script) => script), branches: null }
  }

  /**
   * Where a client may go on that has left `script` by saying `byte` at `up`.
   * @returns null where no other has the client say that, with the server's answers before it in the same places.
   */
  async from(script: number, up: number, byte: number): Promise<Crossing | null> {
    const branch = await this.#branch(script, up, byte)
    if (branch === null) return null
    const turns = turnsBefore(this.#scripts, script, up)
    if (turns === null) return null
    let alike = branch.alike.get(turns.places)
    if (alike === undefined) branch.alike.set(turns.places, alike = this.#alike(branch, up, turns.places))
    return alike
  }

  async #branch(script: number, up: number, byte: number): Promise<Branch | null> {
    for (let fork = this.#root; ;) {
      fork.branches ??= this.#branches(fork)
      const branches = await fork.branches
      if (fork.up === up) return branches.get(byte) ?? null
      const own = this.#scripts.piece(script, 'up', fork.up)
      const branch = own === null ? undefined : branches.get(own.bytes[0]!)
      if (branch === undefined || branch.fork.up > up) return null
      fork = branch.fork
    }
  }

  async #branches(fork: Fork): Promise<ReadonlyMap<number, Branch>> {
    const heads: Heads = new Map()
    for (const [index, script] of fork.scripts.entries()) {
      if (index % slice === 0) {
        if (index > 0) await breathe()
        this.#scripts.ahead?.(fork.scripts.slice(index, index + slice), { up: fork.up, down: 0 })
      }
      const piece = this.#scripts.piece(script, 'up', fork.up)
      if (piece !== null) addHead(heads, script, piece, longestBranch)
    }
    return new Map([...heads].map(([byte, { bytes, scripts }]) => [byte, { bytes, fork: { up: fork.up + bytes.length, scripts, branches: null }, alike: new Map() }]))
  }

  async #alike({ fork }: Branch, up: number, places: string): Promise<Crossing | null> {
    const starts = new Map<number, number>()
    for (const script of fork.scripts) {
      const turns = turnsBefore(this.#scripts, script, up)
      if (turns?.places === places) starts.set(script, turns.down)
      if (starts.size === mostMembers) break
      await breathe()
    }
    return starts.size === 0 ? null : { scripts: new LaterScripts(this.#scripts, starts), members: [...starts.keys()] }
  }
}

/** Scripts without what the server said before some place. */
class LaterScripts implements Scripts {
  readonly size: number
  readonly #scripts: Scripts
  readonly #starts: ReadonlyMap<number, number>

  constructor(scripts: Scripts, starts: ReadonlyMap<number, number>) {
    this.#scripts = scripts
    this.size = scripts.size
    this.#starts = starts
  }

  piece(script: number, direction: Direction, offset: number): ReturnType<Scripts['piece']> {
    return this.#scripts.piece(script, direction, offset + (direction === 'down' ? this.#starts.get(script) ?? 0 : 0))
  }

  end(script: number): ReturnType<Scripts['end']> {
    return this.#scripts.end(script)
  }

  began(script: number): number {
    return this.#scripts.began(script)
  }
}

/** Where in the client's stream the server answered before a place, and how much it had said by then; null where that is too much to be looked at. */
function turnsBefore(scripts: Scripts, script: number, end: number): { readonly places: string, readonly down: number } | null {
  const places = new Set<number>()
  let [up, down] = [0, 0]
  for (let pieces = 0; pieces < mostPieces; pieces++) {
    const step = stepOf(scripts, script, { up, down })
    if (step.kind === 'over' || (step.kind === 'waits' && up === end)) return { places: [...places].join(' '), down }
    if (step.kind === 'due') {
      places.add(up)
      down += step.piece.bytes.length
    } else {
      up += Math.min(step.piece.bytes.length, end - up)
    }
  }
  return null
}
