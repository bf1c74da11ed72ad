import { readFileSync } from 'node:fs'
import { BoundControl } from '../control/control.js'
import { reasonOf, WiretapeError } from '../error.js'
import { startRelay } from '../index.js'
import type { Relay } from '../index.js'
import { printableLine } from './escape.js'
import { printReady } from './ready-lines.js'
import { StopSignals } from './stop-signals.js'
import { untilStopped } from './until-stopped.js'

export interface ToxiproxyArguments {
  readonly host: string
  readonly port: number
  readonly config: string | undefined
  readonly seed: number | undefined
  readonly json: boolean
}

/** Its flags have one dash and whole words, as Go has them; `-host` would be `-h -o -s -t`. @param words all that was typed. */
export function readGoFlags(words: readonly string[]): string[] {
  if (words[0] !== 'toxiproxy') return [...words]
  const flags = words.map((word) => word === '-h' ? '--help' : /^-[a-z]{2}/.test(word) ? `-${word}` : word)
  return flags.map((word, index) => flags[index - 1] === '--seed' ? seedText(word) : word.replace(/(?<=^--seed=).*$/s, seedText))
}

/** The original's seeds are of 64 bits, more than a number here can tell apart. */
function seedText(text: string): string {
  return /^-?\d{16,}$/.test(text) ? String(BigInt(text) % BigInt(Number.MAX_SAFE_INTEGER)) : text
}

/** Runs as toxiproxy-server does, until it is told to stop: nothing is recorded, and nothing is waited for at the end. */
export async function toxiproxy({ host, port, config, seed, json }: ToxiproxyArguments): Promise<void> {
  const signals = new StopSignals()
  const control = await BoundControl.bind({ host, port })
  let relay: Relay | null = null
  try {
    relay = await startRelay({
      empty: true, log: (line) => process.stderr.write(`${printableLine(line)}\n`), onProblem: (message) => process.stderr.write(`wiretape: ${message}\n`),
      ...seed === undefined ? {} : { seed },
    })
    control.attach(relay)
    if (config !== undefined) await populate(control, config)
  } catch (thrown) {
    await Promise.all([control.close(), relay?.stop({ grace: 0 })])
    throw thrown
  }
  control.open()
  const over = untilStopped(relay, control, 0, signals)
  printReady(relay, control, json)
  await over
}

async function populate(control: BoundControl, config: string): Promise<void> {
  let bytes: Buffer
  try {
    bytes = readFileSync(config)
  } catch (cause) {
    throw new WiretapeError('usage', `-config ${config}: ${reasonOf(cause)}`, { cause })
  }
  try {
    await control.populate(bytes)
  } catch (thrown) {
    throw thrown instanceof WiretapeError ? new WiretapeError(thrown.code, `-config ${config}: ${thrown.message}`, { cause: thrown }) : thrown
  }
}
