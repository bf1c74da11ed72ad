import type { AnyPlugin } from './definition.js'
import { loadPluginModule } from './load.js'
import { configure } from './configure.js'
import type { ConfiguredPlugin } from './configure.js'
import { parseSpecifier } from './specifier.js'
import { WiretapeError } from '../error.js'
import { checkOptions } from '../recording/known-options.js'

/**
 * A plugin and what it is to be used with: itself, or its name as on the command line (`'delay:ms=200'`, `'./mine.ts'`), or either with
 * options.
 */
export type PluginUse = string | AnyPlugin | { readonly plugin: string | AnyPlugin, readonly options?: Readonly<Record<string, unknown>> }

/** A plugin ready to run, and where it came from. */
export interface LoadedPlugin {
  readonly configured: ConfiguredPlugin
  /** As it was named; null where it was given itself. */
  readonly name: string | null
  /** Its files that may be edited while it runs. */
  readonly files: readonly string[]
  /** Loads it anew, with the same options. */
  readonly again: () => Promise<LoadedPlugin>
}

/** Loads and checks plugins, before anything else is started. @throws WiretapeError `usage`. */
export async function loadPlugins(uses: readonly PluginUse[]): Promise<LoadedPlugin[]> {
  const loaded: LoadedPlugin[] = []
  for (const [index, use] of uses.entries()) loaded.push(await loadPlugin(use, `plugins[${index}]`))
  return loaded
}

/** A plugin itself, or one in `{ plugin, options }`. @throws WiretapeError `usage`. */
export function readUse<P>(place: string, use: P | { readonly plugin: P, readonly options?: Readonly<Record<string, unknown>> }): { readonly plugin: P, readonly options?: Readonly<Record<string, unknown>> } {
  if (typeof use !== 'object' || use === null || !('plugin' in use)) return { plugin: use }
  checkOptions<typeof use>(place, { plugin: 'any', options: 'any' }, use, "{ plugin: 'delay', options: { ms: 200 } }")
  return use
}

async function loadPlugin(use: PluginUse, place: string): Promise<LoadedPlugin> {
  if (typeof use !== 'string' && (typeof use !== 'object' || (use as unknown) === null)) throw new WiretapeError('usage', `${place}: expected a plugin, its name, or { plugin, options }`)
  const { plugin, options = {} } = typeof use === 'string' ? { plugin: use } : readUse(place, use)
  if (typeof plugin !== 'string') {
    const configured = configure(plugin, options, place)
    const itself: LoadedPlugin = { configured, name: null, files: [], again: () => Promise.resolve(itself) }
    return itself
  }
  const specifier = parseSpecifier(plugin)
  const { exported, files } = await loadPluginModule(specifier.name)
  return {
    configured: configure(exported, { ...specifier.options, ...options }, `plugin ${specifier.name}`), name: specifier.name, files,
    again: () => loadPlugin(use, place),
  }
}
