import { WiretapeError } from '../../error.js'
import type { Recording } from '../../recording/recording.js'
import type { RecordedSide } from './recorded-side.js'

/** @throws WiretapeError `usage` where two recordings have no protocol in common: there is nothing to lay side by side. */
export function checkComparable(a: RecordedSide, b: RecordedSide): void {
  for (const { recording, protocols } of [a, b]) {
    if (protocols.size === 0) throw new WiretapeError('usage', `nothing to compare: ${recording.path} has no traffic${recording.ended ? '' : ' yet'}`)
  }
  if (![...a.protocols].some((protocol) => b.protocols.has(protocol))) {
    const [inA, inB] = [a, b].map(({ recording, protocols }) => `${recording.path} has ${[...protocols].join(' and ')}`)
    throw new WiretapeError('usage', `nothing to compare: ${inA}, and ${inB}`)
  }
}

/** Sentences on what the recordings lack or have in another form, for whoever reads their comparison. */
export function recordingNotes(a: RecordedSide, b: RecordedSide): string[] {
  const notes: string[] = []
  for (const [one, other] of [[a, b], [b, a]] as const) {
    const missing = [...other.protocols].filter((protocol) => !one.protocols.has(protocol))
    if (missing.length > 0) notes.push(`${one.recording.path} has no ${missing.join(' and no ')} traffic`)
  }
  for (const { recording } of a.recording.path === b.recording.path ? [a] : [a, b]) notes.push(...notesOn(recording))
  return notes
}

function notesOn(recording: Recording): string[] {
  const { path } = recording
  const { finished, imported, masked } = recording.facts()
  const has = (where: string): boolean => [...recording.connections({ where, limit: 1 })].length > 0
  const told = (where: string): boolean => [...recording.events({ where, limit: 1 })].length > 0
  return [
    !recording.ended ? `${path} is still being recorded: what it has by now is compared` : finished === undefined ? `${path} was cut off while it was recorded: its end is missing` : null,
    imported === undefined ? null : `${path} was imported from ${imported}: it has what was captured there`,
    has('dropped_down > 0 OR dropped_up > 0') ? `${path} lacks bytes of some connections: what came on them after those is not compared` : null,
    told(`kind IN ('undecodable', 'decoder-failed')`) ? `${path} has traffic that could not be read as what it was said to be: that is not compared` : null,
    pluginsChanged(recording) ? `${path} has traffic that plugins changed: compared is what its servers said before that` : null,
    masked === undefined && !told(`kind IN ('masked', 'masked-sent')`) ? null : `${path} has secrets masked: in their places asterisks are compared`,
    [...recording.exchanges({ where: `status = 101 OR (method = 'CONNECT' AND status < 300)`, limit: 1 })].length === 0 ? null
      : `${path} has connections that left HTTP (101, CONNECT): what came on them then is not compared`,
  ].filter((note) => note !== null)
}

function pluginsChanged(recording: Recording): boolean {
  try {
    // The relay itself changes too: addresses of FTP, Host.
    return [...recording.events({ where: 'hook IS NOT NULL AND connection_id IN (SELECT id FROM connection WHERE changed = 1)', limit: 1 })].length > 0
  } catch (thrown) {
    // Recordings from before there were plugins have no such columns.
    if (thrown instanceof WiretapeError) return false
    throw thrown
  }
}
