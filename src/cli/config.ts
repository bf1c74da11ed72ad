import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { WiretapeError, reasonOf } from '../error.js'
import type { RelayOptions, ServeOptions } from '../index.js'
import { loadFile } from '../plugins/load.js'
import { checkOptions } from '../recording/known-options.js'
import type { OptionKinds } from '../recording/known-options.js'
import { writtenOptions } from '../relay/options.js'
import type { CodeOnly } from '../relay/options.js'

/** Looked for in the working folder, in this order. */
const names = ['wiretape.config.ts', 'wiretape.config.js', 'wiretape.config.mjs', 'wiretape.config.json']

/** The options of `startRelay`, and what the command line has beside them. */
export interface Config extends RelayOptions {
  /** Where the control API is to be: a port, or `'host:port'`. */
  readonly control?: number | string
  /** What `wiretape serve` is given besides its recording: listeners, rules, routes. */
  readonly serve?: ServeOptions
}

const known: OptionKinds<Omit<Config, CodeOnly>> = { ...writtenOptions, control: 'any', serve: 'object' }

/**
 * Reads the options of `startRelay` from a file, for what outgrows a command line: relays, plugins with nested options, seed, output.
 * @param path as given; null looks for a `wiretape.config` in the working folder.
 * @returns nothing set where there is no file.
 * @throws WiretapeError `usage`.
 */
export async function readConfig(path: string | null): Promise<Config> {
  const found = path ?? names.find((name) => existsSync(name))
  if (found === undefined) return {}
  const full = resolve(found)
  if (!existsSync(full)) throw new WiretapeError('usage', `--config ${found}: there is no such file`)
  const config = found.endsWith('.json') ? readJson(full, found) : (await loadFile(full, `config ${found}`)).exported
  checkOptions(`config ${found}`, known, config, "{ http: ['8080=http://127.0.0.1:3000'] }")
  return config as Config
}

function readJson(full: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(full, 'utf8'))
  } catch (cause) {
    throw new WiretapeError('usage', `config ${name}: ${reasonOf(cause)}`, { cause })
  }
}
