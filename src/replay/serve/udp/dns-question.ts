import { decodeDns, looksLikeDns } from '../../../protocols/dns/message.js'

const headerLength = 12

/** What a DNS query asks, as recorded queries are known by it. */
export interface DnsAsked {
  readonly key: string
  /** For people: `www.example A`. Has what the wire had. */
  readonly text: string
}

/** @returns null for what isn't a DNS query. */
export function readDnsAsked(bytes: Buffer): DnsAsked | null {
  if (!looksLikeDns(bytes)) return null
  try {
    const { response, opcode, questions: [question] } = decodeDns(bytes)
    return response || question === undefined ? null : dnsAsked({ opcode, ...question })
  } catch {
    return null
  }
}

/** Names are the same in any case (RFC 4343). */
export function dnsAsked({ opcode, name, type, class: klass }: { opcode: string, name: string | null, type: string | null, class: string | null }): DnsAsked {
  const text = `${name ?? 'no name'} ${type ?? ''}${klass === 'IN' || klass === null ? '' : ` ${klass}`}${opcode === 'QUERY' ? '' : ` (${opcode})`}`
  return { key: `${opcode} ${type} ${klass} ${name?.toLowerCase()}`, text }
}

/**
 * A recorded answer for whoever asks now: with the query's id (RFC 1035 §4.1.1), and the question in the case in which it was asked, which
 * resolvers check (draft-vixie-dnsext-dns0x20).
 */
export function asAnswerFor(query: Buffer, recorded: Buffer): Buffer {
  const answer = Buffer.from(recorded)
  if (answer.length < headerLength) return answer
  query.copy(answer, 0, 0, 2)
  const end = endOfName(query)
  if (end !== null && answer.readUInt16BE(4) > 0 && lowerCased(answer.subarray(headerLength, end)).equals(lowerCased(query.subarray(headerLength, end)))) {
    query.copy(answer, headerLength, headerLength, end)
  }
  return answer
}

/** Of the question's name; null where it isn't plain labels. */
function endOfName(bytes: Buffer): number | null {
  for (let at = headerLength; at < bytes.length;) {
    const label = bytes[at]!
    if (label === 0) return at + 1
    if (label > 63) return null
    at += label + 1
  }
  return null
}

/** ASCII letters alone: a label's length is below them. */
function lowerCased(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte))
}
