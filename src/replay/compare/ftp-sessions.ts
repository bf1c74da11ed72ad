import { createHash } from 'node:crypto'
import { dataDirection, preparesData, takesSecret } from '../../protocols/ftp/index.js'
import type { FtpCommandRecord, FtpListingEntry, FtpTransferRecord } from '../../recording/rows.js'
import { bounded, cutValue, cutValues, lacking, outcomeOf } from './comparison.js'
import type { FoundDifference } from './comparison.js'
import type { Ignored } from './ignored.js'
import { pairByKey } from './pair-by-key.js'
import type { Keyed } from './pair-by-key.js'
import type { RecordedSide } from './recorded-side.js'
import type { MessageDifference, Tally } from './tally.js'

/** Compares FTP servers: the replies to each command of a session, and what transfers brought. Sessions are paired by their commands, the rest in their order. */
export function compareFtp(a: RecordedSide, b: RecordedSide, ignored: Ignored, tally: Tally): void {
  const { pairs, onlyA, onlyB } = pairByKey(keys(a), keys(b))
  for (const [idA, idB] of pairs) compareSession(a, idA, b, idB, ignored, tally)
  for (const id of onlyA) tally.only({ protocol: 'ftp', a: id, b: null, asked: describe(a, id) }, 'session')
  for (const id of onlyB) tally.only({ protocol: 'ftp', a: null, b: id, asked: describe(b, id) }, 'session')
}

function* keys(side: RecordedSide): Generator<Keyed> {
  const { recording, connections, only, protocols } = side
  if (!protocols.has('ftp')) return
  for (const { id, connectionId, started } of recording.ftpSessions()) {
    if (only?.has(id) === false || connections?.has(connectionId) === false) continue
    yield { key: commandsOf(side, id).map(lineOf).join('\n'), id, began: started }
  }
}

function commandsOf({ recording }: RecordedSide, session: number): FtpCommandRecord[] {
  return [...recording.ftpCommands({ where: `session_id = ${session}` })]
}

/** What of the session can't be known. */
function gapIn({ recording }: RecordedSide, id: number): string | null {
  const [session] = recording.ftpSessions({ where: `id = ${id}` })
  if (session === undefined) return null
  if (session.tls) return 'encrypted from AUTH on'
  const { droppedUp, droppedDown } = recording.connection(session.connectionId)
  return droppedUp + droppedDown === 0 ? null : `${droppedUp + droppedDown} bytes of the control connection were not recorded`
}

/** Without what is another in each session: addresses, passwords. */
function lineOf({ verb, argument }: FtpCommandRecord): string {
  return argument === null || takesSecret(verb) || preparesData(verb) === 'active' ? verb : `${verb} ${argument}`
}

function describe({ recording }: RecordedSide, id: number): string {
  const [session] = recording.ftpSessions({ where: `id = ${id}` })
  return `session of ${session?.user ?? 'nobody'}`
}

function compareSession(a: RecordedSide, idA: number, b: RecordedSide, idB: number, ignored: Ignored, tally: Tally): void {
  const [was, now] = [commandsOf(a, idA), commandsOf(b, idB)]
  const found: MessageDifference[] = [...greetingDifferences(a, idA, b, idB, ignored)]
  for (let at = 0; at < Math.max(was.length, now.length); at++) {
    const [before, after] = [was[at], now[at]]
    if (before === undefined || after === undefined || lineOf(before) !== lineOf(after)) {
      found.push({ field: `command ${at + 1}`, was: before === undefined ? null : cutValue(lineOf(before)), now: after === undefined ? null : cutValue(lineOf(after)) })
      break
    }
    tally.took(before.latencyMs, after.latencyMs)
    const named = { asked: lineOf(before), a: before.id, b: after.id }
    for (const one of commandDifferences(a, before, b, after, ignored)) found.push({ ...named, ...one })
  }
  found.push(...lacking(gapIn(a, idA), gapIn(b, idB)))
  const answered = (commands: readonly FtpCommandRecord[]): number => commands.filter(({ code }) => code !== null).length
  const outcome = outcomeOf(found)
  tally.pair({ protocol: 'ftp', a: idA, b: idB, asked: describe(a, idA) }, outcome === 'different' && answered(now) < answered(was) ? 'failed' : outcome, found)
}

function* greetingDifferences(a: RecordedSide, idA: number, b: RecordedSide, idB: number, ignored: Ignored): Generator<FoundDifference> {
  const [was, now] = ([[a, idA], [b, idB]] as const).map(([{ recording }, id]) => [...recording.ftpSessions({ where: `id = ${id}` })][0]?.greeting ?? null)
  const compared = (greeting: string | null | undefined): string | null => greeting == null ? null : ignored.text ? greeting.slice(0, 3) : greeting
  if (compared(was) !== compared(now)) yield { field: 'greeting', was: compared(was), now: compared(now) }
}

function* commandDifferences(a: RecordedSide, was: FtpCommandRecord, b: RecordedSide, now: FtpCommandRecord, ignored: Ignored): Generator<FoundDifference> {
  if (was.code !== now.code) yield { field: 'reply', was: reply(was), now: reply(now) }
  else if (!ignored.text && !ownText(was.verb) && was.text !== now.text) yield { field: 'reply text', ...cutValues(was.text ?? '', now.text ?? '') }
  if (was.transferId !== null && now.transferId !== null && !ignored.body) yield* transferDifferences(a, was.transferId, b, now.transferId)
}

function reply({ code, text, error }: FtpCommandRecord): string | null {
  return code === null ? error : cutValue(`${code} ${text ?? ''}`.trim())
}

/** Replies whose texts name an address, a rate or a time that is another each time. */
function ownText(verb: string): boolean {
  return preparesData(verb) !== null || dataDirection(verb) !== null || verb === 'STAT' || verb === 'QUIT'
}

function* transferDifferences(a: RecordedSide, idA: number, b: RecordedSide, idB: number): Generator<FoundDifference> {
  const [was, now] = [transferOf(a, idA), transferOf(b, idB)]
  if (was === null || now === null) return
  if (was.outcome !== now.outcome && was.outcome !== 'incomplete' && now.outcome !== 'incomplete') yield { field: 'transfer', was: told(was), now: told(now) }
  const gaps = lacking(missingIn(was), missingIn(now))
  if (gaps.length > 0) {
    yield* gaps
    return
  }
  const [before, after] = [a.recording.ftpListing(idA), b.recording.ftpListing(idB)]
  if (before.length > 0 && after.length > 0) yield* bounded(listingDifferences(before, after), 'listing')
  // Two that were broken off are the same as far as both go: where exactly that was is chance.
  else if (was.outcome === 'aborted' && now.outcome === 'aborted') {
    const most = Math.min(was.bytes, now.bytes)
    if (beginning(a, was, most) !== beginning(b, now, most)) yield { field: 'content', was: content(was), now: content(now) }
  } else if (was.sha256 !== now.sha256) yield { field: 'content', was: content(was), now: content(now) }
}

/** Bytes that flowed and aren't in the recording. */
function missingIn({ outcome, error, sha256, bytes }: FtpTransferRecord): string | null {
  return outcome === 'incomplete' || (sha256 === null && bytes > 0 && outcome === 'completed') ? error ?? 'its content was not recorded whole' : null
}

function transferOf({ recording }: RecordedSide, id: number): FtpTransferRecord | null {
  return [...recording.ftpTransfers({ where: `id = ${id}` })][0] ?? null
}

/** A hash of the first so many bytes. */
function beginning({ recording }: RecordedSide, { connectionId, direction }: FtpTransferRecord, most: number): string {
  const hash = createHash('sha256')
  let left = most
  if (connectionId === null) return ''
  for (const { bytes } of recording.streamPieces(connectionId, direction)) {
    hash.update(bytes.subarray(0, left))
    left -= bytes.length
    if (left <= 0) break
  }
  return hash.digest('hex')
}

function told({ outcome, error }: FtpTransferRecord): string {
  return error === null ? outcome : cutValue(`${outcome}: ${error}`)
}

function content({ bytes, sha256 }: FtpTransferRecord): string {
  return `${bytes} bytes${sha256 === null ? ', not recorded whole' : `, sha-256 ${sha256.slice(0, 12)}…`}`
}

/** Names, types and sizes; times are when somebody wrote, and not what. */
function* listingDifferences(was: readonly FtpListingEntry[], now: readonly FtpListingEntry[]): Generator<FoundDifference> {
  const byName = (entries: readonly FtpListingEntry[]): Map<string, string> => new Map(entries.map(({ name, type, size }) => [
    name, type === 'file' || type === null ? `${type ?? 'entry'}, ${size ?? '?'} bytes` : type,
  ]))
  const [before, after] = [byName(was), byName(now)]
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [first, second] = [before.get(name) ?? null, after.get(name) ?? null]
    if (first !== second) yield { field: `listing ${cutValue(name)}`, was: first, now: second }
  }
}
