import { Readable } from 'node:stream'
import { colour as pc } from './colour.js'
import type { DnsAnswer, Recording } from '../index.js'
import type { NamedRecord } from '../recording/named-record.js'
import { decodeDns } from '../protocols/dns/message.js'
import { answerSupplied, wentOut } from '../recording/udp/went-out.js'
import { contentOf, datagramView, eventsOf, howSent, sentOf, sessionError } from './datagram-view.js'
import { printableLine } from './escape.js'
import type { ShownRecord } from './ftp/ftp-record.js'
import { formatDuration, formatTime } from './units.js'

/** A datagram or a DNS query as `show` shows it; null where the record is something else. */
export function udpRecord(recording: Recording, { id, kind }: NamedRecord): ShownRecord | null {
  if (kind === 'datagram') {
    return {
      lines: () => datagramView(recording, id),
      json: () => {
        const [datagram] = recording.datagrams({ where: `id = ${id}` })
        return { ...datagram!, bytes: datagram!.bytes.toString('base64') }
      },
      bytes: (_body, _raw, leg) => [bytesOf(recording, [id], leg)],
    }
  }
  if (kind !== 'query') return null
  return {
    lines: () => dnsQueryView(recording, id),
    json: () => ({ ...[...recording.dnsQueries({ where: `id = ${id}` })][0]!, records: recording.dnsAnswers(id) }),
    bytes: (body, _raw, leg) => {
      const [query] = recording.dnsQueries({ where: `id = ${id}` })
      const { datagramId, answerDatagramId } = query!
      const datagrams = [...(body === 'response' ? [] : [datagramId]), ...(body === 'request' || answerDatagramId === null ? [] : [answerDatagramId])]
      return [bytesOf(recording, datagrams, leg), ...(leg === 'received' || body === 'request' ? [] : [Readable.from(answerSupplied(recording, query!), { objectMode: false })])]
    },
  }
}

function bytesOf(recording: Recording, datagramIds: readonly number[], leg: 'received' | 'sent'): Readable {
  const datagrams = [...recording.datagrams({ where: `id IN (${datagramIds.join()})` })]
  return Readable.from(datagrams.flatMap((datagram) => leg === 'sent' ? wentOut(recording, datagram) : [datagram.bytes]), { objectMode: false })
}

/** A DNS query and what answered it, in the columns of dig. */
function* dnsQueryView(recording: Recording, id: number): Generator<string> {
  const [query] = recording.dnsQueries({ where: `id = ${id}` })
  if (query === undefined) return
  const { client, server, error } = recording.connection(query.connectionId)
  yield pc.dim([
    `DNS query ${id}`, formatTime(query.started),
    query.latencyMs === null ? 'not answered' : `answered ${query.answerDatagramId === null ? 'by a plugin ' : ''}after ${formatDuration(query.latencyMs)}`,
    `${client?.host ?? '?'}:${client?.port ?? '?'} → ${server === null ? '?' : `${server.host}:${server.port}`}`,
  ].join(' · '))
  if (query.error !== null) yield pc.red(printableLine(query.error))
  if (query.latencyMs === null) yield* sessionError(query.connectionId, error)
  const datagrams = [query.datagramId, ...(query.answerDatagramId === null ? [] : [query.answerDatagramId])]
  yield* eventsOf(recording, datagrams)
  yield `id ${query.dnsId}, ${query.opcode}${query.rcode === null ? '' : ` → ${query.rcode}`}${query.flags.length === 0 ? '' : `, flags ${query.flags.join(' ')}`}`
  yield ''
  yield printableLine(`${query.name ?? '?'}  ${query.class ?? ''} ${query.type ?? ''}`)
  yield* recordLines(recording.dnsAnswers(id))
  for (const datagramId of query.changed ? datagrams : []) {
    for (const segment of sentOf(recording, query.connectionId, datagramId)) {
      yield ''
      yield pc.yellow(`${datagramId === query.datagramId ? 'query' : 'answer'} ${howSent(segment)}`)
      if (segment.bytes.length > 0 && segment.replaces !== 0) yield* messageLines(segment.bytes)
    }
  }
}

function* messageLines(bytes: Buffer): Generator<string> {
  let message
  try {
    message = decodeDns(bytes)
  } catch {
    yield* contentOf(bytes)
    return
  }
  const [question] = message.questions
  yield printableLine(`${question?.name ?? '?'}  ${question?.class ?? ''} ${question?.type ?? ''}${message.response ? ` → ${message.rcode}` : ''}`)
  yield* recordLines(message.records)
}

function* recordLines(records: readonly DnsAnswer[]): Generator<string> {
  for (const { section, name, type, class: klass, ttl, data } of records) {
    yield printableLine(`  ${section.padEnd(10)} ${name}  ${ttl ?? ''} ${klass ?? ''} ${type}  ${data}`.replaceAll(/ {3,}/g, '  '))
  }
}
