import { parseArgs } from 'node:util'
import type { LsArguments } from './ls.js'

/**
 * Reads the words of an `ls` that nothing is wrong with. Loading yargs takes as long as Node's own start, and a search of a million
 * exchanges takes less than either; so whatever is plain is read here, and the rest, help and complaints included, is left to yargs.
 * @param words the command line, without the program.
 * @returns null where it isn't `ls`, or not plain.
 */
export function plainLs([command, ...words]: readonly string[]): LsArguments | null {
  if (command !== 'ls') return null
  const parsed = parse(words)
  if (parsed === null) return null
  const { values: { where, limit, follow, json }, positionals, tokens } = parsed
  const names = tokens.flatMap((token) => token.kind === 'option' ? [token.name] : [])
  if (positionals.length > 1 || new Set(names).size < names.length) return null
  if (positionals[0] === '' || where === '' || (limit !== undefined && !/^\d{1,15}$/.test(limit))) return null
  return { file: positionals[0], where, limit: limit === undefined ? undefined : Number(limit), follow: follow ?? false, json: json ?? false }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words], allowPositionals: true, tokens: true,
      options: {
        where: { type: 'string', short: 'w' }, limit: { type: 'string', short: 'n' }, follow: { type: 'boolean', short: 'f' }, json: { type: 'boolean' },
      },
    })
  } catch {
    return null
  }
}
