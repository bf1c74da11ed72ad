import { formatBytes, formatDuration } from '../units.js'
import { namesOf, startOf } from './bars.js'
import type { Bar } from './bars.js'
import { finalInstead, nothingInstead } from './sent-instead.js'
import type { FtpStory } from './story.js'

export type Tone = 'plain' | 'dim' | 'good' | 'bad' | 'notable'

/** What stands in the left lane. Texts are as they were on the wire: escape them. */
export type Said =
  | { readonly kind: 'command', readonly command: string, readonly id: number }
  | { readonly kind: 'reply', readonly code: number, readonly text: string, readonly latencyMs: number | null, readonly to: number | null, readonly verb: string | null, readonly final: boolean }
  | { readonly kind: 'exchange', readonly command: string, readonly id: number, readonly code: number, readonly text: string, readonly latencyMs: number }
  | { readonly kind: 'note', readonly text: string, readonly tone: Tone }
  /** Nothing happens for long. */
  | { readonly kind: 'wait', readonly text: string }

/** How far a data connection is. */
export type Phase = 'prepared' | 'connected' | 'flowing' | 'drained' | 'closed' | 'open'

/** What stands in the right lane: a step of a bar, or (where there is no bar) only a label. */
export interface Mark {
  readonly bar: Bar | null
  readonly phase: Phase
  /** The row in which its connection was made: it begins the bar, so it can't end it as well. */
  readonly connects: boolean
  /** What flows: direction and path, once a bar. */
  readonly name: string | null
  readonly label: string
  readonly tone: Tone
}

export interface Moment {
  readonly time: number
  /** Where it tells of more than a moment. */
  readonly until?: number
  readonly said: Said | null
  readonly mark: Mark | null
}

/** The control lane: commands, every reply, what the relay did, and how it ended. In no particular order. */
export function controlMoments(story: FtpStory, bars: readonly Bar[], end: number): Moment[] {
  const { session, commands, replies, transfers, events } = story
  const byId = new Map(commands.map((command) => [command.id, command]))
  const prepares = new Map(bars.flatMap((bar) => bar.prepared === null || bar.setup === null ? [] : [[bar.setup.id, bar] as const]))
  const drawn = new Set(bars.flatMap(({ transfer }) => transfer ?? []))
  const barless = new Map(transfers.flatMap((transfer) => drawn.has(transfer) ? [] : [[transfer.commandId, transfer] as const]))
  const names = namesOf(story)
  const moments: Moment[] = []
  for (const { id, verb, argument, started } of commands) {
    moments.push({ time: started, mark: null, said: { kind: 'command', id, command: argument === null ? verb : `${verb} ${argument}` } })
  }
  const answered = new Set<number>()
  for (const { commandId, time, code, text } of replies) {
    const command = commandId === null ? undefined : byId.get(commandId)
    const final = code >= 200
    if (command !== undefined && final) answered.add(command.id)
    // Where the client was told something else than the server said, it waited for what it was told.
    const instead = final && command?.changed === true ? finalInstead(story.instead.get(command.id) ?? nothingInstead) : null
    const told = instead === null || instead.code === null ? { code, text } : { code: instead.code, text: instead.text }
    const prepared = final && commandId !== null ? prepares.get(commandId) : undefined
    const without = final && commandId !== null ? barless.get(commandId) : undefined
    const mark: Mark | null = prepared !== undefined
      ? { bar: prepared, phase: 'prepared', connects: false, name: null, label: `prepared by ${prepared.setup!.verb}`, tone: 'dim' }
      : without === undefined ? null
        : { bar: null, phase: 'closed', connects: false, name: null, label: `${without.outcome}: ${names.get(without.id)!}`, tone: without.error === null ? 'plain' : 'bad' }
    if (instead?.code === null) {
      moments.push({ time, mark, said: { kind: 'note', text: `${command!.verb}: ${command!.error ?? 'no reply'}`, tone: 'bad' } })
      continue
    }
    moments.push({
      time, mark,
      said: {
        kind: 'reply', ...told, latencyMs: command === undefined ? null : (time - command.started) / 1000,
        to: command?.id ?? null, verb: command?.verb ?? null, final,
      },
    })
    if (command?.verb === 'AUTH' && code === 234) {
      moments.push({ time: time + 1, mark: null, said: { kind: 'note', text: 'encrypted from here on: what follows can\'t be read', tone: 'notable' } })
    }
  }
  for (const { id, verb, replied, error } of commands) {
    if (!answered.has(id) && error !== null) moments.push({ time: replied ?? end, mark: null, said: { kind: 'note', text: `${verb}: ${error}`, tone: 'bad' } })
  }
  for (const { kind, text, time } of events) {
    if (kind !== 'ftp-tls') moments.push({ time, mark: null, said: { kind: 'note', text, tone: 'notable' } })
  }
  const ended = session.outcome === null ? 'still open' : `session over: ${session.outcome}`
  moments.push({ time: session.ended ?? end, mark: null, said: { kind: 'note', text: ended, tone: session.outcome === 'quit' ? 'dim' : 'notable' } })
  return moments
}

/** The data lane: each step of each bar but its preparing, which stands beside the reply that did it. */
export function dataMoments(bars: readonly Bar[], end: number, slowest: Bar | null): Moment[] {
  const moments: Moment[] = []
  for (const bar of bars) {
    const { setup, transfer, connected, firstByte, lastByte, closed } = bar
    const push = (time: number, phase: Phase, label: string, tone: Tone, name: string | null = null): void => {
      moments.push({ time, said: null, mark: { bar, phase, connects: phase === 'connected', name, label, tone } })
    }
    if (connected !== null) {
      const dialler = transfer?.dialledBy ?? (setup?.verb === 'PORT' || setup?.verb === 'EPRT' ? 'server' : 'client')
      push(connected, 'connected', `${dialler} connects${setup === null ? '' : `, by ${setup.verb}`}`, 'dim')
    }
    if (firstByte !== null) push(Math.max(firstByte, startOf(bar)), 'flowing', '', 'plain', bar.name)
    if (lastByte !== null) push(Math.max(lastByte, startOf(bar)), 'drained', 'last byte', 'dim')
    if (closed === null) push(end, 'open', `still open${bar.bytes === 0 ? '' : `, ${formatBytes(bar.bytes)} so far`}`, 'notable')
    else push(closed, 'closed', ...result(bar, bar === slowest), firstByte === null && connected !== null ? bar.name : null)
  }
  return moments
}

/** The transfer that took longest, where there are enough for that to mean something. */
export function slowestOf(bars: readonly Bar[]): Bar | null {
  const carrying = bars.filter(({ transfer, closed }) => transfer !== null && closed !== null)
  if (carrying.length < 3) return null
  return carrying.reduce((slowest, bar) => durationOf(bar) > durationOf(slowest) ? bar : slowest)
}

/** From connect to close, in µs. */
export function durationOf(bar: Bar): number {
  return (bar.closed ?? startOf(bar)) - (bar.connected ?? startOf(bar))
}

function result(bar: Bar, slowest: boolean): [label: string, tone: Tone] {
  const { transfer, connected, bytes, bytesSent, error } = bar
  if (connected === null) {
    return transfer === null ? ['never used', 'notable'] : [`nobody connected for ${bar.name!}`, 'bad']
  }
  const took = formatDuration(durationOf(bar) / 1000)
  if (transfer === null) return [`${bytes === 0 ? 'carried nothing' : `carried ${formatBytes(bytes)} for no command`}, ${took}${error === null ? '' : `: ${error}`}`, 'notable']
  const size = `${formatBytes(bytes)}${!transfer.changed ? '' : bytesSent === null || bytesSent === bytes ? ' changed' : ` (${formatBytes(bytesSent)} sent on)`}`
  if (transfer.outcome === 'aborted' || transfer.outcome === 'refused') {
    return [`${transfer.outcome} after ${size}, ${took}: ${error ?? transfer.text ?? ''}`, 'bad']
  }
  if (transfer.outcome === 'incomplete') return [`${size} ${took}, incomplete: ${error ?? ''}`, 'notable']
  if (transfer.outcome === 'open') return [`${size} ${took}, no final reply yet`, 'notable']
  return [`${size} ${took}${rateOf(transfer)}${slowest ? ' slowest' : ''}`, 'good']
}

/** The rate of a few bytes says nothing. */
function rateOf({ bytes, bytesPerSecond }: { readonly bytes: number, readonly bytesPerSecond: number | null }): string {
  return bytes < 1000 || bytesPerSecond === null ? '' : ` ${formatBytes(Math.round(bytesPerSecond))}/s`
}
