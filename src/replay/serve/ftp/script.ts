import type { After } from '../stand-in.js'
import { hasWeight } from './recorded-sessions.js'
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
  /** Something was asked for in it; null where that has to be looked at again, once more of it has been read. */
  weighs: boolean | null
  /** Clients that have followed it, and asked for something that matters. */
  taken: number
  followers: number
}

/** What was recorded, as a script for any number of clients: who has been given what. */
export class Script {
  readonly #recorded: RecordedSessions
  readonly #commands: readonly RecordedCommand[]
  readonly #after: After
  readonly #equals = new Map<string, Equals>()
  /** Commands before it are in `#equals`. */
  #known = 0
  readonly #uses: Use[] = []
  readonly #useOf = new Map<RecordedSession, Use>()
  readonly #given = new Set<RecordedCommand>()
  /** Sessions before it have been taken. */
  #untaken = 0

  constructor(recorded: RecordedSessions, after: After) {
    this.#recorded = recorded
    this.#commands = recorded.commands
    this.#after = after
  }

  /** A client has connected. @returns null where that depends on what hasn't been read yet. */
  follow(): Follower | null {
    this.grow()
    const session = this.#next()
    return session === undefined ? null : new Follower(this, session)
  }

  /** @internal All has been read: what isn't there isn't recorded. */
  get complete(): boolean {
    return this.#recorded.complete
  }

  /** @internal More of it will be read. */
  isPartial(session: RecordedSession): boolean {
    return session === this.#recorded.partial
  }

  /** @internal Takes in what has been read meanwhile. */
  grow(): void {
    const { sessions } = this.#recorded
    while (this.#uses.length < sessions.length) {
      const use: Use = { session: sessions[this.#uses.length]!, weighs: null, taken: 0, followers: 0 }
      this.#uses.push(use)
      this.#useOf.set(use.session, use)
    }
    while (this.#known < this.#commands.length) {
      const command = this.#commands[this.#known++]!
      const equal = this.#equals.get(command.key)
      if (equal === undefined) this.#equals.set(command.key, { commands: [command], fresh: 0 })
      else equal.commands.push(command)
    }
  }

  #weighs(use: Use): boolean {
    if (use.weighs !== null) return use.weighs
    const weighs = hasWeight(use.session, this.#commands)
    if (weighs || !this.isPartial(use.session)) use.weighs = weighs
    return weighs
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

  /** @internal The first that wasn't given yet, wherever it is; then as `after` says. @returns null where that depends on what hasn't been read yet. */
  anywhere(key: string, fits: (command: RecordedCommand) => boolean): Found | null {
    const fresh = this.ungiven(key, fits)
    if (fresh !== null) return { command: fresh }
    if (!this.complete) return null
    const equal = this.#equals.get(key)
    if (equal === undefined) return { command: null, exhausted: false }
    const { commands } = equal
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

  /** The first session that nobody has repeated; then as `after` says. @returns undefined where that depends on what hasn't been read yet. */
  #next(): RecordedSession | null | undefined {
    const uses = this.#uses
    while (this.#untaken < uses.length && uses[this.#untaken]!.taken > 0) this.#untaken++
    for (let index = this.#untaken; index < uses.length; index++) {
      const use = uses[index]!
      const { session, taken, followers } = use
      // One in which nothing was asked for is no script: a client that only looked whether somebody is there.
      if (taken === 0 && followers === 0 && this.#weighs(use)) return session
    }
    if (!this.complete) return undefined
    if (this.#after === 'miss') return uses.find((use) => !this.#weighs(use) && use.followers === 0)?.session ?? null
    if (this.#after === 'repeat') return (uses.findLast((use) => this.#weighs(use)) ?? uses.at(-1)!).session
    const scripts = uses.some((use) => this.#weighs(use)) ? uses.filter((use) => this.#weighs(use)) : uses
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
    return this.#inOrder && this.#session !== null && !this.#script.isPartial(this.#session) && this.#position === this.#session.to
  }

  /**
   * The recorded command that answers what is asked: the one expected, or later in the session, or in any; it counts as given.
   * @returns null where that depends on what hasn't been read yet: to be asked again then.
   * @param byOrder the first that wasn't given yet comes before all, whatever session it is in: for logins, whose refusals are sessions that nobody follows.
   */
  find(key: string, fit: (command: RecordedCommand) => Fit, byOrder = false): Found | null {
    this.#script.grow()
    let exhausted = false
    for (const quality of ['exact', 'close'] as const) {
      const fits = (command: RecordedCommand): boolean => fit(command) === quality
      const first = byOrder ? this.#script.ungiven(key, fits) : null
      if (first === null && byOrder && !this.#script.complete) return null
      const here = this.#session !== null && !(byOrder && this.#script.cycles)
      const near = first ?? (here ? this.#script.inSession(key, this.#session!, this.#position, fits) : null)
      if (near === null && here && this.#script.isPartial(this.#session!)) return null
      const found = near === null ? this.#script.anywhere(key, fits) : { command: near }
      if (found === null) return null
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
