import { firstDifference } from '../byte-view.js'
import type { Act } from './act.js'
import { Follower } from './follower.js'
import type { Branch, Narrowing, Next, Node } from './narrowing.js'
import { Said } from './said.js'
import { stepOf } from './script.js'
import type { Place } from './script.js'

/** The beginning of what a client said, kept for telling what it may have meant. */
const openingKept = 64

/**
 * One client's conversation with the recorded server: takes what the client says, in any pieces, and tells what the server does. What it does
 * depends on the client's bytes alone, not on how they were split.
 */
export class Conversation {
  #narrowing: Narrowing
  readonly #compared: number
  readonly #said = new Said()
  #over = false
  #node: Node
  /** The bytes that the client is in the middle of. */
  #branch: { readonly of: Branch, matched: number } | null = null
  /** One script is left. */
  #follower: Follower | null = null
  /** What is being said on the way to the next node, by one script of several. */
  #run: { readonly follower: Follower, readonly to: Node } | null = null
  #opening = Buffer.alloc(0)
  /** How much had been said before the turn in progress. */
  #turnBegan = 0
  #paused = false
  /** What was chosen for a client that hadn't said anything. */
  #chosen: { readonly node: Node, readonly turn: number, readonly script: number } | null = null

  /** @param compared bytes of each turn that have to be as recorded. */
  constructor(narrowing: Narrowing, compared: number) {
    this.#narrowing = narrowing
    this.#compared = compared
    this.#node = narrowing.root
  }

  /** Bytes that wait to be looked at. */
  get waiting(): number {
    return this.#said.length
  }

  /** The first 64 bytes that the client said. */
  get opening(): Buffer {
    return this.#opening
  }

  /** The client has said something. */
  take(bytes: Buffer): void {
    this.#said.add(bytes)
    if (this.#opening.length < openingKept) this.#opening = Buffer.concat([this.#opening, bytes.subarray(0, openingKept - this.#opening.length)])
  }

  /** The client has closed its side. */
  finish(): void {
    this.#over = true
  }

  /** The client is in the middle of a turn that may end with less than was recorded. */
  get inTurn(): boolean {
    if (this.#follower !== null) return this.#follower.mayEndTurn
    return this.#compared !== Infinity && this.#run === null && this.#node.up + (this.#branch?.matched ?? 0) > this.#turnBegan
  }

  /** The client says nothing for a while: its turn is taken for over, where it may be. */
  pause(): void {
    if (!this.inTurn) return
    if (this.#follower === null) this.#paused = true
    else this.#follower.endTurn()
  }

  /** The client is gone. One that only connected, where more was to come of it, hasn't used anything up: the next one gets the same. */
  leave(): void {
    const chosen = this.#chosen
    this.#chosen = null
    if (chosen === null || !this.#silent || this.#narrowing.scripts.piece(chosen.script, 'up', 0) === null) return
    this.#narrowing.giveBack(chosen.node, chosen.turn)
  }

  /** To be asked until it waits or the conversation is over. */
  async next(): Promise<Act> {
    for (;;) {
      const act = await this.#next()
      if (act.kind !== 'diverged' || !await this.#crossOver(act)) return act
    }
  }

  /** What is said was recorded elsewhere, after the same words. */
  async #crossOver({ script, offset, came }: Extract<Act, { kind: 'diverged' }>): Promise<boolean> {
    if (this.#compared !== Infinity) return false
    const elsewhere = await this.#narrowing.elsewhere(script, offset, came[0]!)
    if (elsewhere === null) return false
    this.#narrowing = elsewhere
    this.#node = elsewhere.root
    this.#branch = this.#follower = this.#run = this.#chosen = null
    return true
  }

  async #next(): Promise<Act> {
    for (;;) {
      if (this.#follower !== null) return this.#follower.next(this.#said, this.#over)
      if (this.#run !== null) {
        const act = this.#run.follower.next(new Said(), false)
        if (act.kind === 'say') return act
        this.#node = this.#run.to
        this.#turnBegan = this.#node.up
        this.#run = null
      }
      const act = await this.#step()
      if (act !== null) return act
    }
  }

  async #step(): Promise<Act | null> {
    const node = this.#node
    const { scripts, settled } = node
    const [only] = scripts
    if (only === undefined) return { kind: 'unknown' }
    if (this.#paused) return this.#endTurn(node)
    if (settled) {
      const fitting = scripts.length === 1 ? scripts : await this.#narrowing.fitting(node)
      const choose = (): number | null => this.#choose(node, fitting)
      if (fitting.length === 1) {
        this.#follower = this.#followerOf(fitting[0]!, node, () => choose() !== null)
        return null
      }
      // Nothing is chosen for a client that may be gone before it says anything.
      if (this.#silent && stepOf(this.#narrowing.scripts, this.#narrowing.peek(node, fitting) ?? only, node).kind === 'waits') return { kind: this.#over ? 'close' : 'wait' }
      const script = choose()
      if (script === null) return { kind: 'exhausted', script: only }
      this.#follower = this.#followerOf(script, node, () => true)
      return null
    }
    const next = await this.#narrowing.next(node)
    return next.kind === 'due' ? this.#answer(node, next) : this.#listen(node, next)
  }

  #answer(node: Node, next: Extract<Next, { kind: 'due' }>): Act | null {
    const script = this.#choose(node, next.scripts)
    if (script === null) return { kind: 'exhausted', script: next.scripts.at(-1)! }
    const follower = this.#followerOf(script, node, () => true)
    follower.dropRest(this.#said)
    const child = this.#narrowing.after(node, next, script)
    if (child.scripts.length === 1 || next.runs.get(script)!.length === 0) this.#follower = follower
    else this.#run = { follower, to: child }
    return null
  }

  /** The client pauses where several may be meant: what it has said is its whole turn. */
  async #endTurn(node: Node): Promise<Act | null> {
    this.#paused = false
    const { of, matched } = this.#branch ?? { of: { node }, matched: 0 }
    const among = of.node === node ? await this.#narrowing.fitting(node) : of.node.scripts
    const script = this.#choose(of.node, among)
    if (script === null) return { kind: 'exhausted', script: among.at(-1)! }
    this.#follower = this.#followerOf(script, { up: node.up + matched, down: node.down }, () => true)
    this.#follower.endTurn()
    return null
  }

  #listen(node: Node, { branches, over, ends }: Extract<Next, { kind: 'waits' }>): Act | null {
    const said = this.#said
    if (said.empty) {
      if (!this.#over) return { kind: 'wait' }
      return over.length > 0 && !this.#silent && this.#branch === null && this.#choose(node, over) === null ? { kind: 'exhausted', script: over.at(-1)! } : { kind: 'close' }
    }
    const { first } = said
    if (this.#branch === null) {
      const of = branches.get(first[0]!)
      if (of === undefined && branches.size === 0 && ends.length > 0) {
        this.#follower = this.#followerOf(this.#choose(node, ends) ?? ends.at(-1)!, node, () => true)
        return null
      }
      if (of === undefined) return this.#diverged(node.up, closestOf(branches) ?? node.scripts[0]!, first)
      this.#branch = { of, matched: 0 }
    }
    const { of: { bytes, node: to }, matched } = this.#branch
    const wanted = bytes.subarray(matched, matched + first.length)
    const same = firstDifference(first, wanted)
    if (same > 0) said.drop(same)
    if (same < wanted.length) return this.#diverged(node.up + matched + same, to.scripts[0]!, said.first)
    this.#branch.matched += same
    if (this.#branch.matched === bytes.length) {
      this.#node = to
      this.#branch = null
    }
    return null
  }

  /** The client hasn't said anything. */
  get #silent(): boolean {
    return this.#opening.length === 0
  }

  #choose(node: Node, among: readonly number[]): number | null {
    const choice = this.#narrowing.choose(node, among)
    if (choice !== null && this.#silent) this.#chosen ??= { node, ...choice }
    return choice?.script ?? null
  }

  #followerOf(script: number, { up, down }: Place, claim: () => boolean): Follower {
    return new Follower({ scripts: this.#narrowing.scripts, script, place: { up, down }, compared: this.#compared, inTurn: up - this.#turnBegan, claim })
  }

  #diverged(offset: number, script: number, came: Buffer): Act {
    return { kind: 'diverged', offset, script, came, recorded: this.#narrowing.scripts.piece(script, 'up', offset)?.bytes ?? null }
  }
}

/** The first in the recorded order that waits for words. */
function closestOf(branches: ReadonlyMap<number, Branch>): number | null {
  return branches.size === 0 ? null : Math.min(...[...branches.values()].map(({ node }) => node.scripts[0]!))
}
