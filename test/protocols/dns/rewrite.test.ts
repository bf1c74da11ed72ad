import packet from 'dns-packet'
import test from 'ava'
import { decodeDns } from '../../../src/protocols/dns/message.js'
import { answerTo, asAnswerTo, readRewritable, withQuestion, withResult } from '../../../src/protocols/dns/rewrite.js'
import { question } from '../../real/dns-server.js'

const answers = [{ name: 'www.example', type: 'A', class: 'IN', ttl: 300, data: '192.0.2.1' }] as const

test('another question keeps id, flags, class and EDNS', (t) => {
  const asked = packet.encode({
    id: 4711, type: 'query', flags: packet.RECURSION_DESIRED | packet.CHECKING_DISABLED, questions: [{ name: 'a.example', type: 'A' }],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1400, extendedRcode: 0, ednsVersion: 0, flags: packet.DNSSEC_OK, flag_do: true, options: [{ code: 10, data: Buffer.from('cookies!') }] as never }],
  })
  const written = withQuestion(asked, { name: 'longer.b.example', type: 'AAAA' })
  t.deepEqual(written, packet.encode({ ...packet.decode(asked), questions: [{ name: 'longer.b.example', type: 'AAAA', class: 'IN' }] }))
  t.like(decodeDns(written), { id: 4711, flags: ['rd', 'cd'], questions: [{ name: 'longer.b.example', type: 'AAAA', class: 'IN' }] })
})

test('a class that has no name is kept, multicast\'s "answer me alone" too', (t) => {
  const bytes = question(0, 'printer.local')
  bytes.writeUInt16BE(0x8001, bytes.length - 2)
  const written = withQuestion(bytes, { name: 'x.local', type: 'TYPE65400' })
  t.is(written.readUInt16BE(written.length - 2), 0x8001)
  t.is(written.readUInt16BE(written.length - 4), 65400)
})

test('another result keeps the other sections and the flags', (t) => {
  const given = packet.encode({
    id: 1, type: 'response', flags: packet.AUTHORITATIVE_ANSWER, questions: [{ name: 'www.example', type: 'A' }], answers: [...answers],
    authorities: [{ name: 'example', type: 'NS', ttl: 9, data: 'ns.example' }],
  })
  const read = readRewritable(given)
  t.like(read, { response: true, rcode: 'NOERROR', name: 'www.example', type: 'A' })
  t.like(decodeDns(withResult(given, { rcode: 'REFUSED', answers: read!.answers })), { rcode: 'REFUSED', flags: ['aa'] })
  t.deepEqual(decodeDns(withResult(given, read!)), decodeDns(given))
  t.deepEqual(decodeDns(withResult(given, { answers: [] })).records.map(({ section, data }) => [section, data]), [['authority', 'ns.example']])
})

test('an answer to another question becomes one to this', (t) => {
  const given = packet.encode({ id: 1, type: 'response', questions: [{ name: 'www.example', type: 'A' }], answers: [...answers] })
  const { questions, records } = decodeDns(asAnswerTo(given, { name: 'old.example', type: 'A' }))
  t.deepEqual([questions[0]!.name, records[0]!.name, records[0]!.data], ['old.example', 'old.example', '192.0.2.1'])
})

test('an answer of one\'s own has the question, and EDNS where it was asked for', (t) => {
  const plain = decodeDns(answerTo(question(7, 'www.example'), { answers }))
  t.like(plain, { id: 7, response: true, rcode: 'NOERROR', flags: ['rd', 'ra'] })
  t.deepEqual(plain.records.map(({ type, data }) => [type, data]), [['A', '192.0.2.1']])
})

test('what is no plain query or its answer can\'t be rewritten', (t) => {
  t.is(readRewritable(packet.encode({ type: 'query', flags: 5 << 11, questions: [{ name: 'x', type: 'SOA' }] })), null)
  t.is(readRewritable(packet.encode({ type: 'query', questions: [] })), null)
  t.throws(() => readRewritable(Buffer.from('hello')))
})
