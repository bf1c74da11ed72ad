import packet from 'dns-packet'
import test from 'ava'
import fc from 'fast-check'
import { decodeDns } from '../../../src/protocols/dns/message.js'
import { readRewritable, withQuestion } from '../../../src/protocols/dns/rewrite.js'
import { question } from '../../real/dns-server.js'

type Label = string | Buffer

function wire(...labels: readonly Label[]): Buffer {
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([Buffer.byteLength(label)]), Buffer.from(label as string)]), Buffer.from([0])])
}

/** An answer to a question for this name, whose records are all of the same name. */
function answer(name: readonly Label[], records: readonly (readonly [type: number, data: Buffer])[] = []): Buffer {
  const header = Buffer.from([0, 1, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0])
  return Buffer.concat([header, wire(...name), Buffer.from([0, 1, 0, 1]), ...records.flatMap(([type, data]) =>
    [Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255]), data])])
}

for (const [labels, written] of [
  [['a.b', 'example'], String.raw`a\.b.example`],
  [['a', 'b', 'example'], 'a.b.example'],
  [[Buffer.from([0xff, 0x41, 0xc3]), 'example'], String.raw`\255A\195.example`],
  [['Living Room', '_http', '_tcp', 'local'], String.raw`Living\032Room._http._tcp.local`],
  [['Büro', 'local'], 'Büro.local'],
  [['a\\b"(;)$@', Buffer.from([0, 10, 127])], String.raw`a\\b\"\(\;\)\$\@.\000\010\127`],
  [[], '.'],
] as const) {
  test(`a name is written as in a zone file: ${written}`, (t) => {
    const { questions, records } = decodeDns(answer(labels, [[1, Buffer.from([192, 0, 2, 1])], [5, wire(...labels)]]))
    t.deepEqual(questions.map(({ name }) => name), [written])
    t.deepEqual(records.map(({ name, data }) => [name, data]), [[written, '192.0.2.1'], [written, written]])
  })
}

test('names within data are written so too, of every type that has some', (t) => {
  const [odd, mail] = [wire('x.y', 'z'), wire('host.master', 'z')]
  const { records } = decodeDns(answer(['plain', 'example'], [
    [2, odd], [12, odd], [39, odd], [15, Buffer.concat([Buffer.from([0, 10]), odd])], [33, Buffer.concat([Buffer.from([0, 1, 0, 2, 0, 3]), odd])],
    [6, Buffer.concat([odd, mail, Buffer.alloc(20)])], [17, Buffer.concat([mail, odd])], [47, Buffer.concat([odd, Buffer.from([0, 1, 0x40])])],
    [46, Buffer.concat([Buffer.from([0, 1, 13, 2, 0, 0, 0, 60, 0, 0, 0, 2, 0, 0, 0, 1, 0, 7]), odd, Buffer.from([1, 2, 3])])],
    [35, Buffer.concat([Buffer.from([0, 1, 0, 2]), Buffer.from('\x01u\x00\x03abc'), odd])],
  ]))
  t.deepEqual(records.map(({ type, data }) => [type, data]), [
    ['NS', String.raw`x\.y.z`], ['PTR', String.raw`x\.y.z`], ['DNAME', String.raw`x\.y.z`], ['MX', String.raw`10 x\.y.z`], ['SRV', String.raw`1 2 3 x\.y.z`],
    ['SOA', String.raw`x\.y.z host\.master.z 0 0 0 0 0`], ['RP', String.raw`host\.master.z x\.y.z`], ['NSEC', String.raw`x\.y.z A`],
    ['RRSIG', String.raw`A 13 2 60 19700101000002 19700101000001 7 x\.y.z AQID`], ['NAPTR', String.raw`1 2 "u" "" "abc" x\.y.z`],
  ])
})

test('different names are never written alike', (t) => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes.map((byte) => byte % 3 === 0 ? 0x2e : byte % 3 === 1 ? 0x5c : byte)))
  const labels = fc.array(label, { maxLength: 4 })
  fc.assert(fc.property(labels, labels, (one, other) => {
    const [a, b] = [one, other].map((name) => decodeDns(answer(name)).questions[0]!.name)
    t.is(a === b, wire(...one).equals(wire(...other)))
  }))
})

test('plain names stay as dns-packet has them, whatever else is in the message', (t) => {
  const bytes = packet.encode({
    id: 0x2e2e, type: 'response', questions: [{ name: 'a.example', type: 'TXT', class: 'IN' }],
    answers: [{ name: 'a.example', type: 'TXT', ttl: 46, data: ['v=spf1 a.b ...'] }, { name: 'b.a.example', type: 'MX', ttl: 1, data: { preference: 46, exchange: 'mail.a.example' } }],
  })
  const { questions, records } = decodeDns(bytes)
  t.is(questions[0]!.name, 'a.example')
  t.deepEqual(records.map(({ name, data }) => [name, data]), [['a.example', '"v=spf1 a.b ..."'], ['b.a.example', '46 mail.a.example']])
})

test('hooks get names as they can give them: labels joined by dots', (t) => {
  const bytes = question(7, 'my host.example')
  t.is(readRewritable(bytes)!.name, 'my host.example')
  t.is(decodeDns(withQuestion(bytes, { name: 'my host.example', type: 'AAAA' })).questions[0]!.name, String.raw`my\032host.example`)
})
