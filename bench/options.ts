import { parseArgs } from 'node:util'
import type { Bench } from './bench.js'

export interface Options {
  readonly benches: readonly Bench[]
  readonly rounds: number
  readonly seconds: number
  readonly json: boolean
  readonly help: boolean
}

export const usage = `npm run bench -- [NAME ...] [--rounds N] [--seconds S] [--json]

Measures wiretape beside other programs, in turn and in rounds, and prints the ratios.
  --rounds N    rounds in which each peer is measured once (5)
  --seconds S   how long one peer is loaded in one round (5)
  --json        one JSON document on stdout instead of tables
Exit 0: every target met, but for those skipped, which are named; 1: one was missed, something failed or was lost; 2: bad usage.`

export class UsageError extends Error {}

/** @throws UsageError naming the argument. */
export function readOptions(arguments_: readonly string[], known: readonly Bench[]): Options {
  const { values, positionals } = parse(arguments_)
  const chosen = positionals.map((name) => {
    const bench = known.find((candidate) => candidate.name === name)
    if (bench === undefined) throw new UsageError(`there is no bench ${name}; there are ${known.map((one) => one.name).join(', ')}`)
    return bench
  })
  return {
    benches: chosen.length === 0 ? known : known.filter((bench) => chosen.includes(bench)),
    rounds: wholeNumber('--rounds', values.rounds),
    seconds: wholeNumber('--seconds', values.seconds),
    json: values.json,
    help: values.help,
  }
}

function parse(arguments_: readonly string[]) {
  try {
    return parseArgs({
      args: [...arguments_],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown))
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 1000) throw new UsageError(`${name} ${text}: not a whole number from 1 to 1000`)
  return value
}
