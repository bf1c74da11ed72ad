import { Readable } from 'node:stream'
import { colour as pc } from './colour.js'
import type { Recording, TimelineRecord, UdpDatagram } from '../index.js'
import { readText } from '../protocols/content/text.js'
import { printableLine, printableText } from './escape.js'
import type { ShownRecord } from './ftp/ftp-record.js'
import { hexDump } from './hex-dump.js'
import { formatBytes, formatDuration, formatTime } from './units.js'

/** A datagram or a DNS query as `show` shows it; null where the record is something else. */
export function udpRecord(recording: Recording, { id, kind }: TimelineRecord): ShownRecord | null {
  if (kind === 'datagram') {
    return {
      lines: () => datagramView(recording, id),
      json: () => {
        const [datagram] = recording.datagrams({ where: `id = ${id}` })
        return { ...datagram!, bytes: datagram!.bytes.toString('base64') }
      },
      bytes: () => [bytesOf(recording, [id])],
    }
  }
  if (kind !== 'query') return null
  return {
    lines: () => dnsQueryView(recording, id),
    json: () => ({ ...[...recording.dnsQueries({ where: `id = ${id}` })][0]!, records: recording.dnsAnswers(id) }),
    bytes: (body) => {
      const [query] = recording.dnsQueries({ where: `id = ${id}` })
      const { datagramId, answerDatagramId } = query!
      return [bytesOf(recording, [...(body === 'response' ? [] : [datagramId]), ...(body === 'request' || answerDatagramId === null ? [] : [answerDatagramId])])]
    },
  }
}

function bytesOf(recording: Recording, datagramIds: readonly number[]): Readable {
  return Readable.from([...recording.datagrams({ where: `id IN (${datagramIds.join()})` })].map(({ bytes }) => bytes), { objectMode: false })
}

/** A DNS query and what answered it, in the columns of dig. */
function* dnsQueryView(recording: Recording, id: number): Generator<string> {
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
function* datagramView(recording: Recording, id: number): Generator<string> {
  const [datagram] = recording.datagrams({ where: `id = ${id}` })
  if (datagram === undefined) return
  const { client, server } = recording.connection(datagram.connectionId)
  const ends = [client, server].map((end) => end === null ? '?' : `${end.host}:${end.port}`)
  yield pc.dim([
    `datagram ${id}`, formatTime(datagram.time), formatBytes(datagram.size), (datagram.direction === 'up' ? ends : ends.toReversed()).join(' → '),
    `session ${datagram.connectionId}`,
  ].join(' · '))
  for (const { kind, text } of recording.events({ where: `message_id = ${id}` })) yield pc.red(printableLine(`${kind}: ${text}`))
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
