import { WiretapeError } from '../error.js'
import { configure } from '../plugins/configure.js'
import type { AnyPlugin } from '../plugins/definition.js'
import type { PluginSet, Slot } from '../plugins/plugin-set.js'
import { readUse } from '../plugins/uses.js'
import { checkOptions } from '../recording/known-options.js'
import type { OptionKinds } from '../recording/known-options.js'
import type { RelayListener } from './listeners.js'
import { listening } from './listening.js'

/** A plugin with its options, to be put into a running relay. */
export type FaultUse = AnyPlugin | {
  readonly plugin: AnyPlugin
  readonly options?: Readonly<Record<string, unknown>>
}

export interface InjectOptions {
  /** The one relay that it is for; all of them where absent. */
  readonly on?: RelayListener
  /** What events name it by; the plugin's name where absent. */
  readonly name?: string
}

const kinds: OptionKinds<InjectOptions> = { on: 'object', name: 'string' }

/** A plugin in a running relay, from when it was injected until it is removed. */
export interface Fault {
  /** By which it is told from all others of this run. */
  readonly id: number
  readonly name: string
  readonly plugin: string
  /** As given, without defaults. */
  readonly options: Readonly<Record<string, unknown>>
  /** The one relay that it is for; null for all. */
  readonly on: RelayListener | null
  /** Other options from now on, on open connections too. What isn't named stays as it is. @throws WiretapeError `usage`; all stays then. */
  change(options: Readonly<Record<string, unknown>>): void
  /** Takes it out, of open connections too: what it holds goes on. Again, it does nothing. */
  remove(): void
}

/** The plugins that were injected into a running relay, in their order. */
export class Faults {
  readonly #plugins: PluginSet
  readonly #faults: Fault[] = []
  #ids = 0

  constructor(plugins: PluginSet) {
    this.#plugins = plugins
  }

  get all(): readonly Fault[] {
    return [...this.#faults]
  }

  /** @throws WiretapeError `usage`: not a plugin, options that it doesn't take, or a relay of a protocol that it isn't for. */
  inject(use: FaultUse, injectOptions: InjectOptions = {}): Fault {
    checkOptions('inject', kinds, injectOptions, "{ on: relay.listeners[0] }")
    const { on, name } = injectOptions
    if (typeof use === 'string') throw new WiretapeError('usage', `inject(${JSON.stringify(use)}): expected a plugin, or { plugin, options }; those that ship are in "wiretape/faults"`)
    if (typeof use !== 'object' || use === null) throw new WiretapeError('usage', `inject(${String(use)}): expected a plugin, or { plugin, options }`)
    const { plugin, options = {} } = readUse<AnyPlugin>('inject', use)
    const slot = this.#plugins.inject(configure(plugin, options, 'inject'), on?.ordinal ?? null, name)
    if (on !== undefined && !listening[on.protocol].some((part) => slot.listens.has(part))) {
      this.#plugins.remove(slot)
      throw new WiretapeError('usage', `inject: ${slot.name} has nothing to do on relay ${on.name}, which carries ${on.protocol}: it listens to ${[...slot.listens].join(', ') || 'nothing'} alone`)
    }
    const fault = new InjectedFault(++this.#ids, this.#plugins, slot, plugin, options, on ?? null, () => {
      const at = this.#faults.indexOf(fault)
      if (at >= 0) this.#faults.splice(at, 1)
    })
    this.#faults.push(fault)
    return fault
  }

  /** Takes out those of a relay that is no more. */
  removeOf(listener: RelayListener): void {
    for (const fault of this.#faults.filter(({ on }) => on === listener)) fault.remove()
  }
}

class InjectedFault implements Fault {
  readonly id: number
  readonly plugin: string
  readonly on: RelayListener | null
  readonly #plugins: PluginSet
  readonly #slot: Slot
  readonly #definition: AnyPlugin
  readonly #onRemoved: () => void
  #options: Readonly<Record<string, unknown>>

  constructor(id: number, plugins: PluginSet, slot: Slot, definition: AnyPlugin, options: Readonly<Record<string, unknown>>, on: RelayListener | null, onRemoved: () => void) {
    this.id = id
    this.#plugins = plugins
    this.#slot = slot
    this.#definition = definition
    this.#options = options
    this.#onRemoved = onRemoved
    this.plugin = definition.name
    this.on = on
  }

  get name(): string {
    return this.#slot.name
  }

  get options(): Readonly<Record<string, unknown>> {
    return this.#options
  }

  change(options: Readonly<Record<string, unknown>>): void {
    const merged = typeof options === 'object' ? { ...this.#options, ...options } : options
    this.#plugins.change(this.#slot, configure(this.#definition, merged, 'change'))
    this.#options = merged
  }

  remove(): void {
    this.#plugins.remove(this.#slot)
    this.#onRemoved()
  }
}
