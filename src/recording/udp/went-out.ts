import type { Recording } from '../recording.js'
import type { DnsQuery, UdpDatagram } from '../rows.js'

/** A datagram as it went out, as often as it did. */
export function wentOut(recording: Recording, { id, connectionId, changed, bytes }: UdpDatagram): Buffer[] {
  if (!changed) return [bytes]
  const sent = [...recording.segments({ where: `connection_id = ${connectionId} AND leg = 'sent' AND message_id = ${id}` })]
  return [...(sent.some(({ replaces }) => replaces !== 0) ? [] : [bytes]), ...sent.map((segment) => segment.bytes)]
}

/** The answer that a plugin gave to a query: no server's datagram stands for it. */
export function answerSupplied(recording: Recording, { connectionId, answerDatagramId, answered, dnsId }: DnsQuery): Buffer[] {
  if (answerDatagramId !== null || answered === null) return []
  const given = [...recording.segments({ where: `connection_id = ${connectionId} AND leg = 'sent' AND direction = 'down' AND message_id IS NULL AND time = ${answered}` })]
  return given.map(({ bytes }) => bytes).filter((bytes) => bytes.length > 1 && bytes.readUInt16BE(0) === dnsId)
}
