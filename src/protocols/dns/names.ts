import { isUtf8 } from 'node:buffer'
import type { Answer, DecodedPacket } from 'dns-packet'

/*
 * dns-packet joins the labels of a name by dots and reads each as UTF-8: a label with a dot in it becomes two, and other bytes are lost. Where a
 * message has such names, they are read anew from its bytes, as zone files write them (RFC 1035 §5.1): `a\.b`, `\255`.
 */

/** Of a name that was read as text: it is as zone files write it, unless a label has a dot. */
const plain = /^[!#%&'*+,\-./0-9:<=>?A-Z[\]^_`a-z{|}~\u0080-\ufffc\ufffe-\u{10ffff}]*$/u

/** Of types whose data has names: where the first of them is, and what dns-packet calls them; null is the data itself. They stand one after another. */
const namesInData: Readonly<Record<string, { readonly at: (bytes: Buffer, start: number) => number, readonly fields: readonly (string | null)[] }>> = {
  CNAME: { at: (_, start) => start, fields: [null] },
  DNAME: { at: (_, start) => start, fields: [null] },
  NS: { at: (_, start) => start, fields: [null] },
  PTR: { at: (_, start) => start, fields: [null] },
  MX: { at: (_, start) => start + 2, fields: ['exchange'] },
  SRV: { at: (_, start) => start + 6, fields: ['target'] },
  SOA: { at: (_, start) => start, fields: ['mname', 'rname'] },
  RP: { at: (_, start) => start, fields: ['mbox', 'txt'] },
  NSEC: { at: (_, start) => start, fields: ['nextDomain'] },
  RRSIG: { at: (_, start) => start + 18, fields: ['signersName'] },
  // Three texts come before it.
  NAPTR: { at: (bytes, start) => [1, 2, 3].reduce((at) => at + 1 + (bytes[at] ?? 0), start + 4), fields: ['replacement'] },
}

/** dns-packet escapes the dots in their labels itself. */
const mailboxes: ReadonlySet<string> = new Set(['rname', 'mbox'])

/** Puts exact names into what dns-packet read from these bytes. */
export function withExactNames(read: DecodedPacket, bytes: Buffer): DecodedPacket {
  if (!bytes.includes(0x2e) && isPlain(read)) return read
  const walk = { at: 12, lost: false }
  const questions = (read.questions ?? []).map((question) => {
    const name = nextName(bytes, walk, question.name)
    walk.at += 4
    return { ...question, name }
  })
  const exact = (records: readonly Answer[] | undefined): Answer[] => (records ?? []).map((record) => exactRecord(record, bytes, walk))
  return { ...read, questions, answers: exact(read.answers), authorities: exact(read.authorities), additionals: exact(read.additionals) }
}

function exactRecord(record: Answer, bytes: Buffer, walk: Walk): Answer {
  const name = nextName(bytes, walk, record.name)
  const data = walk.at + 10
  if (walk.lost || data > bytes.length) return record
  walk.at = data + bytes.readUInt16BE(data - 2)
  return { ...withExactData(record, bytes, data), name }
}

function withExactData(record: Answer, bytes: Buffer, start: number): Answer {
  const names = namesInData[record.type]
  if (names === undefined || !('data' in record)) return record
  const inside = { at: names.at(bytes, start), lost: false }
  let data: unknown = record.data
  for (const field of names.fields) {
    if (field === null) data = nextName(bytes, inside, data as string)
    else data = { ...data as object, [field]: nextName(bytes, inside, (data as Record<string, string>)[field]!, mailboxes.has(field)) }
  }
  return { ...record, data } as Answer
}

/** Where reading has got to in the message. */
interface Walk {
  at: number
  /** The names there aren't those that dns-packet read: lengths that contradict each other. Its own are kept from there on. */
  lost: boolean
}

/** @param known as dns-packet read it. */
function nextName(bytes: Buffer, walk: Walk, known: string, mailbox = false): string {
  const labels = walk.lost ? null : labelsAt(bytes, walk)
  if (labels === null || nameOf(labels, (label) => mailbox ? label.toString().replaceAll('.', '\\.') : label.toString()) !== known) {
    walk.lost = true
    return known
  }
  return nameOf(labels, written)
}

function nameOf(labels: readonly Buffer[], text: (label: Buffer) => string): string {
  return labels.length === 0 ? '.' : labels.map(text).join('.')
}

/** The labels of the name that begins here; the walk goes on behind it. Null where there is none. */
function labelsAt(bytes: Buffer, walk: Walk): Buffer[] | null {
  const labels: Buffer[] = []
  let at = walk.at
  let end: number | null = null
  // Pointers lead back (RFC 1035 §4.1.4), each to before the one that led there.
  let before = at
  for (let length = 0; length < 256;) {
    const label = bytes[at]
    if (label === undefined) return null
    if (label === 0) {
      walk.at = end ?? at + 1
      return labels
    }
    if (label >= 0xc0) {
      if (at + 1 >= bytes.length) return null
      const target = bytes.readUInt16BE(at) & 0x3fff
      if (target >= before) return null
      end ??= at + 2
      at = before = target
    } else {
      if (label > 63 || at + label >= bytes.length) return null
      labels.push(bytes.subarray(at + 1, at + 1 + label))
      at += label + 1
      length += label + 1
    }
  }
  return null
}

/** A label as zone files write it: what has a meaning there, isn't printable or isn't UTF-8 is escaped. */
function written(label: Buffer): string {
  return isUtf8(label) ? label.toString().replaceAll(/[^!#%&'*+,\-/0-9:<=>?A-Z[\]^_`a-z{|}~\u0080-\u{10ffff}]/gu, escaped)
    : label.toString('latin1').replaceAll(/[^!#%&'*+,\-/0-9:<=>?A-Z[\]^_`a-z{|}~]/g, escaped)
}

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  return code > 0x20 && code < 0x7f ? `\\${character}` : `\\${String(code).padStart(3, '0')}`
}

function isPlain({ questions, answers, authorities, additionals }: DecodedPacket): boolean {
  return [...questions ?? [], ...answers ?? [], ...authorities ?? [], ...additionals ?? []].every((one) => plain.test(one.name) && isPlainData(one as Answer))
}

function isPlainData(record: Answer): boolean {
  const fields = namesInData[record.type]?.fields
  if (fields === undefined || !('data' in record)) return true
  const data: unknown = record.data
  return fields.every((field) => plain.test(field === null ? data as string : (data as Record<string, string>)[field]!))
}
