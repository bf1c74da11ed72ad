import { reasonOf, WiretapeError } from '../error.js'
import { reset } from './actions.js'
import { checkHooks, parts } from './check-hooks.js'
import { ConnectionPlugins } from './connection-plugins.js'
import type { Member, PluginEvent } from './connection-plugins.js'
import type { ConfiguredPlugin } from './configure.js'
import type { SetupContext } from './definition.js'
import type { Hooks, RecordingMask } from './hooks.js'
import { MessageState } from './message-state.js'
import type { ConnectionInfo } from './messages.js'
import { placeInPlugin } from './place-in-plugin.js'
import { seededSequences } from './random.js'
import { formatSpecifier } from './specifier.js'
import { Stay } from './stay.js'

const defaultTimeout = 30_000
const defaultBodyLimit = 10 * 1024 * 1024
const defaultWindow = 128 * 1024

/** A plugin's place among the others. */
export interface Slot {
  /** What events name it by. */
  readonly name: string
  readonly plugin: ConfiguredPlugin
  /** The only relay that it is for, by its ordinal; null for all. */
  readonly relay: number | null
  /** The parts of the hooks that it has. */
  readonly listens: ReadonlySet<keyof Hooks>
}

type OwnSlot = {
  readonly name: string, readonly relay: number | null, readonly key: string
  plugin: ConfiguredPlugin, listens: ReadonlySet<keyof Hooks>, version: number
  readonly shared: Map<string, unknown>
}

/** A connection whose plugins can still change. */
type Live = {
  readonly plugins: ConnectionPlugins, readonly listening: readonly (keyof Hooks)[], readonly tell: (event: PluginEvent) => void
  /** Made when there is a first plugin: thousands of connections have none. */
  made: { readonly members: Map<OwnSlot, Member>, readonly kept: Map<OwnSlot, Map<string, unknown>> } | null
}

/** The plugins of relays, in their order: those that they were started with, then those that were injected. */
export class PluginSet {
  readonly seed: number
  readonly #slots: OwnSlot[] = []
  readonly #log: (line: string) => void
  readonly #live = new Map<ConnectionPlugins, Live>()
  #injected = 0

  /** @throws WiretapeError `usage`: a plugin that can't be set up. */
  constructor(plugins: readonly ConfiguredPlugin[], seed: number, log: (line: string) => void) {
    this.seed = seed
    this.#log = log
    for (const [index, plugin] of plugins.entries()) {
      this.#slots.push({ name: plugin.definition.name, relay: null, key: `${index}/${plugin.definition.name}`, plugin, listens: this.#probe(plugin), version: 0, shared: new Map() })
    }
  }

  /** In their order. */
  get slots(): readonly Slot[] {
    return this.#slots
  }

  /** Takes the place of a plugin, for new connections. @throws WiretapeError `usage`; the earlier one stays then. */
  replace(index: number, plugin: ConfiguredPlugin): void {
    const slot = this.#slots[index]!
    slot.listens = this.#probe(plugin)
    slot.plugin = plugin
  }

  /** Adds a plugin behind the others, on open connections too. @param name what events name it by. @throws WiretapeError `usage`. */
  inject(plugin: ConfiguredPlugin, relay: number | null, name = plugin.definition.name): Slot {
    const slot: OwnSlot = { name, relay, key: `injected/${this.#injected++}/${name}`, plugin, listens: this.#probe(plugin), version: 0, shared: new Map() }
    this.#slots.push(slot)
    this.#refresh(slot)
    return slot
  }

  /** The same plugin with other options, in the same place, on open connections too. @throws WiretapeError `usage`; all stays as it was then. */
  change(slot: Slot, plugin: ConfiguredPlugin): void {
    const own = this.#own(slot)
    if (own === undefined) return
    own.listens = this.#probe(plugin)
    own.plugin = plugin
    own.version++
    this.#refresh(own)
  }

  /** Takes an injected plugin out, of open connections too. */
  remove(slot: Slot): void {
    const own = this.#own(slot)
    if (own === undefined) return
    this.#slots.splice(this.#slots.indexOf(own), 1)
    this.#refresh(own)
    // A connection that is open for days may see thousands come and go.
    for (const { made } of this.#live.values()) made?.kept.delete(own)
  }

  /** The plugins of a connection. @param tell told of what they do. */
  for(info: ConnectionInfo, listening: readonly (keyof Hooks)[], tell: (event: PluginEvent) => void): ConnectionPlugins {
    const live: Live = { plugins: new ConnectionPlugins(info, [], tell, this.#log), listening, tell, made: null }
    if (this.#slots.length > 0) live.plugins.members = this.#membersOf(live)
    this.#live.set(live.plugins, live)
    return live.plugins
  }

  /** The connection is over: nothing about its plugins changes any more. */
  release(plugins: ConnectionPlugins): void {
    this.#live.delete(plugins)
    plugins.end()
  }

  #own(slot: Slot): OwnSlot | undefined {
    return this.#slots.find((own) => own === slot)
  }

  #refresh(slot: OwnSlot): void {
    for (const live of this.#live.values()) {
      if (slot.relay !== null && slot.relay !== live.plugins.info.relay) continue
      live.made?.members.delete(slot)
      live.plugins.members = this.#membersOf(live)
    }
  }

  #membersOf(live: Live): Member[] {
    const { plugins: { info }, listening } = live
    const { members } = live.made ??= { members: new Map(), kept: new Map() }
    return this.#slots.flatMap((slot) => {
      if (slot.relay !== null && slot.relay !== info.relay) return []
      let member = members.get(slot)
      if (member === undefined) {
        if (!listening.some((part) => slot.listens.has(part))) return []
        member = this.#member(slot, live)
        members.set(slot, member)
      }
      return [member]
    })
  }

  #member(slot: OwnSlot, { plugins: { info }, tell, made }: Live): Member {
    const { name, plugin, listens, shared, version } = slot
    const { onError = 'pass', timeout = defaultTimeout, bodyLimit = defaultBodyLimit, window = defaultWindow } = plugin.definition
    const parameters = formatSpecifier(plugin.definition.name, plugin.given)
    const kept = made!.kept.get(slot) ?? new Map<string, unknown>()
    made!.kept.set(slot, kept)
    const stay = new Stay()
    let hooks: Hooks
    try {
      hooks = this.#setUp(plugin, name, info, shared, kept, `${slot.key}${version === 0 ? '' : `.${version}`}/${keyOf(info)}`, (text, { message, ...facts } = {}) => {
        const ordinal = message instanceof MessageState ? message.ordinal : undefined
        tell({ kind: 'fault', source: name, parameters, hook: 'setup', text, ...facts, ...(ordinal === undefined ? {} : { message: ordinal }) })
      }, stay)
    } catch (thrown) {
      const text = `setup failed, this connection ${onError === 'cut' ? 'is cut' : 'goes without it'}: ${reasonOf(thrown)}`
      tell({ kind: 'plugin-failed', source: name, parameters, hook: 'setup', text })
      this.#log(`${name}: ${text}${placeInPlugin(thrown)}`)
      hooks = {
        ...(onError === 'cut' ? { connection: { open: () => reset() } } : {}),
        // What it would have masked isn't known: all of it then.
        ...(listens.has('recording') ? { recording: () => maskOfAll } : {}),
      }
    }
    return { place: slot, name, parameters, hooks, onError, timeout, bodyLimit, window, stay }
  }

  #setUp({ definition, options }: ConfiguredPlugin, name: string, connection: ConnectionInfo | null, shared: Map<string, unknown>, kept: Map<string, unknown>, key: string, tell: SetupContext<never>['tell'], stay: Stay): Hooks {
    const hooks = definition.setup({
      options: options as never, random: seededSequences(this.seed, key), connection, shared, kept,
      tell,
      sleep: (ms) => stay.sleep(ms),
      log: (text) => {
        this.#log(`${name}: ${text}`)
      },
    }) as Hooks | Promise<unknown> | undefined
    if (hooks instanceof Promise) {
      hooks.catch(() => {})
      throw new TypeError('setup returned a promise: it may not be async, hooks may')
    }
    if (typeof hooks !== 'object' || hooks === null) throw new TypeError('setup returned no hooks')
    return hooks
  }

  /** Sees what it listens to. */
  #probe(plugin: ConfiguredPlugin): ReadonlySet<keyof Hooks> {
    const { name } = plugin.definition
    let hooks: Hooks
    try {
      hooks = this.#setUp(plugin, name, null, new Map(), new Map(), `probe/${name}`, () => {}, new Stay())
    } catch (cause) {
      throw new WiretapeError('usage', `plugin ${name}: setup failed: ${reasonOf(cause)}`, { cause })
    }
    checkHooks(name, hooks)
    return new Set(parts.filter((part) => hooks[part] !== undefined))
  }
}

/** For a plugin that can't say what is secret: it might be keeping one. */
export const maskOfAll: RecordingMask = { take: (bytes) => bytes.fill('*'), end: () => Buffer.alloc(0) }

/** The same connections have the same keys in every run, whatever the timing. */
function keyOf({ relay, protocol, ordinal, parent }: ConnectionInfo): string {
  return parent === undefined ? `${relay}/${protocol}/${ordinal}` : `${keyOf(parent)}/data/${ordinal}`
}
