import type { AnyPlugin } from '../plugins/definition.js'
import { loadPluginModule, shippedPlugins } from '../plugins/load.js'

/** It answers with files of this machine: whoever reaches the control port could read any that the relay's user may. */
export const notFromAfar: ReadonlySet<string> = new Set(['map-local'])

/** The plugins that ship, by name: all that the control port can put to use. A path or a package from there would run whatever it names. */
export type Shipped = ReadonlyMap<string, AnyPlugin>

export async function loadShipped(): Promise<Shipped> {
  const shipped = new Map<string, AnyPlugin>()
  for (const name of shippedPlugins()) if (!notFromAfar.has(name)) shipped.set(name, (await loadPluginModule(name)).exported as AnyPlugin)
  return shipped
}
