import packet from 'dns-packet'
import type { Answer, DecodedPacket, Packet } from 'dns-packet'
import type { ExecutionContext } from 'ava'
import { datagramPeer } from './datagram-peer.js'
import type { DatagramPeer } from './datagram-peer.js'

const nameError = 3
const authoritative = packet.AUTHORITATIVE_ANSWER | packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE

const zone: readonly Answer[] = [
  { name: 'www.example', type: 'A', class: 'IN', ttl: 300, data: '192.0.2.1' },
  { name: 'www.example', type: 'A', class: 'IN', ttl: 300, data: '192.0.2.2' },
  { name: 'www.example', type: 'AAAA', class: 'IN', ttl: 60, data: '2001:db8::1' },
  { name: 'alias.example', type: 'CNAME', class: 'IN', ttl: 5, data: 'www.example' },
  { name: 'example', type: 'MX', class: 'IN', ttl: 600, data: { preference: 10, exchange: 'mail.example' } },
  { name: 'example', type: 'TXT', class: 'IN', ttl: 0, data: ['two', 'parts'] },
  { name: '_ftp._tcp.example', type: 'SRV', class: 'IN', ttl: 1, data: { priority: 1, weight: 2, port: 21, target: 'ftp.example' } },
]

/** A small name server on dns-packet: a few names, NXDOMAIN for others, and for `silent.*` nothing at all. */
export async function dnsServer(t: ExecutionContext, host = '127.0.0.1'): Promise<DatagramPeer> {
  const server = await datagramPeer(t, host)
  server.socket.on('message', (bytes, from) => {
    const answer = answerTo(packet.decode(bytes))
    if (answer !== null) server.socket.send(packet.encode(answer), from.port, from.address)
  })
  return server
}

/** The question's own spelling is kept, as 0x20 wants it. */
export function answerTo({ id, questions }: DecodedPacket): Packet | null {
  const [question] = questions ?? []
  if (question === undefined || question.name.startsWith('silent.')) return null
  const called = zone.filter(({ name }) => name === question.name.toLowerCase())
  const answers = called.filter(({ type }) => type === question.type || type === 'CNAME')
  return {
    id, type: 'response', flags: authoritative | (called.length === 0 ? nameError : 0), questions: [question],
    answers: answers.map((answer) => ({ ...answer, name: question.name })),
  }
}

export function question(id: number, name: string, type: 'A' | 'AAAA' | 'MX' | 'TXT' | 'SRV' | 'CNAME' = 'A'): Buffer {
  return packet.encode({ id, type: 'query', flags: packet.RECURSION_DESIRED, questions: [{ name, type, class: 'IN' }] })
}
