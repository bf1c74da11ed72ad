import { foreignOptions } from '../replay/serve/foreign-options.js'
import { newestRecording } from '../recording/recording-path.js'
import { serveRecording } from '../index.js'
import type { Miss, RecordingServer, ServeOptions } from '../index.js'
import { readConfig } from './config.js'
import { printableJson, printableLine } from './escape.js'
import { onceAskedToStop } from './stop-signals.js'
import { formatCount } from './units.js'

export interface ServeArguments {
  readonly file: string | undefined
  readonly http: readonly string[]
  readonly tcp: readonly string[]
  readonly udp: readonly string[]
  readonly ftp: readonly string[]
  readonly match: string | undefined
  readonly ignore: string | undefined
  readonly after: 'repeat' | 'cycle' | 'miss' | undefined
  readonly timing: string | undefined
  readonly tcpMatch: 'exact' | 'prefix' | 'turn' | undefined
  readonly refresh: string | undefined
  readonly onMiss: string | undefined
  readonly strict: boolean
  readonly config: string | undefined
  readonly json: boolean
}

/** Misses that are told one by one: who asks for what isn't there does so often. */
const mostTold = 1_000

/** Stands in for recorded servers until it is told to stop. @returns the exit code: 1 where something had no answer, and that was to be strict about. */
export async function serve({ file, strict, json, config, ...given }: ServeArguments): Promise<number> {
  const server = await serveRecording(file ?? newestRecording(), await optionsOf(given, config))
  let told = 0
  server.onMiss((miss) => {
    if (++told > mostTold) return
    tell(miss, json)
    if (told === mostTold) process.stderr.write(`wiretape: more misses are counted, and not told one by one\n`)
  })
  const over = untilAsked(server)
  for (const listener of server.listeners) {
    const { protocol, url, target } = listener
    console.log(json ? JSON.stringify({ type: 'listening', ...listener }) : `${protocol.padEnd(5)}${url} stands in for ${printableLine(target)}`)
  }
  for (const note of server.notes) process.stderr.write(`note: ${printableLine(note)}\n`)
  await over
  const { served, missed } = server
  if (json) console.log(JSON.stringify({ type: 'served', served, missed }))
  else process.stderr.write(`${formatCount(served)} ${served === 1 ? 'answer' : 'answers'} given, ${missed === 0 ? 'nothing was missing' : `${formatCount(missed)} had no recorded answer`}\n`)
  return strict && missed > 0 ? 1 : 0
}

async function optionsOf(given: Omit<ServeArguments, 'file' | 'strict' | 'json' | 'config'>, path: string | undefined): Promise<ServeOptions> {
  const { serve: config = {} } = await readConfig(path ?? null)
  const list = (name: 'http' | 'tcp' | 'udp' | 'ftp'): readonly string[] => [...[config[name] ?? []].flat().map(String), ...given[name]]
  const { after, timing, onMiss, tcpMatch } = given
  const words = { after, timing, onMiss, tcpMatch, match: splitAtCommas(given.match), ignore: splitAtCommas(given.ignore), refresh: splitAtCommas(given.refresh) }
  const listeners = { http: list('http'), tcp: list('tcp'), udp: list('udp'), ftp: list('ftp') }
  const served = (['http', 'tcp', 'udp', 'ftp'] as const).filter((protocol) => listeners[protocol].length > 0)
  // A file's defaults are for whatever is served.
  const foreign = foreignOptions(config, served)
  const defaults = Object.fromEntries(Object.entries(config).filter(([name]) => !foreign.includes(name)))
  return {
    ...defaults, ...Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined)),
    ...listeners,
    onProblem: (message) => process.stderr.write(`wiretape: ${message}\n`),
  }
}

function tell(miss: Miss, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ type: 'miss', ...miss }))
    return
  }
  const { text } = miss
  const fields = untold(miss).map(({ field, came, recorded }) => `  ${printableLine(field)}: ${told(came)} came, ${told(recorded)} is recorded`)
  process.stderr.write(`${[`miss: ${printableLine(text)}`, ...fields].join('\n')}\n`)
}

function told(value: string | null): string {
  return value === null ? 'nothing' : printableJson(value)
}

/** Of a conversation or a command, the sentence mostly has both sides already. */
function untold({ protocol, kind, text, differs }: Miss): Miss['differs'] {
  if (protocol === 'http' && kind !== 'diverged') return differs
  return differs.filter(({ came, recorded }) => ![came, recorded].every((side) => side === null || text.includes(side)))
}

function splitAtCommas(text: string | undefined): readonly string[] | undefined {
  return text === undefined ? undefined : text.split(',').map((part) => part.trim()).filter((part) => part !== '')
}

function untilAsked(server: RecordingServer): Promise<void> {
  return new Promise((resolve) => onceAskedToStop(() => void server.stop().then(resolve)))
}
