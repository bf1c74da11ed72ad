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
  const complain = (field: string, expected: string): WiretapeError =>
    new WiretapeError('usage', `plugin ${plugin.name}: ${field}: expected ${expected}, not ${JSON.stringify(plugin[field as keyof PluginDefinition])}`)
  if (plugin.onError !== undefined && plugin.onError !== 'pass' && plugin.onError !== 'cut') throw complain('onError', '"pass" or "cut"')
  for (const field of ['timeout', 'bodyLimit', 'window'] as const) {
    const value: unknown = plugin[field]
    if (value !== undefined && (typeof value !== 'number' || !(value >= 0))) throw complain(field, 'a number of 0 or more')
  }
  return { definition: plugin as PluginDefinition, options: readOptionValues(plugin.name, plugin.options ?? {}, given), given }
}
