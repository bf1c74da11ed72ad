import { reasonOf, WiretapeError } from '../error.js'

/** 2: what was asked can't be done as it was asked. 1: it was right to ask, and failed. */
export function exitCodeOf(thrown: unknown): 1 | 2 {
  if (isUsage(thrown)) return 2
  return thrown instanceof WiretapeError && !['bind', 'connect', 'storage'].includes(thrown.code) ? 2 : 1
}

/** One line for people; what nobody foresaw keeps its stack, so that it can be reported. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof WiretapeError || isUsage(thrown)) return reasonOf(thrown).replaceAll(/\s*\n\s*/g, ' ').trim()
  return thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown)
}

/** What yargs throws of its own. */
function isUsage(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'YError'
}
