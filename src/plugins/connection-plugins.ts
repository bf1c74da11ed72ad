import { reasonOf } from '../error.js'
import type { Direction } from '../protocols/decoder.js'
import { readActions, reset } from './actions.js'
import type { Action, ActionKind } from './actions.js'
import type { Hooks } from './hooks.js'
import type { MessageState } from './message-state.js'
import type { ConnectionInfo } from './messages.js'
import { placeInPlugin } from './place-in-plugin.js'
import type { Stay } from './stay.js'

/** What a plugin did, for the recording. `hook` is its path: `http.request`. */
export interface PluginEvent {
  readonly kind: string
  readonly source: string
  readonly hook: string
  readonly text: string
  readonly direction?: Direction
  readonly offset?: number
  readonly bytes?: number
  /** Ordinal of the message on its connection, as the decoder counts. */
  readonly message?: number
  /** The plugin and its options, as on the command line. */
  readonly parameters?: string
  readonly delayMs?: number
}

/** One plugin with the hooks that it made for one connection. */
export interface Member {
  /** Of the plugin's place among the others: stays when its options change. */
  readonly place: object
  /** The plugin's, or what it was named when it was injected. */
  readonly name: string
  /** The plugin and its options, as on the command line. */
  readonly parameters: string
  readonly hooks: Hooks
  readonly onError: 'pass' | 'cut'
  /** Ms for a hook to return. */
  readonly timeout: number
  readonly bodyLimit: number
  /** Bytes that may wait before its stage. */
  readonly window: number
  /** Ends when it isn't among the connection's plugins any more. */
  readonly stay: Stay
}

/** What is told of the message along with what was done to it. */
export interface Place {
  /** Of the message, where that is known and it was touched as a whole. */
  readonly bytes?: number
  readonly direction?: Direction
  readonly offset?: number
  readonly message?: number
}

/** A hook by its path, and where it is found. */
export interface HookPath<Hook> {
  readonly path: string
  readonly of: (hooks: Hooks) => Hook | undefined
  /** The actions that it takes; none where absent. */
  readonly takes?: readonly ActionKind[]
}

type Done = (actions: readonly Action[]) => void

const nowhere: Place = {}
const nothing: readonly Action[] = []
const nothingTaken: readonly ActionKind[] = []

/** After one of these the plugins that come later aren't asked: there is no message left. */
const final = new Set<Action['action']>(['drop', 'close', 'reset', 'reply', 'respond'])

/**
 * The plugins as one connection has them: calls their hooks in order, keeps failures apart, and tells what was done. They may come and go
 * while it is open.
 */
export class ConnectionPlugins {
  readonly info: ConnectionInfo
  #members: readonly Member[]
  #onChange: () => void = () => {}
  readonly #tell: (event: PluginEvent) => void
  readonly #log: (line: string) => void
  readonly #has = new Map<HookPath<unknown>, boolean>()

  constructor(info: ConnectionInfo, members: readonly Member[], tell: (event: PluginEvent) => void, log: (line: string) => void) {
    this.info = info
    this.#members = members
    this.#tell = tell
    this.#log = log
  }

  get members(): readonly Member[] {
    return this.#members
  }

  /** Other plugins from now on: a message on its way goes on with those that it began with, but is held by none that has left. */
  set members(members: readonly Member[]) {
    const left = this.#members.filter((member) => !members.includes(member))
    this.#members = members
    this.#has.clear()
    this.#onChange()
    for (const { stay } of left) stay.leave()
  }

  /** The connection is over. */
  end(): void {
    for (const { stay } of this.#members) stay.end()
  }

  /** Nothing that waits for the end of a delay is wanted any more: it is neither asked about further, nor done. */
  dropDelayed(): void {
    for (const { stay } of this.#members) stay.drop()
  }

  /** Called when plugins came, changed or went. */
  onChange(listener: () => void): void {
    this.#onChange = listener
  }

  /** Whether any plugin has this part of the hooks. */
  listensTo(part: keyof Hooks): boolean {
    return this.#members.some(({ hooks }) => hooks[part] !== undefined)
  }

  /** Asked for every message: found out once. */
  has(hook: HookPath<unknown>): boolean {
    let has = this.#has.get(hook)
    if (has === undefined) {
      has = this.#members.some(({ hooks }) => hook.of(hooks) !== undefined)
      this.#has.set(hook, has)
    }
    return has
  }

  /**
   * Calls the hook of each plugin in order.
   * @param message what the hook may change; null where there is nothing.
   * @param done called once, in the same turn where no hook has to be waited for: with what is left to do, delays already over.
   */
  run<Hook>(hook: HookPath<Hook>, message: MessageState | null, invoke: (call: Hook, member: Member) => unknown, done: Done, place: Place = nowhere): void {
    if (message !== null) message.ordinal = place.message
    this.#from(this.#members, 0, hook, message, invoke, nothing, done, place)
  }

  /** Something that a plugin did beyond the actions: told by whoever carries it out. What it did wrong is logged too. */
  tell(event: PluginEvent): void {
    this.#tell(event)
    if (event.kind === 'plugin-failed') this.#log(event.source === 'relay' ? event.text : `${event.source}: ${event.text}`)
  }

  /** A hook failed outside `run`: a stream's generator, a setup. @returns whether the connection has to be cut. */
  failed(member: Member, path: string, thrown: unknown, place: Place = nowhere): boolean {
    const cut = member.onError === 'cut'
    const text = `${path} failed: ${reasonOf(thrown)}${cut ? '; the connection is cut' : ''}`
    this.#tell({ kind: 'plugin-failed', source: member.name, parameters: member.parameters, hook: path, text, ...place })
    this.#log(`${member.name}: ${text}${placeInPlugin(thrown)}`)
    return cut
  }

  #from<Hook>(
    members: readonly Member[], start: number, hook: HookPath<Hook>, message: MessageState | null, invoke: (call: Hook, member: Member) => unknown,
    actions: readonly Action[], done: Done, place: Place,
  ): void {
    for (let index = start; index < members.length; index++) {
      const member = members[index]!
      const call = hook.of(member.hooks)
      if (call === undefined) continue
      const version = message?.revision ?? 0
      const putBack = message?.keep()
      let result: unknown
      try {
        result = invoke(call, member)
        if (!isPromise(result)) result = readActions(result, hook.takes ?? nothingTaken)
      } catch (thrown) {
        putBack?.()
        if (this.failed(member, hook.path, thrown, place)) {
          done([...actions, reset()])
          return
        }
        continue
      }
      if (isPromise(result)) {
        const failed = (thrown: unknown): void => {
          putBack?.()
          if (this.failed(member, hook.path, thrown, place)) done([...actions, reset()])
          else this.#from(members, index + 1, hook, message, invoke, actions, done, place)
        }
        void this.#wait(result, member).then((settled) => readActions(settled, hook.takes ?? nothingTaken)).then(
          (found) => this.#took(found, members, index, version, hook, message, invoke, actions, done, place), failed)
        return
      }
      const found = result as readonly Action[]
      if (found.length > 0) {
        this.#took(found, members, index, version, hook, message, invoke, actions, done, place)
        return
      }
      if (message !== null && message.revision !== version) this.#changed(member, hook.path, message, place)
    }
    done(actions)
  }

  /** A plugin has answered with actions, or late: they are told, delays waited for, and the next plugin asked. */
  #took<Hook>(
    found: readonly Action[], members: readonly Member[], index: number, version: number, hook: HookPath<Hook>, message: MessageState | null,
    invoke: (call: Hook, member: Member) => unknown, before: readonly Action[], done: Done, place: Place,
  ): void {
    const member = members[index]!
    if (message !== null && message.revision !== version) this.#changed(member, hook.path, message, place)
    let wait = 0
    let over = false
    for (const action of found) {
      this.#tell({
        kind: kindOf(action), source: member.name, parameters: member.parameters, hook: hook.path, text: `${hook.path}: ${wordsFor(action)}`,
        ...(action.action === 'delay' ? { delayMs: action.ms } : {}), ...place,
      })
      if (action.action === 'delay') wait += action.ms
      over ||= final.has(action.action)
    }
    const actions = [...before, ...found.filter(({ action }) => action !== 'delay')]
    const go = (): void => over ? done(actions) : this.#from(members, index + 1, hook, message, invoke, actions, done, place)
    if (wait > 0) member.stay.hold(wait, go)
    else go()
  }

  #changed(member: Member, path: string, message: MessageState, place: Place): void {
    message.noteChange(member.name)
    this.#tell({ kind: 'changed', source: member.name, parameters: member.parameters, hook: path, text: `${path}: changed`, ...place })
  }

  #wait(result: Promise<unknown>, member: Member): Promise<unknown> {
    let timer: NodeJS.Timeout
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it did not return within ${member.timeout} ms`)), member.timeout).unref()
    })
    return Promise.race([result, late]).finally(() => clearTimeout(timer))
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function kindOf({ action }: Action): string {
  switch (action) {
    case 'delay': return 'delayed'
    case 'drop': return 'plugin-dropped'
    case 'close': return 'plugin-closed'
    case 'reset': return 'plugin-reset'
    case 'retarget': return 'retargeted'
    case 'duplicate': return 'duplicated'
    case 'reply': case 'respond': return 'answered'
  }
}

function wordsFor(action: Action): string {
  switch (action.action) {
    case 'delay': return `delayed by ${action.ms} ms`
    case 'drop': return 'dropped'
    case 'close': return 'connection closed'
    case 'reset': return 'connection reset'
    case 'retarget': return `sent to ${action.target}`
    case 'duplicate': return `sent ${action.times} times more`
    case 'reply': return `answered with ${action.code}`
    case 'respond': {
      const status = (action.answer as { readonly status?: unknown } | null)?.status
      return typeof status === 'number' ? `answered with ${status}` : 'answered'
    }
  }
}
