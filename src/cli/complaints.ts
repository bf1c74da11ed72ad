import { WiretapeError } from '../error.js'
import { nearest } from '../recording/filter.js'

const commands = ['record', 'relay', 'ls', 'show', 'ftp', 'serve', 'send', 'diff', 'import', 'export', 'redecode', 'plugins', 'toxiproxy', 'demo']

/**
 * What yargs says of the words that it was given, as one line that says what to do.
 * @param words the command line, without the program.
 */
export function usageError(message: string, words: readonly string[]): WiretapeError {
  const command = words[0] ?? ''
  const lines = message.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(lines[0] ?? '')?.[1]
  if (unknown !== undefined) {
    const [name] = unknown.split(', ') as [string]
    const option = asTyped(name, words)
    if (option !== undefined) return new WiretapeError('usage', `${option}: there is no such option; wiretape ${commands.includes(command) ? `${command} ` : ''}--help lists them`)
    if (commands.includes(command)) return new WiretapeError('usage', `${unknown.split(', ').join(' ')}: too much for wiretape ${command}; wiretape ${command} --help tells what it takes`)
    const near = nearest(name, commands)
    return new WiretapeError('usage', `${unknown}: there is no such command${near === null ? '' : ` (did you mean ${near}?)`}; wiretape --help lists them`)
  }
  const valueless = /^Not enough arguments following: (.+)$/.exec(lines[0] ?? '')?.[1]
  if (valueless !== undefined) return new WiretapeError('usage', `${asTyped(valueless, words) ?? `--${valueless}`} needs a value; --help has an example`)
  const nameless = lines[0]?.startsWith('Not enough non-option arguments') === true
  if (nameless && command === 'send') return new WiretapeError('usage', 'the recording is missing: wiretape send FILE --to TARGET')
  if (nameless && command === 'diff') return new WiretapeError('usage', 'two recordings are compared: wiretape diff A B')
  if (nameless && command === 'import') return new WiretapeError('usage', 'the capture is missing: wiretape import capture.pcapng, or - for the standard input')
  if (nameless) return new WiretapeError('usage', 'the ID of a record is missing: wiretape ls lists them')
  const choice = /^Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(lines[1] ?? '')
  if (choice !== null) return new WiretapeError('usage', `--${choice[1]} ${choice[2]!.replaceAll('"', '')}: expected one of ${choice[3]!.replaceAll('"', '')}`)
  return new WiretapeError('usage', lines.join(' '))
}

/** An option with its dashes; undefined where it is none. */
function asTyped(name: string, words: readonly string[]): string | undefined {
  return words.find((word) => word.startsWith('-') && word.replace(/^-+/, '').split('=')[0] === name)?.split('=')[0]
}

/** Options that are numbers, and those that are switches, by their names as typed. */
export interface OptionTypes {
  readonly numbers: readonly string[]
  readonly switches: readonly string[]
}

/**
 * Checks what yargs lets pass: an empty value (an unset shell variable), a word for a number, a word for a switch, an option twice.
 * @throws WiretapeError `usage`.
 */
export function checkTypes(argv: Readonly<Record<string, unknown>>, words: readonly string[], { numbers, switches }: OptionTypes): void {
  const given = (name: string): unknown => argv[name] ?? argv[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  for (const name of numbers) {
    const value = given(name)
    if (value === undefined || typeof value === 'number') continue
    if (Array.isArray(value)) throw new WiretapeError('usage', `--${name} is given ${value.length} times: ${value.join(', ')}`)
    throw new WiretapeError('usage', value === '' ? `--${name} has an empty value` : `--${name} ${JSON.stringify(value)}: expected a number`)
  }
  for (const name of switches) {
    const value = given(name)
    // yargs takes any word for a switch as a yes.
    const word = words.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3)
    if (word !== undefined && word !== 'true' && word !== 'false') throw new WiretapeError('usage', `--${name}=${word}: it is a switch; --${name} turns it on, --no-${name} off`)
    if (value === undefined || typeof value === 'boolean') continue
    throw new WiretapeError('usage', `--${name} is given more than once`)
  }
}
