import { printableLine } from '../escape.js'
import { formatBytes, formatCount, formatDuration } from '../units.js'
import type { Bar } from './bars.js'
import { cut, widthOf } from './fitting.js'
import type { Piece } from './fitting.js'
import { durationOf, slowestOf } from './moments.js'
import type { Mark, Said, Tone } from './moments.js'
import type { Picture } from './picture.js'
import type { FtpStory } from './story.js'

/** A latency from which it is worth a look, in ms. */
const slowReply = 1000

/** What the control lane says in a row: a text that may be cut, and a latency that stands at the lane's end. */
export interface ControlWords {
  readonly pieces: readonly Piece[]
  readonly latency: Piece | null
}

/** @param width columns there are: an exchange shares them between the command and its reply. */
export function controlWords(said: Said, width: number): ControlWords {
  switch (said.kind) {
    case 'command': return { pieces: [plain(`→ ${said.command}`)], latency: null }
    case 'reply': {
      const of = said.verb === null ? '' : ` to ${said.verb}`
      return {
        pieces: [{ text: printableLine(`← ${said.code}${of} ${oneLine(said.text)}`), tone: toneOf(said.code) }],
        latency: latencyPiece(said.latencyMs),
      }
    }
    case 'exchange': {
      const latency = latencyPiece(said.latencyMs)
      const answer = ` ← ${said.code}`
      const room = width - widthOf(latency!.text) - 1 - answer.length
      return {
        pieces: [
          { text: cut(printableLine(`→ ${said.command}`), room), tone: 'plain' },
          { text: printableLine(`${answer} ${oneLine(said.text)}`), tone: toneOf(said.code) },
        ],
        latency,
      }
    }
    case 'note': return { pieces: [{ text: printableLine(`· ${said.text}`), tone: said.tone }], latency: null }
    case 'wait': return { pieces: [{ text: printableLine(`⋯ ${said.text}`), tone: 'notable' }], latency: null }
  }
}

export function markWords({ name, label, tone }: Mark): Piece {
  return { text: printableLine([name, label].filter((part) => part !== null && part !== '').join(' ')), tone }
}

/** A session's heading: who, where, when. */
export function headingOf({ session, control }: FtpStory): string {
  const { client, server } = control
  return printableLine([
    `session ${session.id}`, session.user ?? 'nobody logged in',
    `${client === null ? '?' : `${client.host}:${client.port}`} → ${server === null ? '?' : `${server.host}:${server.port}`}`,
    session.ended === null ? 'still open' : formatDuration((session.ended - session.started) / 1000),
    ...(session.tls ? ['TLS'] : []),
  ].join(' · '))
}

/** What there is to know at a glance: how many transfers, which was slow, which never came. */
export function verdictOf({ story, bars }: Picture): Piece[] {
  const { transfers, commands } = story
  const pieces: Piece[] = [{ text: counted(commands.length, 'command'), tone: 'plain' }]
  const add = (text: string, tone: Tone): void => void pieces.push({ text, tone })
  for (const direction of ['down', 'up'] as const) {
    const some = transfers.filter((transfer) => transfer.direction === direction && transfer.connectionId !== null)
    const bytes = some.reduce((sum, transfer) => sum + transfer.bytes, 0)
    if (some.length > 0) add(`${direction === 'up' ? '↑' : '↓'} ${formatCount(some.length)}, ${formatBytes(bytes)}`, 'plain')
  }
  for (const [outcome, tone] of [['refused', 'bad'], ['aborted', 'bad'], ['incomplete', 'notable'], ['open', 'notable']] as const) {
    const count = transfers.filter((transfer) => transfer.outcome === outcome).length
    if (count > 0) add(`${formatCount(count)} ${outcome}`, tone)
  }
  // A transfer and its command are one to people.
  const changed = new Set([...transfers.filter((one) => one.changed).map(({ commandId }) => commandId), ...commands.filter((one) => one.changed).map(({ id }) => id)]).size
  if (changed > 0) add(`${formatCount(changed)} changed`, 'notable')
  const unused = bars.filter(isUnused).length
  if (unused > 0) add(`${counted(unused, 'data connection')} never used`, 'notable')
  const slowest = slowestOf(bars)
  if (slowest !== null) add(printableLine(`slowest ${slowest.name!} ${formatDuration(durationOf(slowest) / 1000)}`), 'plain')
  return pieces
}

function isUnused({ transfer, closed }: Bar): boolean {
  return transfer === null && closed !== null
}

/** µs since the session began as `12.345`, `5:01.345` or `1:05:01.345`: seconds to the ms. */
export function formatSince(microseconds: number): string {
  const ms = Math.max(0, Math.round(microseconds / 1000))
  const seconds = Math.floor(ms / 1000)
  const fraction = String(ms % 1000).padStart(3, '0')
  const two = (value: number): string => String(value).padStart(2, '0')
  if (seconds < 60) return `${seconds}.${fraction}`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}.${fraction}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}.${fraction}`
}

function plain(text: string): Piece {
  return { text: printableLine(text), tone: 'plain' }
}

function latencyPiece(ms: number | null): Piece | null {
  return ms === null ? null : { text: formatDuration(ms), tone: ms >= slowReply ? 'notable' : 'dim' }
}

function toneOf(code: number): Tone {
  return code >= 400 ? 'bad' : code < 200 ? 'dim' : 'plain'
}

/** A reply of many lines by its first, and how many there are. */
function oneLine(text: string): string {
  const lines = text.split('\n')
  return lines.length === 1 ? text : `${lines[0]!} (${lines.length} lines)`
}

function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
