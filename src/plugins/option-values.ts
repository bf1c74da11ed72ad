import { inspect } from 'node:util'
import { WiretapeError } from '../error.js'
import { nearest } from '../recording/filter.js'
import type { OptionDeclaration, OptionDeclarations } from './definition.js'

const types: readonly OptionDeclaration['type'][] = ['number', 'string', 'boolean', 'list']

/**
 * Checks a plugin's options against their declarations and fills in the defaults. Texts are read as the declared type, so that the
 * command line needs no types.
 * @throws WiretapeError `usage`, naming plugin and option.
 */
export function readOptionValues(plugin: string, declarations: OptionDeclarations, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const names = Object.keys(declarations)
  if (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given)) {
    throw new WiretapeError('usage', `plugin ${plugin}: its options are an object${names.length === 0 ? '' : `, such as { ${names[0]}: … }`}, not ${inspect(given, { breakLength: Infinity, depth: 0 })}`)
  }
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue
    const near = nearest(name, names)
    throw new WiretapeError('usage', names.length === 0 ? `plugin ${plugin}: it has no options, and so no ${name}`
      : `plugin ${plugin}: it has no option ${name}${near === null ? '' : ` (did you mean ${near}?)`}; it has ${names.join(', ')}`)
  }
  const values: Record<string, unknown> = {}
  for (const [name, declaration] of Object.entries(declarations)) {
    const where = `plugin ${plugin}: option ${name}`
    if (!types.includes(declaration.type)) throw new WiretapeError('usage', `${where} is declared with the type ${declaration.type}; there are ${types.join(', ')}`)
    if (declaration.default !== undefined) readValue(`${where}, its default`, declaration, declaration.default)
    const value = given[name]
    if (value === undefined) {
      if (declaration.required === true) throw new WiretapeError('usage', `plugin ${plugin}: option ${name} is missing: ${declaration.description}`)
      if (declaration.default !== undefined) values[name] = declaration.default
    } else {
      values[name] = readValue(where, declaration, value)
    }
  }
  return values
}

function readValue(where: string, declaration: OptionDeclaration, value: unknown): unknown {
  const complain = (expected: string): WiretapeError => new WiretapeError('usage', `${where}: expected ${expected}, not ${typeof value === 'string' ? value : inspect(value, { breakLength: Infinity })}`)
  switch (declaration.type) {
    case 'number': {
      const { minimum = -Infinity, maximum = Infinity, integer = false } = declaration
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      if (typeof number !== 'number' || !Number.isFinite(number) || number < minimum || number > maximum || (integer && !Number.isInteger(number))) {
        throw complain(`${integer ? 'a whole number' : 'a number'}${rangeText(minimum, maximum)}`)
      }
      return number
    }
    case 'boolean':
      if (value === true || value === 'true' || value === 'yes' || value === '1') return true
      if (value === false || value === 'false' || value === 'no' || value === '0') return false
      throw complain('true or false')
    case 'string':
      if (typeof value !== 'string') throw complain('a text')
      if (declaration.choices !== undefined && !declaration.choices.includes(value)) throw complain(`one of ${declaration.choices.join(', ')}`)
      return value
    case 'list':
      if (typeof value === 'string') return declaration.whole === true ? [value] : value.split('+')
      if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw complain('a list of texts')
      return value
  }
}

function rangeText(minimum: number, maximum: number): string {
  if (minimum === -Infinity) return maximum === Infinity ? '' : ` of ${maximum} or less`
  return maximum === Infinity ? ` of ${minimum} or more` : ` from ${minimum} to ${maximum}`
}
