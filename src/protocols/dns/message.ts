import packet from 'dns-packet'
import { withExactNames } from './names.js'
import { longestUnchecked, refuseLongChains } from './pointer-chains.js'
import { present } from './present.js'

export interface DnsQuestion {
  /** As zone files write it, without the final dot. */
  readonly name: string
  readonly type: string
  readonly class: string
}

export interface DnsRecord {
  readonly section: 'answer' | 'authority' | 'additional'
  readonly name: string
  readonly type: string
  readonly class: string | null
  /** Seconds. */
  readonly ttl: number | null
  /** As zone files write it, names without the final dot: `192.0.2.1`, `10 mail.example`, `"a text"`. */
  readonly data: string
}

export interface DnsMessage {
  readonly id: number
  readonly response: boolean
  readonly opcode: string
  readonly rcode: string
  /** Of `aa`, `tc`, `rd`, `ra`, `ad`, `cd`: those that are set. */
  readonly flags: readonly string[]
  readonly questions: readonly DnsQuestion[]
  readonly records: readonly DnsRecord[]
}

const headerLength = 12

/** No datagram has room for more entries than this: each takes five bytes at least. */
const mostEntries = 65_535 / 5

/**
 * Reads one DNS message (RFC 1035 §4.1).
 * @throws Error, in words, where it isn't one: cut, or with lengths or compression pointers that lead nowhere.
 */
export function decodeDns(bytes: Buffer): DnsMessage {
  if (bytes.length < headerLength) throw new Error(`a DNS message has at least ${headerLength} bytes, this has ${bytes.length}`)
  let entries = 0
  for (let at = 4; at < headerLength; at += 2) entries += bytes.readUInt16BE(at)
  if (entries > mostEntries || entries * 5 > bytes.length) {
    throw new Error(`the header counts ${entries} entries, more than ${bytes.length} bytes can hold`)
  }
  if (bytes.length > longestUnchecked) refuseLongChains(bytes)
  let read: packet.DecodedPacket & { rcode?: string, opcode?: string }
  try {
    read = packet.decode(bytes)
  } catch (cause) {
    throw new Error(`not readable as DNS: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!(packet.decode.bytes <= bytes.length)) throw new Error(`not readable as DNS: it ends within a record, at ${bytes.length} bytes`)
  read = withExactNames(read, bytes)
  return {
    id: bytes.readUInt16BE(0), response: read.type === 'response',
    opcode: read.opcode ?? 'QUERY', rcode: read.rcode ?? 'NOERROR', flags: flagsOf(bytes.readUInt16BE(2)),
    questions: (read.questions ?? []).map(({ name, type, class: klass }) => ({ name, type: typeName(type), class: className(klass ?? 'IN') })),
    records: [
      ...(read.answers ?? []).map((record) => recordOf('answer', record)),
      ...(read.authorities ?? []).map((record) => recordOf('authority', record)),
      ...(read.additionals ?? []).map((record) => recordOf('additional', record)),
    ],
  }
}

/**
 * Whether bytes on any port look like DNS: a known opcode, a question or an answer, no more entries than fit, and a
 * first name of sane labels. Checked before decoding, so that other traffic isn't taken for a broken message.
 */
export function looksLikeDns(bytes: Buffer): boolean {
  if (bytes.length < headerLength + 5) return false
  const flags = bytes.readUInt16BE(2)
  const opcode = (flags >> 11) & 15
  const questions = bytes.readUInt16BE(4)
  if (opcode > 5 || opcode === 3 || (flags & 0x40) !== 0 || questions !== 1) return false
  if ((flags & 0x8000) === 0 && ((flags & 15) !== 0 || bytes.readUInt16BE(6) !== 0)) return false
  let at = headerLength
  for (let label = bytes[at]!; label !== 0; label = bytes[at]!) {
    if (label > 63 || at + label + 1 >= bytes.length) return false
    at += label + 1
  }
  if (at + 5 > bytes.length) return false
  const klass = bytes.readUInt16BE(at + 3) & 0x7fff
  return bytes.readUInt16BE(at + 1) !== 0 && (klass >= 1 && klass <= 4 || klass === 254 || klass === 255)
}

function flagsOf(word: number): string[] {
  return ([['aa', 0x400], ['tc', 0x200], ['rd', 0x100], ['ra', 0x80], ['ad', 0x20], ['cd', 0x10]] as const)
    .filter(([, bit]) => (word & bit) !== 0).map(([name]) => name)
}

function recordOf(section: DnsRecord['section'], record: packet.Answer): DnsRecord {
  const { name, type } = record
  const { class: klass, ttl, data } = record as { class?: string | number, ttl?: number, data?: unknown }
  // An OPT record's class and TTL are sizes and flags of EDNS (RFC 6891 §6.1.2).
  if (type === 'OPT') return { section, name, type, class: null, ttl: null, data: `udp ${record.udpPayloadSize}` }
  return {
    section, name, type: typeName(type), class: klass === undefined ? null : className(String(klass)), ttl: ttl ?? null,
    data: present(type, data),
  }
}

/** Types that have no name here are written as RFC 3597 §5 does. */
function typeName(type: string): string {
  return type.replace('UNKNOWN_', 'TYPE')
}

/** The top bit is multicast DNS's: "answer me alone" (RFC 6762 §5.4). */
function className(klass: string): string {
  const number = Number(/^UNKNOWN_(\d+)$/.exec(klass)?.[1] ?? NaN)
  return Number.isNaN(number) ? klass : number === 0x8001 ? 'IN' : `CLASS${number}`
}
