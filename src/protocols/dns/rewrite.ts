import packet from 'dns-packet'
import type { Answer, DecodedPacket, Packet } from 'dns-packet'
import { decodeDns } from './message.js'

/** A record with its data as dns-packet has it for the type. */
export interface DnsData {
  readonly name: string
  readonly type: string
  readonly ttl?: number
  readonly class?: string
  readonly data: unknown
}

export interface DnsQuestionText {
  readonly name: string
  readonly type: string
}

export interface DnsResult {
  /** NOERROR where absent. */
  readonly rcode?: string
  readonly answers?: readonly DnsData[]
}

/** What of a message can be written anew, with names as dns-packet reads and writes them: labels joined by dots. */
export interface RewritableDns extends DnsQuestionText {
  readonly id: number
  readonly response: boolean
  readonly rcode: string
  readonly answers: readonly DnsData[]
}

const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET', 'NOTAUTH', 'NOTZONE']

/** What a responder without needs of its own says that it takes (DNS Flag Day 2020). */
const ownPayloadSize = 1232

const headerLength = 12

/** @returns null for a message that isn't a plain query with one question, or the answer to one. @throws Error as `decodeDns` does. */
export function readRewritable(bytes: Buffer): RewritableDns | null {
  const { id, response, opcode, rcode, questions: [question, ...others] } = decodeDns(bytes)
  if (opcode !== 'QUERY' || question === undefined || others.length > 0) return null
  const read = packet.decode(bytes)
  const answers = response ? (read.answers ?? []).map((answer) => Object.freeze({ ...answer, type: toText(answer.type) })) as DnsData[] : []
  return { id, response, rcode, answers, name: read.questions![0]!.name, type: question.type }
}

/** The same query with another question. @throws Error, in words, where it can't be asked. */
export function withQuestion(bytes: Buffer, { name, type }: DnsQuestionText): Buffer {
  const read = packet.decode(bytes)
  const written = encode({ ...read, questions: [{ ...read.questions![0]!, name, type: toWire(type) as never }] })
  return checked(keepClass(bytes, written), { name, type })
}

/** An answer to another question than was asked, as the answer to that: its question, and the records of that name. @throws Error */
export function asAnswerTo(bytes: Buffer, { name, type }: DnsQuestionText): Buffer {
  const read = packet.decode(bytes)
  const other = read.questions![0]!.name.toLowerCase()
  const written = encode({
    ...read, questions: [{ ...read.questions![0]!, name, type: toWire(type) as never }],
    answers: (read.answers ?? []).map((answer) => answer.name.toLowerCase() === other ? { ...answer, name } : answer),
  })
  return checked(keepClass(bytes, written), { name, type })
}

/** The same answer with another result. @throws Error, in words, where that can't be written. */
export function withResult(bytes: Buffer, { rcode = 'NOERROR', answers = [] }: DnsResult): Buffer {
  const read = packet.decode(bytes)
  const written = encode({ ...read, flags: (read.flags ?? 0) & ~15 | numberOf(rcode), answers: answers.map(toAnswer) })
  return checked(keepClass(bytes, written), null, answers)
}

/** An answer to a query. @throws Error, in words, where that can't be written. */
export function answerTo(query: Buffer, { rcode = 'NOERROR', answers = [] }: DnsResult): Buffer {
  const read = packet.decode(query)
  const written = encode({
    id: query.readUInt16BE(0), type: 'response',
    flags: (read.flag_rd ? packet.RECURSION_DESIRED : 0) | packet.RECURSION_AVAILABLE | numberOf(rcode),
    questions: read.questions ?? [], additionals: optOf(read),
    answers: answers.map((answer) => toAnswer({ class: read.questions?.[0]?.class ?? 'IN', ...answer })),
  })
  return checked(keepClass(query, written), null, answers)
}

/** A query that speaks EDNS is answered in it (RFC 6891 §6.1.1). */
function optOf({ additionals }: DecodedPacket): Answer[] {
  if (additionals?.some(({ type }) => type === 'OPT') !== true) return []
  return [{ type: 'OPT', name: '.', udpPayloadSize: ownPayloadSize, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }]
}

function encode(message: Packet): Buffer {
  try {
    return packet.encode(message)
  } catch (cause) {
    throw new Error(`that cannot be written as DNS: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** dns-packet writes what it doesn't know as something else, and says nothing. */
function checked(bytes: Buffer, question: DnsQuestionText | null, answers: readonly DnsData[] = []): Buffer {
  const { questions: [asked], records } = decodeDns(bytes)
  const { questions, answers: all } = packet.decode(bytes)
  if (question !== null && (asked?.type !== question.type || questions?.[0]?.name !== question.name)) {
    throw new Error(`no question can be asked for ${JSON.stringify(question.name)}, type ${JSON.stringify(question.type)}`)
  }
  const written = records.filter(({ section }) => section === 'answer')
  for (const [place, { name, type, data }] of answers.entries()) {
    const record = written[place]
    if (record?.type !== type || all?.[place]?.name !== name || (type === 'A' && record.data !== data)) throw new Error(`no record can be written for ${JSON.stringify(name)}, type ${JSON.stringify(type)}, with the data that it was given`)
  }
  return bytes
}

/** Classes that dns-packet has no name for, such as multicast's with its top bit, would be lost. */
function keepClass(from: Buffer, to: Buffer): Buffer {
  to.writeUInt16BE(from.readUInt16BE(afterName(from) + 2), afterName(to) + 2)
  return to
}

function afterName(bytes: Buffer): number {
  let at = headerLength
  for (let label = bytes[at]!; label !== 0; label = bytes[at]!) {
    if (label >= 0xc0) return at + 2
    at += label + 1
  }
  return at + 1
}

function toAnswer({ name, type, ttl = 0, class: klass = 'IN', data, ...rest }: DnsData): Answer {
  return { ...rest, name, type: toWire(type), ttl, class: klass, data } as unknown as Answer
}

function toWire(type: string): string {
  return type.replace(/^TYPE(?=\d+$)/, 'UNKNOWN_')
}

function toText(type: string): string {
  return type.replace('UNKNOWN_', 'TYPE')
}

function numberOf(rcode: string): number {
  const number = /^RCODE_1[1-5]$/.test(rcode) ? Number(rcode.slice(6)) : rcodes.indexOf(rcode)
  if (number < 0) throw new Error(`there is no rcode ${JSON.stringify(rcode)}; there are ${rcodes.join(', ')}`)
  return number
}
