import { reasonOf, WiretapeError } from '../error.js'
import { reset } from './actions.js'
import { ConnectionPlugins } from './connection-plugins.js'
import type { Member, PluginEvent } from './connection-plugins.js'
import type { PluginDefinition } from './definition.js'
import type { Hooks, RecordingMask } from './hooks.js'
import type { ConnectionInfo } from './messages.js'
import { readOptionValues } from './option-values.js'
import { seededSequences } from './random.js'

const defaultTimeout = 30_000
const defaultBodyLimit = 10 * 1024 * 1024

/** A plugin with the options that it runs with. */
export interface ConfiguredPlugin {
  readonly definition: PluginDefinition
  readonly options: Readonly<Record<string, unknown>>
}

/** One place in the order of plugins. A reload puts another plugin there, for the connections to come. */
type Slot = { plugin: ConfiguredPlugin, listens: ReadonlySet<keyof Hooks>, readonly shared: Map<string, unknown> }

const parts = ['connection', 'http', 'ftp', 'udp', 'dns', 'stream', 'recording'] as const satisfies readonly (keyof Hooks)[]

/** The plugins of a relay, in their order. */
export class PluginSet {
  readonly seed: number
  readonly #slots: readonly Slot[]
  readonly #log: (line: string) => void

  /** @throws WiretapeError `usage`: a plugin that can't be set up. */
  constructor(plugins: readonly ConfiguredPlugin[], seed: number, log: (line: string) => void) {
    this.seed = seed
    this.#log = log
    this.#slots = plugins.map((plugin) => ({ plugin, listens: this.#probe(plugin), shared: new Map() }))
  }

  listensTo(part: keyof Hooks): boolean {
    return this.#slots.some(({ listens }) => listens.has(part))
  }

  /** Takes the place of a plugin, for new connections. @throws WiretapeError `usage`; the earlier one stays then. */
  replace(index: number, plugin: ConfiguredPlugin): void {
    const slot = this.#slots[index]!
    const listens = this.#probe(plugin)
    slot.plugin = plugin
    slot.listens = listens
  }

  /** @returns null where no plugin listens to any of it. */
  for(info: ConnectionInfo, listening: readonly (keyof Hooks)[], tell: (event: PluginEvent) => void): ConnectionPlugins | null {
    if (!listening.some((part) => this.listensTo(part))) return null
    const members: Member[] = []
    for (const [index, { plugin, shared, listens }] of this.#slots.entries()) {
      if (!listening.some((part) => listens.has(part))) continue
      const { definition } = plugin
      const { name, onError = 'pass', timeout = defaultTimeout, bodyLimit = defaultBodyLimit } = definition
      let hooks: Hooks
      try {
        hooks = this.#setUp(plugin, shared, `${index}/${name}/${keyOf(info)}`)
      } catch (thrown) {
        const text = `setup failed, this connection ${onError === 'cut' ? 'is cut' : 'goes without it'}: ${reasonOf(thrown)}`
        tell({ kind: 'plugin-failed', source: name, hook: 'setup', text })
        this.#log(`${name}: ${text}`)
        hooks = {
          ...(onError === 'cut' ? { connection: { open: () => reset() } } : {}),
          // What it would have masked isn't known: all of it then.
          ...(listens.has('recording') ? { recording: () => maskOfAll } : {}),
        }
      }
      members.push({ name, hooks, onError, timeout, bodyLimit })
    }
    return new ConnectionPlugins(info, members, tell, this.#log)
  }

  #setUp({ definition, options }: ConfiguredPlugin, shared: Map<string, unknown>, key: string): Hooks {
    const hooks = definition.setup({
      options: options as never, random: seededSequences(this.seed, key), shared,
      log: (text) => {
        this.#log(`${definition.name}: ${text}`)
      },
    }) as Hooks | undefined
    if (typeof hooks !== 'object' || hooks === null) throw new TypeError('setup returned no hooks')
    return hooks
  }

  /** Sees what it listens to. */
  #probe(plugin: ConfiguredPlugin): ReadonlySet<keyof Hooks> {
    const { name } = plugin.definition
    let hooks: Hooks
    try {
      hooks = this.#setUp(plugin, new Map(), `probe/${name}`)
    } catch (cause) {
      throw new WiretapeError('usage', `plugin ${name}: setup failed: ${reasonOf(cause)}`, { cause })
    }
    const unknown = Object.keys(hooks).find((part) => !(parts as readonly string[]).includes(part))
    if (unknown !== undefined) throw new WiretapeError('usage', `plugin ${name}: there is no hook ${unknown}; there are ${parts.join(', ')}`)
    return new Set(parts.filter((part) => hooks[part] !== undefined))
  }
}

/** For a plugin that can't say what is secret: it might be keeping one. */
export const maskOfAll: RecordingMask = { take: (bytes) => bytes.fill('*'), end: () => Buffer.alloc(0) }

/** Says whether a value is a plugin, and checks its options. @throws WiretapeError `usage`. */
export function configure(definition: unknown, given: Readonly<Record<string, unknown>>, from: string): ConfiguredPlugin {
  const plugin = definition as Partial<PluginDefinition> | null
  if (typeof plugin !== 'object' || plugin === null || typeof plugin.name !== 'string' || typeof plugin.setup !== 'function') {
    throw new WiretapeError('usage', `${from} is no plugin: it has to export definePlugin({ name, description, setup }) as its default`)
  }
  if (!/^[a-z0-9][a-z0-9-]*$/.test(plugin.name)) throw new WiretapeError('usage', `${from}: the name ${JSON.stringify(plugin.name)} is not lower case with hyphens`)
  return { definition: plugin as PluginDefinition, options: readOptionValues(plugin.name, plugin.options ?? {}, given) }
}

/** The same connections have the same keys in every run, whatever the timing. */
function keyOf({ relay, protocol, ordinal, parent }: ConnectionInfo): string {
  return parent === undefined ? `${relay}/${protocol}/${ordinal}` : `${keyOf(parent)}/data/${ordinal}`
}
