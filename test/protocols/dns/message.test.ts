import packet from 'dns-packet'
import type { Answer, Question } from 'dns-packet'
import test from 'ava'
import fc from 'fast-check'
import { decodeDns, looksLikeDns } from '../../../src/protocols/dns/message.js'
import { question } from '../../real/dns-server.js'

/** @returns the message, or the words of the Error; anything else that is thrown fails the test. */
function read(bytes: Buffer): ReturnType<typeof decodeDns> | string {
  try {
    return decodeDns(bytes)
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.message === '') throw new Error(`not an Error with a message: ${String(thrown)}`, { cause: thrown })
    return thrown.message
  }
}

const name = fc.array(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'))
const asked: fc.Arbitrary<Question> = fc.record({ name, type: fc.constantFrom('A', 'AAAA', 'MX', 'TXT', 'SRV', 'NS'), class: fc.constant('IN') })
const common = { name, ttl: fc.nat(2 ** 31 - 1), class: fc.constant('IN' as const) }
const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ ...common, type: fc.constant('A' as const), data: fc.ipV4() }),
  fc.record({ ...common, type: fc.constantFrom('CNAME' as const, 'NS' as const, 'PTR' as const), data: name }),
  fc.record({ ...common, type: fc.constant('TXT' as const), data: fc.stringMatching(/^[ -~]{0,100}$/) }),
  fc.record({ ...common, type: fc.constant('MX' as const), data: fc.record({ preference: fc.nat(65535), exchange: name }) }),
)
const message = fc.record({
  id: fc.nat(65535), type: fc.constantFrom('query' as const, 'response' as const), questions: fc.array(asked, { minLength: 1, maxLength: 1 }),
  answers: fc.array(answer, { maxLength: 6 }), authorities: fc.array(answer, { maxLength: 2 }), additionals: fc.array(answer, { maxLength: 2 }),
})

test('what dns-packet writes is read back', (t) => {
  fc.assert(fc.property(message, (written) => {
    const got = decodeDns(packet.encode(written))
    t.is(got.id, written.id)
    t.is(got.response, written.type === 'response')
    t.deepEqual(got.questions.map(({ name, type }) => [name, type]), written.questions.map(({ name, type }) => [name, type]))
    const sections = { answer: written.answers, authority: written.authorities, additional: written.additionals }
    for (const [section, records] of Object.entries(sections)) {
      t.deepEqual(got.records.filter((record) => record.section === section).map(({ name, type, ttl }) => [name, type, ttl]),
        records.map((record) => [record.name, record.type, (record as { ttl: number }).ttl]))
    }
  }))
})

test('every query that dns-packet writes looks like DNS', (t) => {
  fc.assert(fc.property(fc.nat(65535), asked, (id, one) => {
    t.true(looksLikeDns(packet.encode({ id, type: 'query', questions: [one] })))
  }))
})

test('arbitrary bytes are read or refused in words', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
    t.not(read(Buffer.from(bytes)), '')
    t.is(typeof looksLikeDns(Buffer.from(bytes)), 'boolean')
  }), { numRuns: 3000 })
})

test('messages with changed bytes and cut ends are read or refused in words', (t) => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 })
  fc.assert(fc.property(message, changes, fc.nat(100), (written, changed, cut) => {
    const whole = packet.encode(written)
    const bytes = Buffer.from(whole.subarray(0, Math.max(0, whole.length - (cut > 50 ? 0 : cut))))
    for (const [place, byte] of changed) if (bytes.length > 0) bytes[place % bytes.length] = byte
    t.not(read(bytes), '')
    t.is(typeof looksLikeDns(bytes), 'boolean')
  }), { numRuns: 3000 })
})

test('a message cut anywhere is refused, not read in part', (t) => {
  fc.assert(fc.property(message, fc.nat(), (written, at) => {
    const whole = packet.encode(written)
    t.is(typeof read(whole.subarray(0, at % whole.length)), 'string')
  }))
})

/** Unknown data that is nothing but pointers, each to the one before, and after it names that begin at the last. */
function chained(size: number, links: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeUInt16BE(0x8000, 2)
  bytes.writeUInt16BE(65280, 13)
  bytes.writeUInt16BE(2 * links, 21)
  let last = 22
  for (let link = 1; link < links; link++) {
    bytes.writeUInt16BE(0xc000 | (link === 1 ? 12 : last), 21 + 2 * link)
    last = 21 + 2 * link
  }
  let records = 1
  let at = 23 + 2 * links
  for (; at + 12 <= size; at += 12, records++) {
    bytes.writeUInt16BE(0xc000 | last, at)
    bytes.writeUInt16BE(65280, at + 2)
  }
  bytes.writeUInt16BE(records, 6)
  return bytes.subarray(0, at)
}

test('chains of compression pointers are refused where they are long, and followed where they are not', (t) => {
  t.throws(() => decodeDns(chained(65_507, 8000)), { message: /more than 64 compression pointers in a row/ })
  t.throws(() => decodeDns(chained(2000, 200)), { message: /more than 64 compression pointers in a row/ })
  t.true(decodeDns(chained(2000, 30)).records.length > 100)
})

test('types without a name, and data without a form, are written by number and in hex', (t) => {
  const bytes = packet.encode({ type: 'response', answers: [{ name: 'x', type: 'UNKNOWN_65' as never, class: 'IN', ttl: 1, data: Buffer.from([0, 255]) as never }] })
  const [record] = decodeDns(bytes).records
  t.like(record, { name: 'x', type: 'TYPE65', class: 'IN', data: '\\# 2 00ff' })
})

test('a multicast question for a unicast answer is of class IN', (t) => {
  const bytes = question(0, 'printer.local')
  bytes.writeUInt16BE(0x8001, bytes.length - 2)
  t.is(decodeDns(bytes).questions[0]!.class, 'IN')
  t.true(looksLikeDns(bytes))
})
