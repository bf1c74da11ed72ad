import { inspect } from 'node:util'
import { WiretapeError } from '../error.js'
import { nearest } from './filter.js'

/** What an option takes. `any` is looked at by whoever reads it. */
export type OptionKind = 'boolean' | 'string' | 'list' | 'function' | 'object' | 'any'

/** Every option of an interface, none left out and none invented. */
export type OptionKinds<T> = { readonly [Name in keyof Required<T>]: OptionKind }

const expected: Readonly<Record<Exclude<OptionKind, 'any'>, string>> = {
  boolean: 'true or false', string: 'a text', list: 'a list', function: 'a function', object: 'an object',
}

/**
 * Looks at what was given as options before anything is done with it: a name that nobody reads is a mistake that would otherwise show as something
 * that doesn't happen.
 * @param place who takes them, as the message names it. @param example what would be right.
 * @throws WiretapeError `usage`, naming the option.
 */
export function checkOptions<T>(place: string, kinds: OptionKinds<T>, given: unknown, example: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new WiretapeError('usage', `${place}: expected an object of options, such as ${example}, not ${described(given)}`)
  }
  const names = Object.keys(kinds)
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(kinds, name)) {
      const near = nearest(name, names)
      throw new WiretapeError('usage', `${place}: there is no option ${name}${near === null ? '' : ` (did you mean ${near}?)`}; there are ${names.join(', ')}`)
    }
    const kind = kinds[name as keyof T]
    if (value !== undefined && !fits(kind, value)) throw new WiretapeError('usage', `${place}: ${name}: expected ${expected[kind as keyof typeof expected]}, not ${described(value)}`)
  }
}

/** @throws WiretapeError `usage`, where it is none of these words. */
export function checkWord(place: string, words: readonly string[], given: unknown): void {
  if (!words.includes(given as string)) throw new WiretapeError('usage', `${place}: expected ${words.map((word) => `'${word}'`).join(' or ')}, not ${described(given)}`)
}

function fits(kind: OptionKind, value: unknown): boolean {
  if (kind === 'any') return true
  if (kind === 'list') return Array.isArray(value)
  return typeof value === kind && value !== null
}

/** A value that was given, in a message. */
export function described(value: unknown): string {
  return inspect(value, { breakLength: Infinity, depth: 0, maxStringLength: 100 })
}
