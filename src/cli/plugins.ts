import { shippedPlugins, loadPluginModule } from '../plugins/load.js'
import type { AnyPlugin, OptionDeclaration } from '../index.js'
import { colour as pc } from './colour.js'

/** Lists the plugins that ship, with every option. */
export async function plugins({ json }: { readonly json: boolean }): Promise<void> {
  const found: AnyPlugin[] = []
  for (const name of shippedPlugins()) found.push((await loadPluginModule(name)).exported as AnyPlugin)
  if (json) {
    for (const { name, description, options = {} } of found) console.log(JSON.stringify({ name, description, options }))
    return
  }
  for (const plugin of found) {
    console.log(`${pc.bold(plugin.name)}  ${plugin.description}`)
    for (const [name, option] of Object.entries(plugin.options ?? {})) console.log(`  ${`${name}=${sampleOf(option)}`.padEnd(28)} ${option.description}${boundsOf(option)}`)
  }
}

function sampleOf(option: OptionDeclaration): string {
  if (option.type === 'list' && option.default !== undefined) return option.default.join('+')
  if (option.default !== undefined) return String(option.default)
  return option.type === 'string' && option.choices !== undefined ? option.choices.join('|') : option.type.toUpperCase()
}

function boundsOf(option: OptionDeclaration): string {
  const notes = [
    ...option.required === true ? ['required'] : [],
    ...option.type === 'number' && option.minimum !== undefined ? [option.maximum === undefined ? `from ${option.minimum}` : `${option.minimum} to ${option.maximum}`] : [],
    ...option.type === 'string' && option.choices !== undefined ? [option.choices.join(', ')] : [],
  ]
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`
}
