import { WiretapeError } from '../error.js'
import type { PluginDefinition } from './definition.js'
import { readOptionValues } from './option-values.js'

/** A plugin with the options that it runs with. */
export interface ConfiguredPlugin {
  readonly definition: PluginDefinition
  /** As declared: checked, with the defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>
  /** As given. */
  readonly given: Readonly<Record<string, unknown>>
}

/** Says whether a value is a plugin, and checks its options. @throws WiretapeError `usage`. */
export function configure(definition: unknown, given: Readonly<Record<string, unknown>>, from: string): ConfiguredPlugin {
  const plugin = definition as Partial<PluginDefinition> | null
  if (typeof plugin !== 'object' || plugin === null || typeof plugin.name !== 'string' || typeof plugin.setup !== 'function') {
    throw new WiretapeError('usage', `${from} is no plugin: it has to export definePlugin({ name, description, setup }) as its default`)
  }
  if (!/^[a-z0-9][a-z0-9-]*$/.test(plugin.name)) throw new WiretapeError('usage', `${from}: the name ${JSON.stringify(plugin.name)} is not lower case with hyphens`)
  return { definition: plugin as PluginDefinition, options: readOptionValues(plugin.name, plugin.options ?? {}, given), given }
}
