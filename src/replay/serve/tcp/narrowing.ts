import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { After } from '../stand-in.js'
import { Crossings } from './crossings.js'
import type { Crossing } from './crossings.js'
import { addHead } from './heads.js'
import type { Heads } from './heads.js'
import type { Reach } from './match.js'
import { isNoAnswer, stepOf } from './script.js'
import type { Place, Scripts } from './script.js'

/** Scripts that agree with each other on all that was said so far. Shared by all connections that come this way. */
export interface Node extends Place {
  /** In recorded order. */
  readonly scripts: readonly number[]
  /** One of them is to be taken here. */
  readonly settled: boolean
  /** How many have been taken. */
  given: number
  /** Turns that were taken and not used, the earliest first. */
  readonly returned: number[]
  /** Of a settled one: those that go on from here. */
  fitting: Promise<readonly number[]> | null
  next: Promise<Next> | null
}

/** What can come next at a node. */
export type Next =
  /** The server speaks, or ends the connection: what it does differs where the keys do. */
  | { readonly kind: 'due', readonly scripts: readonly number[], readonly runs: ReadonlyMap<number, Run>, readonly children: Map<string, Node>, readonly waiting: readonly number[] }
  /** The client has to speak, by its first byte, or to leave. Scripts that merely end here (`ends`) are for one that nothing else is there for. */
  | { readonly kind: 'waits', readonly branches: ReadonlyMap<number, Branch>, readonly over: readonly number[], readonly ends: readonly number[] }

/** One of several that are as good. */
export interface Choice {
  readonly script: number
  readonly turn: number
}

/** What the server says before the client has to say more. */
export interface Run {
  readonly length: number
  /** The same where it does the same; null where it is too long to be compared. */
  readonly key: string | null
  /** It ended there, and not by the server's doing. */
  readonly cut: boolean
}

/** Bytes that all scripts with the same first one go on with. */
export interface Branch {
  readonly bytes: Buffer
  readonly node: Node
}

/** Scripts are told apart by so much of a conversation; from there on the first of those that agree is taken. */
const horizon = 256 * 1024

/** Longer answers are alike with none. */
const longestRun = 64 * 1024

/** Longer common bytes are gone through in steps. */
const longestBranch = 4096

/** Scripts looked at in one go: others have to have their turn. */
const slice = 200

const nothing = Buffer.alloc(0)

/** Finds which recorded conversation a client is in, as its bytes come. What was found once is remembered for the connections after it. */
export class Narrowing {
  readonly scripts: Scripts
  readonly root: Node
  readonly #after: After
  readonly #reach: Reach
  readonly #crossings: Crossings
  readonly #crossed = new Map<Crossing, Narrowing>()

  constructor(scripts: Scripts, after: After, reach: Reach, from: { readonly crossings: Crossings, readonly up: number, readonly members: readonly number[] } | null = null) {
    this.scripts = scripts
    this.#after = after
    this.#reach = reach
    this.#crossings = from?.crossings ?? new Crossings(scripts)
    this.root = this.#node(from?.up ?? 0, 0, from?.members ?? Array.from({ length: scripts.size }, (_, script) => script), false)
  }

  /**
   * A client was given what the server said in `script`, and says at `up` what is said in others alone: where it goes on then. With `miss`, where each is given
   * once, nowhere.
   */
  async elsewhere(script: number, up: number, byte: number): Promise<Narrowing | null> {
    if (this.#after === 'miss' || up >= horizon) return null
    const crossing = await this.#crossings.from(script, up, byte)
    if (crossing === null) return null
    let narrowing = this.#crossed.get(crossing)
    if (narrowing === undefined) {
      narrowing = new Narrowing(crossing.scripts, this.#after, this.#reach, { crossings: this.#crossings, up, members: crossing.members })
      this.#crossed.set(crossing, narrowing)
    }
    return narrowing
  }

  /** Whose turn it is, of those that are as good: the recorded order, then as `after` says. @returns null where all were given. */
  choose(node: Node, among: readonly number[]): Choice | null {
    const turn = node.returned.shift() ?? node.given++
    const script = this.#inTurn(turn, among)
    return script === null ? null : { script, turn }
  }

  /** Whose turn it will be. */
  peek(node: Node, among: readonly number[]): number | null {
    return this.#inTurn(node.returned[0] ?? node.given, among)
  }

  /** A client that had been given a turn made no use of it: the next one gets it. */
  giveBack(node: Node, turn: number): void {
    node.returned.push(turn)
    node.returned.sort((a, b) => a - b)
  }

  /** Those of a node that say something from here on, or wait for words; all where none does. */
  fitting(node: Node): Promise<readonly number[]> {
    node.fitting ??= this.#fitting(node)
    return node.fitting
  }

  next(node: Node): Promise<Next> {
    node.next ??= this.#next(node)
    return node.next
  }

  /** Where the conversation is once the server has said what a script says. */
  after(node: Node, { runs, children, waiting }: Extract<Next, { kind: 'due' }>, script: number): Node {
    const { key, length } = runs.get(script)!
    if (key === null) return this.#node(node.up, node.down + length, [script], true)
    let child = children.get(key)
    if (child === undefined) {
      const members = [...runs].filter(([, run]) => run.key === key).map(([member]) => member)
      // Those that have the server say the same, but later, may be meant as well.
      const others = length === 0 ? [] : waiting.filter((other) => this.#saysTheSame(other, script, node.down, length))
      child = this.#node(node.up, node.down + length, [...members, ...others].sort((a, b) => a - b), !this.#reach.later && node.up > 0)
      children.set(key, child)
    }
    return child
  }

  #node(up: number, down: number, scripts: readonly number[], settled: boolean): Node {
    return { up, down, scripts, settled: settled || scripts.length <= 1 || up >= this.#reach.up || up + down >= horizon, given: 0, returned: [], fitting: null, next: null }
  }

  async #next(node: Node): Promise<Next> {
    const due: number[] = []
    const runs = new Map<number, Run>()
    const waiting: number[] = []
    const over: number[] = []
    const ends: number[] = []
    const heads: Heads = new Map()
    for (let index = 0; index < node.scripts.length; index += slice) {
      if (index > 0) await breathe()
      const some = node.scripts.slice(index, index + slice)
      this.scripts.ahead?.(some, node)
      const answering = new Map<number, Buffer>()
      for (const script of some) {
        const step = stepOf(this.scripts, script, node)
        if (step.kind === 'over' && isNoAnswer(step.end, node)) {
          ends.push(script)
          continue
        }
        if (step.kind === 'due' || (step.kind === 'over' && step.end !== 'client')) {
          due.push(script)
          answering.set(script, step.kind === 'due' ? step.piece.bytes : nothing)
          continue
        }
        waiting.push(script)
        if (step.kind === 'over') over.push(script)
        else if (due.length === 0) addHead(heads, script, step.piece, Math.min(longestBranch, this.#reach.up - node.up))
      }
      // Answers are mostly as long as each other.
      if (answering.size > 1) this.scripts.ahead?.([...answering.keys()], { up: node.up, down: node.down + [...answering.values()].at(-1)!.length })
      for (const [script, said] of answering) runs.set(script, this.#runOf(script, node, said))
    }
    if (due.length === 0 && heads.size === 0) {
      // Nobody waits for words: the ends happen; but one that isn't the server's own doesn't come before the client's.
      for (const script of ends) {
        if (over.length > 0 && !['close', 'reset'].includes(this.scripts.end(script))) continue
        due.push(script)
        runs.set(script, this.#runOf(script, node, nothing))
      }
    }
    if (due.length > 0) return { kind: 'due', scripts: this.#withoutCut(due, runs, node), runs, children: new Map(), waiting }
    const branches = new Map([...heads].map(([byte, { bytes, scripts }]) => [byte, { bytes, node: this.#node(node.up + bytes.length, node.down, scripts, false) }]))
    return { kind: 'waits', branches, over, ends }
  }

  /** @param begun what has been read of it. */
  #runOf(script: number, { up, down }: Place, begun: Buffer): Run {
    let { length } = begun
    if (length > longestRun) return { length, key: null, cut: false }
    const hash = createHash('sha1').update(begun)
    for (;;) {
      const step = stepOf(this.scripts, script, { up, down: down + length })
      if (step.kind !== 'due') {
        const cut = step.kind === 'over' && isNoAnswer(step.end, { up, down })
        return { length, key: `${length} ${hash.digest('base64')} ${step.kind === 'over' && !cut ? step.end : ''}`, cut }
      }
      length += step.piece.bytes.length
      if (length > longestRun) return { length, key: null, cut: false }
      hash.update(step.piece.bytes)
    }
  }

  /** Those that were cut in the middle of what others say whole aren't given where there are these. */
  #withoutCut(due: readonly number[], runs: ReadonlyMap<number, Run>, { down }: Node): readonly number[] {
    const firsts = new Map<string | number, number>()
    for (const script of due) {
      const key = runs.get(script)!.key ?? script
      if (!firsts.has(key)) firsts.set(key, script)
    }
    const several = [...firsts.values()].slice(0, slice)
    const short = new Set<string | null>()
    for (const script of several) {
      const { cut, length, key } = runs.get(script)!
      if (cut && length > 0 && several.some((other) => runs.get(other)!.length > length && this.#saysTheSame(other, script, down, length))) short.add(key)
    }
    return short.size === 0 ? due : due.filter((script) => !runs.get(script)!.cut || !short.has(runs.get(script)!.key))
  }

  #inTurn(turn: number, among: readonly number[]): number | null {
    const last = among.length - 1
    if (turn <= last) return among[turn]!
    return this.#after === 'miss' ? null : this.#after === 'cycle' ? among[turn % among.length]! : among[last]!
  }

  async #fitting(node: Node): Promise<readonly number[]> {
    const found: number[] = []
    for (const [index, script] of node.scripts.entries()) {
      if (index % slice === 0) {
        if (index > 0) await breathe()
        this.scripts.ahead?.(node.scripts.slice(index, index + slice), node)
      }
      const step = stepOf(this.scripts, script, node)
      if (step.kind !== 'over' || (step.end !== 'client' && !isNoAnswer(step.end, node))) found.push(script)
    }
    return found.length === 0 ? node.scripts : found
  }

  #saysTheSame(script: number, other: number, from: number, length: number): boolean {
    for (let at = from; at < from + length;) {
      const mine = this.scripts.piece(script, 'down', at)?.bytes
      const its = this.scripts.piece(other, 'down', at)?.bytes
      if (mine === undefined || its === undefined) return false
      const both = Math.min(mine.length, its.length, from + length - at)
      if (!mine.subarray(0, both).equals(its.subarray(0, both))) return false
      at += both
    }
    return true
  }
}
