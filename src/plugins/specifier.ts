import { WiretapeError } from '../error.js'

/** How a plugin is named on a command line: `latency:ms=200,jitter=50`, `./mine.ts`, `some-package:key=a\,b`. */
export interface Specifier {
  /** A shipped plugin's name, a path, or a package. */
  readonly name: string
  readonly options: Readonly<Record<string, string | readonly string[]>>
}

/**
 * Reads `NAME[:OPTION=VALUE,…]`. A comma in a value is written `\,`; an option without `=` is `true`; one given more than once is a list.
 * @throws WiretapeError `usage`.
 */
export function parseSpecifier(text: string): Specifier {
  // Not the colon of a Windows drive.
  const colon = text.indexOf(':', /^[A-Za-z]:[\\/]/.test(text) ? 2 : 0)
  const name = colon < 0 ? text : text.slice(0, colon)
  if (name === '') throw new WiretapeError('usage', `--plugin ${text}: expected NAME or NAME:OPTION=VALUE,…, such as delay:ms=200`)
  const options: Record<string, string | string[]> = {}
  for (const part of colon < 0 || colon === text.length - 1 ? [] : splitAtCommas(text.slice(colon + 1))) {
    const equals = part.indexOf('=')
    const option = equals < 0 ? part : part.slice(0, equals)
    if (option === '') throw new WiretapeError('usage', `--plugin ${text}: "${part}" is not OPTION=VALUE`)
    const value = equals < 0 ? 'true' : part.slice(equals + 1)
    const before = options[option]
    options[option] = before === undefined ? value : [...typeof before === 'string' ? [before] : before, value]
  }
  return { name, options }
}

function splitAtCommas(text: string): string[] {
  return text.split(/(?<!\\),/).map((part) => part.replaceAll('\\,', ','))
}

/** Writes what `parseSpecifier` reads, for people and for the journal. */
export function formatSpecifier(name: string, options: Readonly<Record<string, unknown>>): string {
  const words = Object.entries(options).filter(([, value]) => value !== undefined).flatMap(([option, value]) =>
    // Joined, such values would be read as more than there are.
    Array.isArray(value) && value.some((one) => String(one).includes('+')) ? value.map((one) => `${option}=${textOf(one)}`) : [`${option}=${textOf(value)}`])
  return words.length === 0 ? name : `${name}:${words.join(',')}`
}

function textOf(value: unknown): string {
  const text = Array.isArray(value) ? value.map(String).join('+') : typeof value === 'string' ? value : JSON.stringify(value) ?? ''
  return text.replaceAll(',', '\\,')
}
