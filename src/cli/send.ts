import { sendRecording } from '../index.js'
import type { SendOptions, SendResult } from '../index.js'
import { WiretapeError } from '../error.js'
import { countRows, DifferenceLines, printNotes, printTable, quantileText } from './differences.js'
import { printableJson, printableLine } from './escape.js'
import { startProgressBar } from './progress-bar.js'
import { onceAskedToStop } from './stop-signals.js'
import { formatCount, formatDuration } from './units.js'
import { clearLine } from './until-stopped.js'

export interface SendArguments {
  readonly file: string
  readonly to: string
  readonly protocol: string | undefined
  readonly relay: string | undefined
  readonly speed: string
  readonly connections: string
  readonly where: string | undefined
  readonly host: 'target' | 'recorded' | undefined
  readonly output: string | undefined
  readonly overwrite: boolean
  readonly plugin: readonly string[]
  readonly seed: unknown
  readonly ignore: readonly string[]
  readonly masked: 'skip' | 'send'
  readonly password: string | undefined
  readonly patience: unknown
  readonly strict: boolean
  readonly insecure: boolean
  readonly json: boolean
}

/** @returns the exit code: 1 where something differs. */
export async function send(given: SendArguments): Promise<number> {
  const lines = new DifferenceLines(given.json)
  const bar = startProgressBar()
  let result: SendResult
  const interruption = new AbortController()
  onceAskedToStop(() => interruption.abort())
  try {
    result = await sendRecording(given.file, { ...optionsOf(given), signal: interruption.signal, onProgress: bar.take, onDifference: lines.take })
  } finally {
    bar.stop()
    lines.flush()
  }
  if (given.json) printJson(result)
  else print(result)
  return result.equal ? 0 : 1
}

function optionsOf({ to, protocol, relay, speed, connections, where, host, output, overwrite, plugin, seed, ignore, masked, password, patience, strict, insecure }: SendArguments): SendOptions {
  if (patience !== undefined && !(typeof patience === 'number' && patience > 0)) throw new WiretapeError('usage', `--patience ${JSON.stringify(patience)}: expected seconds, more than 0`)
  const words = { protocol, relay, where, host, password, seed, patience: typeof patience === 'number' ? patience * 1000 : undefined }
  return {
    to, speed: speed as 'max', connections: /^\d+$/.test(connections) ? Number(connections) : connections as 'as-recorded',
    ignore, masked, strict, insecure, plugins: plugin, record: { ...(output === undefined ? {} : { path: output }), overwrite },
    log: (line) => process.stderr.write(`${clearLine()}${printableLine(line)}\n`),
    onProblem: (message) => process.stderr.write(`${clearLine()}wiretape: ${printableLine(message)}\n`),
    ...Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined)),
  }
}

/** Skipped ones that are told one by one. */
const mostTold = 20

const whatIsSent: Readonly<Record<string, string>> = { http: 'request', tcp: 'connection', udp: 'UDP session', ftp: 'FTP session' }

function print({ planned, interrupted, protocol, target, path, sent, skipped, skippedCount, notes, comparison, durationMs, drift }: SendResult): void {
  for (const { id, asked, reason } of skipped.slice(0, mostTold)) process.stderr.write(`not sent: ${id} ${printableLine(asked)}: ${printableLine(reason)}\n`)
  if (skippedCount > mostTold) process.stderr.write(`not sent: ${formatCount(skippedCount - mostTold)} more\n`)
  printNotes([...notes, ...comparison.notes])
  if (comparison.differenceCount > 0) console.log('')
  printTable([
    ['sent', `${formatCount(sent)} ${whatIsSent[protocol]}${sent === 1 ? '' : 's'} to ${target} in ${formatDuration(durationMs)} (${formatCount(Math.round(sent / Math.max(durationMs, 1) * 1000))}/s)`],
    skippedCount === 0 ? null : ['not sent', formatCount(skippedCount)],
    interrupted ? ['interrupted', `${formatCount(planned - sent)} of ${formatCount(planned)} weren't sent; the others are compared`] : null,
    ...countRows(comparison, { onlyA: 'no counterpart', onlyB: 'not recorded' }),
    ['latency recorded', quantileText(comparison.latency.a)], ['latency now', quantileText(comparison.latency.b)],
    drift === null ? null : ['drift', quantileText(drift)],
    ['recorded to', printableLine(path)],
  ])
}

function printJson({ comparison, skipped, ...rest }: SendResult): void {
  for (const one of skipped) console.log(printableJson({ type: 'skipped', ...one }))
  console.log(printableJson({ type: 'summary', ...rest, ...comparison, differences: undefined }))
}
