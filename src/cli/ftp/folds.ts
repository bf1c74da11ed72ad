import type { FtpCommandRecord, FtpTransferRecord } from '../../index.js'
import { formatBytes, formatCount, formatDuration } from '../units.js'
import type { Bar } from './bars.js'
import { durationOf } from './moments.js'
import type { Moment } from './moments.js'
import type { FtpStory } from './story.js'

/** Up to so many transfers are drawn one by one. */
const fewTransfers = 12

/** Shorter runs aren't worth the fold. */
const shortestRun = 3

/** So many of the slowest are always drawn. */
const slowOnes = 3

const ordinary = new Set(['ALLO', 'CDUP', 'CWD', 'EPRT', 'EPSV', 'MDTM', 'MFMT', 'MODE', 'NOOP', 'OPTS', 'PASV', 'PORT', 'PWD', 'REST', 'SIZE', 'STRU', 'TYPE'])

export interface Folds {
  /** The story without what is folded away. */
  readonly story: FtpStory
  readonly bars: readonly Bar[]
  /** A line for each fold. */
  readonly moments: readonly Moment[]
}

/** A transfer with the commands that led to it. */
interface Step {
  readonly commands: readonly FtpCommandRecord[]
  readonly transfer: FtpTransferRecord
  readonly bar: Bar
}

/** In a session of very many transfers, runs of those where nothing was out of the ordinary become a line each. */
export function foldRuns(story: FtpStory, bars: readonly Bar[], pause: number): Folds | null {
  if (story.transfers.length <= fewTransfers) return null
  const runs = runsOf(story, bars, pause).filter((run) => run.length >= shortestRun)
  if (runs.length === 0) return null
  const commands = new Set(runs.flat().flatMap((step) => step.commands.map(({ id }) => id)))
  const folded = new Set(runs.flat().map(({ bar }) => bar))
  return {
    story: {
      ...story,
      commands: story.commands.filter(({ id }) => !commands.has(id)),
      replies: story.replies.filter(({ commandId }) => commandId === null || !commands.has(commandId)),
      transfers: story.transfers.filter(({ commandId }) => !commands.has(commandId)),
    },
    bars: bars.filter((bar) => !folded.has(bar)),
    moments: runs.map(foldMoment),
  }
}

function runsOf(story: FtpStory, bars: readonly Bar[], pause: number): Step[][] {
  const byTransfer = new Map(bars.flatMap((bar) => bar.transfer === null ? [] : [[bar.transfer.id, bar] as const]))
  const transfers = new Map(story.transfers.map((transfer) => [transfer.id, transfer]))
  const unused = new Set(bars.filter(({ transfer }) => transfer === null).map(({ setup }) => setup))
  const slow = new Set(bars.filter(({ transfer }) => transfer !== null).toSorted((a, b) => durationOf(b) - durationOf(a)).slice(0, slowOnes))
  const runs: Step[][] = [[]]
  let commands: FtpCommandRecord[] = []
  let first = true
  for (const command of story.commands) {
    commands.push(command)
    if (command.transferId === null) continue
    const transfer = transfers.get(command.transferId)
    const bar = byTransfer.get(command.transferId)
    const step = transfer === undefined || bar === undefined || slow.has(bar) ? null : { commands, transfer, bar }
    // The first shows what an ordinary one is like.
    const folds = step !== null && !first && commands.every((one) => !unused.has(one)) && isOrdinary(step, pause)
      && !story.events.some(({ time }) => time >= commands[0]!.started && time <= endOfStep(step))
    const last = runs.at(-1)!.at(-1)
    if (folds && last !== undefined && commands[0]!.started - endOfStep(last) >= pause) runs.push([step])
    else if (folds) runs.at(-1)!.push(step)
    else runs.push([])
    commands = []
    first = false
  }
  return runs
}

function isOrdinary({ commands, transfer, bar }: Step, pause: number): boolean {
  if (transfer.outcome !== 'completed' || transfer.changed || bar.closed === null) return false
  return commands.every(({ verb, code, replied, started, changed, error, transferId }) =>
    (transferId === transfer.id || ordinary.has(verb)) && code !== null && code < 400 && replied !== null
    && replied - started < pause && !changed && error === null)
}

function endOfStep({ transfer, bar }: Step): number {
  return Math.max(transfer.replied ?? 0, bar.closed ?? 0)
}

function foldMoment(run: readonly Step[]): Moment {
  const time = run[0]!.commands[0]!.started
  const commands = run.reduce((sum, step) => sum + step.commands.length, 0)
  const sizes = (['down', 'up'] as const).flatMap((direction) => {
    const some = run.filter(({ transfer }) => transfer.direction === direction)
    const bytes = some.reduce((sum, { transfer }) => sum + transfer.bytes, 0)
    return some.length === 0 ? [] : [`${direction === 'up' ? '↑' : '↓'} ${formatCount(some.length)}, ${formatBytes(bytes)}`]
  })
  const longest = run.reduce((most, { bar }) => Math.max(most, durationOf(bar)), 0)
  const until = run.reduce((most, step) => Math.max(most, endOfStep(step)), time)
  return {
    time, until,
    said: { kind: 'note', text: `${formatCount(run.length)} transfers, ${formatCount(commands)} commands, all well`, tone: 'dim' },
    mark: {
      bar: null, phase: 'closed', connects: false, name: null, tone: 'good',
      label: `${sizes.join(', ')} in ${formatDuration((until - time) / 1000)}, each ${formatDuration(longest / 1000)} at most`,
    },
  }
}
