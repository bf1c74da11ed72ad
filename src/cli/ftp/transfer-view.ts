import { colour as pc } from '../colour.js'
import type { FtpListingEntry, FtpTransferRecord, Recording } from '../../index.js'
import type { Address } from '../../recording/notes.js'
import { bodyView } from '../body-view.js'
import { printableLine } from '../escape.js'
import { sentBodyView } from '../sent-body-view.js'
import { formatBytes, formatDuration, formatTime } from '../units.js'
import { widthOf } from './fitting.js'
import { nameOf } from './bars.js'
import { pluginLines } from './command-view.js'
import { sentInstead } from './sent-instead.js'

/** More entries than these are for a script: `--json` has them all. */
const mostEntries = 1000

/** A transfer: how it came about, how long what took, and what it carried. */
export async function* transferView(recording: Recording, transfer: FtpTransferRecord): AsyncGenerator<string> {
  const { id, sessionId, commandId, started, outcome, code, text, error, sha256, bytes } = transfer
  const sent = recording.bytesSent([transfer]).get(id)
  yield pc.dim([`transfer ${id}`, `session ${sessionId}`, `command ${commandId}`, formatTime(started), outcome, ...(transfer.changed ? ['changed'] : [])].join(' · '))
  if (error !== null) yield pc.red(printableLine(error))
  const [command] = recording.ftpCommands({ where: `id = ${commandId}` })
  yield printableLine(`${transfer.verb} ${nameOf(transfer, command?.argument ?? null)}${code === null ? '' : ` → ${code} ${text ?? ''}`}`)
  const instead = command === undefined ? null : sentInstead(recording, command.connectionId, command.id).get(command.id)?.command ?? null
  if (instead !== null && instead !== '') yield `the server got ${printableLine(instead)}`
  yield* connectionLines(recording, transfer)
  yield* timeLines(transfer)
  if (sent !== undefined && sent !== bytes) yield pc.yellow(`${bytes} bytes came, ${sent} were sent on`)
  if (sha256 !== null) yield pc.dim(`sha-256 ${sha256}`)
  yield* contentLines(recording, transfer)
  yield* pluginLines(recording, `(message_id IN (${commandId}, ${id})${transfer.connectionId === null ? '' : ` OR connection_id = ${transfer.connectionId}`})`)
}

/** What came, and, where that is another, what was sent on instead. */
async function* contentLines(recording: Recording, { id, bytes, direction, changed, connectionId }: FtpTransferRecord): AsyncGenerator<string> {
  const whole = `wiretape show ${id} --body ${direction === 'up' ? 'request' : 'response'}`
  if (bytes > 0) {
    yield ''
    const entries = recording.ftpListing(id)
    if (entries.length > 0) yield* listingTable(entries)
    else yield* bodyView(recording.transferBody(id), { size: bytes, type: null, coding: null, whole })
  }
  if (changed && connectionId !== null) yield* sentBodyView((leg) => recording.transferBody(id, leg), { type: null, coding: null, whole: `${whole} --sent` })
}

function* connectionLines(recording: Recording, transfer: FtpTransferRecord): Generator<string> {
  const { connectionId, form, mode, dialledBy, type, transferMode, structure, restartOffset, sizeTold } = transfer
  const settings = [
    `type ${type}`, ...(transferMode === 'S' ? [] : [`mode ${transferMode}`]), ...(structure === 'F' ? [] : [`structure ${structure}`]),
    ...(restartOffset === 0 ? [] : [`from offset ${restartOffset}`]), ...(sizeTold === null ? [] : [`${sizeTold} bytes told`]),
  ]
  if (connectionId === null) {
    yield printableLine(['no data connection', ...settings].join(' · '))
    return
  }
  const { client, listen, dial, server } = recording.connection(connectionId)
  const addresses = mode === 'passive' ? [client, listen, dial, server] : [server, listen, dial, client]
  yield printableLine([`${form ?? '?'}, ${mode ?? '?'}: the ${dialledBy ?? 'peer'} dialled`, `connection ${connectionId}`, ...settings].join(' · '))
  yield pc.dim(printableLine(addresses.filter((address) => address !== null).map(addressText).join(' → ')))
}

function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Each step as the time since the command, which may come after the connection that serves it. */
function* timeLines(transfer: FtpTransferRecord): Generator<string> {
  const { started, connected, firstByte, lastByte, closed, replied, bytes, bytesPerSecond } = transfer
  const steps = ([['connected', connected], ['first byte', firstByte], ['last byte', lastByte], ['closed', closed], ['replied', replied]] as const)
    .flatMap(([name, time]) => time === null ? [] : [`${name} ${since(time - started)}`])
  const rate = bytesPerSecond === null || bytes < 1000 ? '' : ` · ${formatBytes(Math.round(bytesPerSecond))}/s`
  yield `${formatBytes(bytes)}${rate}${steps.length === 0 ? '' : ` · ${steps.join(', ')}`}`
}

function since(microseconds: number): string {
  return microseconds < 0 ? `${formatDuration(-microseconds / 1000)} before the command` : `after ${formatDuration(microseconds / 1000)}`
}

function* listingTable(entries: readonly FtpListingEntry[]): Generator<string> {
  const rows = entries.slice(0, mostEntries).map(({ type, size, modified, modifiedText, name }) => [
    printableLine(type ?? '?'), size === null ? '' : String(size),
    printableLine(modified === null ? modifiedText ?? '' : new Date(modified / 1000).toISOString().replace('T', ' ').replace('.000Z', 'Z')),
    printableLine(name),
  ] as const)
  const heading = ['type', 'size', 'modified', 'name'] as const
  const [type, size, modified] = [0, 1, 2].map((column) => Math.max(...[heading, ...rows].map((row) => widthOf(row[column]!)))) as [number, number, number]
  for (const [index, row] of [heading, ...rows].entries()) {
    const line = `${filled(row[0], type)}  ${row[1].padStart(size)}  ${filled(row[2], modified)}  ${row[3]}`
    yield index === 0 ? pc.dim(line) : line
  }
  if (entries.length > mostEntries) yield pc.dim(`[${entries.length - mostEntries} more; --json has them all]`)
}

function filled(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}
