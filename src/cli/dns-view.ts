import pc from 'picocolors'
import type { Recording, UdpDatagram } from '../index.js'
import { readText } from '../protocols/content/text.js'
import { printableLine, printableText } from './escape.js'
import { hexDump } from './hex-dump.js'
import { formatBytes, formatDuration, formatTime } from './units.js'

/** A DNS query and what answered it, in the columns of dig. */
export function* dnsQueryView(recording: Recording, id: number): Generator<string> {
  const [query] = recording.dnsQueries({ where: `id = ${id}` })
  if (query === undefined) return
  const { client, server } = recording.connection(query.connectionId)
  yield pc.dim([
    `DNS query ${id}`, formatTime(query.started),
    query.latencyMs === null ? 'not answered' : `answered after ${formatDuration(query.latencyMs)}`,
    `${client?.host ?? '?'}:${client?.port ?? '?'} → ${server === null ? '?' : `${server.host}:${server.port}`}`,
  ].join(' · '))
  if (query.error !== null) yield pc.red(printableLine(query.error))
  yield `id ${query.dnsId}, ${query.opcode}${query.rcode === null ? '' : ` → ${query.rcode}`}${query.flags.length === 0 ? '' : `, flags ${query.flags.join(' ')}`}`
  yield ''
  yield printableLine(`${query.name ?? '?'}  ${query.class ?? ''} ${query.type ?? ''}`)
  for (const { section, name, type, class: klass, ttl, data } of recording.dnsAnswers(id)) {
    yield printableLine(`  ${section.padEnd(10)} ${name}  ${ttl ?? ''} ${klass ?? ''} ${type}  ${data}`.replaceAll(/ {3,}/g, '  '))
  }
}

/** One datagram: text where it is that, else a hex dump. */
export function* datagramView(recording: Recording, id: number): Generator<string> {
  const [datagram] = recording.datagrams({ where: `id = ${id}` })
  if (datagram === undefined) return
  const { client, server } = recording.connection(datagram.connectionId)
  const ends = [client, server].map((end) => end === null ? '?' : `${end.host}:${end.port}`)
  yield pc.dim([
    `datagram ${id}`, formatTime(datagram.time), formatBytes(datagram.size), (datagram.direction === 'up' ? ends : ends.toReversed()).join(' → '),
    `session ${datagram.connectionId}`,
  ].join(' · '))
  yield* contentOf(datagram)
}

function* contentOf({ bytes }: UdpDatagram): Generator<string> {
  if (bytes.length === 0) {
    yield pc.dim('[empty]')
    return
  }
  const text = readText(bytes, null, false)
  if (text !== null) yield printableText(text.text).replace(/\n$/, '')
  else yield* hexDump(bytes)
}
