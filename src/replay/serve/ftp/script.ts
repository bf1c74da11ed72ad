import type { After } from '../stand-in.js'
import { weightOf } from './recorded-sessions.js'
import type { RecordedCommand, RecordedSession, RecordedSessions } from './recorded-sessions.js'
import { matters } from './weight.js'

/** How well a recorded command answers what is asked, besides being the same command. */
export type Fit = 'exact' | 'close' | 'no'

export type Found =
  | { readonly command: RecordedCommand }
  /** All that fit have been given (`after: 'miss'`). */
  | { readonly command: null, readonly exhausted: boolean }

/** Commands that ask for the same, in recorded order. */
interface Equals {
  readonly commands: RecordedCommand[]
  /** Those before it have been given. */
  fresh: number
}

interface Use {
  readonly session: RecordedSession
  readonly weight: number
  /** Clients that have followed it, and asked for something that matters. */
  taken: number
  followers: number
}

/** What was recorded, as a script for any number of clients: who has been given what. */
export class Script {
  readonly #commands: readonly RecordedCommand[]
  readonly #after: After
  readonly #equals = new Map<string, Equals>()
  readonly #uses: readonly Use[]
  readonly #useOf = new Map<RecordedSession, Use>()
  readonly #given = new Set<RecordedCommand>()
  /** Sessions before it have been taken. */
  #untaken = 0

  constructor({ sessions, commands }: RecordedSessions, after: After) {
    this.#commands = commands
    this.#after = after
    this.#uses = sessions.map((session) => ({ session, weight: weightOf(session, commands), taken: 0, followers: 0 }))
    for (const use of this.#uses) this.#useOf.set(use.session, use)
    for (const command of commands) {
      const equal = this.#equals.get(command.key)
      if (equal === undefined) this.#equals.set(command.key, { commands: [command], fresh: 0 })
      else equal.commands.push(command)
    }
  }

  /** A client has connected. */
  follow(): Follower {
    return new Follower(this, this.#next())
  }

  /** @internal */
  get commands(): readonly RecordedCommand[] {
    return this.#commands
  }

  equalTo(key: string): readonly RecordedCommand[] {
    return this.#equals.get(key)?.commands ?? []
  }

  /** @internal */
  leave(session: RecordedSession): void {
    this.#useOf.get(session)!.followers--
  }

  /** @internal */
  enter(session: RecordedSession): void {
    this.#useOf.get(session)!.followers++
  }

  /** @internal */
  take(session: RecordedSession): void {
    this.#useOf.get(session)!.taken++
  }

  /** @internal */
  give(command: RecordedCommand): void {
    this.#given.add(command)
  }

  wasGiven(command: RecordedCommand): boolean {
    return this.#given.has(command)
  }

  /** @internal The first of a session, from a place on. */
  inSession(key: string, session: RecordedSession, from: number, fits: (command: RecordedCommand) => boolean): RecordedCommand | null {
    const equal = this.equalTo(key)
    for (let index = firstFrom(equal, from); index < equal.length && equal[index]!.place < session.to; index++) {
      const command = equal[index]!
      if (!(this.#after === 'miss' && this.#given.has(command)) && fits(command)) return command
    }
    return null
  }

  /** @internal The first that wasn't given yet, wherever it is. */
  ungiven(key: string, fits: (command: RecordedCommand) => boolean): RecordedCommand | null {
    const equal = this.#equals.get(key)
    if (equal === undefined) return null
    const { commands } = equal
    while (equal.fresh < commands.length && this.#given.has(commands[equal.fresh]!)) equal.fresh++
    for (let index = equal.fresh; index < commands.length; index++) if (!this.#given.has(commands[index]!) && fits(commands[index]!)) return commands[index]!
    return null
  }

  /** @internal Whether equal commands begin anew once all have been given. */
  get cycles(): boolean {
    return this.#after === 'cycle'
  }

  /** @internal The first that wasn't given yet, wherever it is; then as `after` says. */
  anywhere(key: string, fits: (command: RecordedCommand) => boolean): Found {
    const equal = this.#equals.get(key)
    if (equal === undefined) return { command: null, exhausted: false }
    const { commands } = equal
    const fresh = this.ungiven(key, fits)
    if (fresh !== null) return { command: fresh }
    if (this.#after === 'repeat') {
      const last = commands.findLast(fits)
      return last === undefined ? { command: null, exhausted: false } : { command: last }
    }
    const fitting = commands.filter(fits)
    if (this.#after === 'miss' || fitting.length === 0) return { command: null, exhausted: fitting.length > 0 }
    for (const command of fitting) this.#given.delete(command)
    equal.fresh = 0
    return { command: fitting[0]! }
  }

  /** The first session that nobody has repeated; then as `after` says. */
  #next(): RecordedSession | null {
    const uses = this.#uses
    while (this.#untaken < uses.length && uses[this.#untaken]!.taken > 0) this.#untaken++
    for (let index = this.#untaken; index < uses.length; index++) {
      const { session, weight, taken, followers } = uses[index]!
      // One in which nothing was asked for is no script: a client that only looked whether somebody is there.
      if (taken === 0 && followers === 0 && weight > 0) return session
    }
    if (this.#after === 'miss') return uses.find(({ weight, followers }) => weight === 0 && followers === 0)?.session ?? null
    const scripts = uses.some(({ weight }) => weight > 0) ? uses.filter(({ weight }) => weight > 0) : uses
    if (this.#after === 'repeat') return scripts.at(-1)!.session
    return scripts.reduce((least, use) => use.taken < least.taken ? use : least).session
  }
}

/** One client's way through the script: a recorded session that it repeats, until it asks for what is in another. */
export class Follower {
  readonly #script: Script
  #session: RecordedSession | null
  #position: number
  #took = false
  /** It has asked for nothing but what is in its session, in the order there. */
  #inOrder = true

  /** Use `Script.follow`. */
  constructor(script: Script, session: RecordedSession | null) {
    this.#script = script
    this.#session = session
    this.#position = session?.from ?? 0
    if (session !== null) script.enter(session)
  }

  get session(): RecordedSession | null {
    return this.#session
  }

  /** What comes next in the session that is followed. */
  get expected(): RecordedCommand | null {
    return this.#session === null || this.#position >= this.#session.to ? null : this.#script.commands[this.#position]!
  }

  /** The session has been repeated to its end. */
  get atEnd(): boolean {
    return this.#inOrder && this.#session !== null && this.#position === this.#session.to
  }

  /**
   * The recorded command that answers what is asked: the one expected, or later in the session, or in any; it counts as given.
   * @param byOrder the first that wasn't given yet comes before all, whatever session it is in: for logins, whose refusals are sessions that nobody follows.
   */
  find(key: string, fit: (command: RecordedCommand) => Fit, byOrder = false): Found {
    let exhausted = false
    for (const quality of ['exact', 'close'] as const) {
      const fits = (command: RecordedCommand): boolean => fit(command) === quality
      const first = byOrder ? this.#script.ungiven(key, fits) : null
      const here = this.#session !== null && !(byOrder && this.#script.cycles)
      const near = first ?? (here ? this.#script.inSession(key, this.#session!, this.#position, fits) : null)
      const found: Found = near === null ? this.#script.anywhere(key, fits) : { command: near }
      if (found.command !== null) {
        this.#goOn(found.command)
        this.#script.give(found.command)
        return found
      }
      exhausted ||= found.exhausted
    }
    return { command: null, exhausted }
  }

  /** The client is gone. */
  leave(): void {
    if (this.#session !== null) this.#script.leave(this.#session)
    this.#session = null
  }

  #goOn(command: RecordedCommand): void {
    const { place, session, verb } = command
    if (verb === 'PASS' && (command.code ?? 0) >= 400 && session !== this.#session && !this.#took) {
      // The end of a session that was refused is the server's doing, and so is what it says to the next try.
      if (this.#session !== null) this.#script.leave(this.#session)
      this.#script.enter(session)
      this.#session = session
      this.#position = place + 1
      return
    }
    if (!matters(verb)) {
      // Said at another point than was recorded: what lies between is still expected.
      if (session === this.#session && place >= this.#position && !this.#passesOver(place)) this.#position = place + 1
      return
    }
    if (session !== this.#session) {
      if (this.#session !== null) this.#script.leave(this.#session)
      this.#script.enter(session)
      this.#session = session
      this.#inOrder = this.#took = false
    } else if (place < this.#position) {
      this.#inOrder = false
      // What was given before is given again from where it is, and what comes next is what came next.
      if (this.#script.wasGiven(command)) return
    } else if (this.#passesOver(place)) {
      this.#inOrder = false
    }
    if (!this.#took) this.#script.take(session)
    this.#took = true
    this.#position = place + 1
  }

  #passesOver(place: number): boolean {
    for (let between = this.#position; between < place; between++) if (matters(this.#script.commands[between]!.verb)) return true
    return false
  }
}

/** Index of the first whose place isn't before `from`. */
function firstFrom(commands: readonly RecordedCommand[], from: number): number {
  let low = 0
  let high = commands.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (commands[middle]!.place < from) low = middle + 1
    else high = middle
  }
  return low
}
