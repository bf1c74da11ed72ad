import packet from 'dns-packet'
import type { Answer } from 'dns-packet'
import test from 'ava'
import { datagramPeer } from '../real/datagram-peer.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'

const common = { name: 'zone.example', class: 'IN', ttl: 60 } as const
/** dig takes an NSEC3 record of no other name. */
const hashed = { name: `${'0'.repeat(32)}.zone.example` }
const key = Buffer.from(Array.from({ length: 64 }, (_, at) => at * 3))

/** A record of each type that has a form of its own in a zone file, and how that is written. */
const records: readonly (readonly [record: Answer, written: string])[] = [
  [{ ...common, type: 'TXT', data: ['plain', 'a "quoted" \\ text', Buffer.from([0x00, 0x7f, 0xe9, 0x20]), ''] }, String.raw`"plain" "a \"quoted\" \\ text" "\000\127\233 " ""`],
  [{ ...common, type: 'CAA', data: { flags: 0, tag: 'issue', value: 'ca.example; policy=ev' } }, '0 issue "ca.example; policy=ev"'],
  [{ ...common, type: 'CAA', data: { flags: 128, tag: 'iodef', value: 'mailto:a@b.example', issuerCritical: true } }, '128 iodef "mailto:a@b.example"'],
  [{ ...common, type: 'DNSKEY', data: { flags: 257, algorithm: 13, key } }, `257 3 13 ${key.toString('base64')}`],
  [{ ...common, type: 'RRSIG', data: {
    typeCovered: 'A', algorithm: 13, labels: 2, originalTTL: 300, expiration: 1_700_003_600, inception: 1_699_999_999, keyTag: 4711, signersName: 'zone.example', signature: key,
  } }, `A 13 2 300 20231114231320 20231114221319 4711 zone.example ${key.toString('base64')}`],
  [{ ...common, type: 'DS', data: { keyTag: 1, algorithm: 13, digestType: 2, digest: key.subarray(0, 32) } }, `1 13 2 ${key.toString('hex', 0, 32).toUpperCase()}`],
  [{ ...common, type: 'NSEC', data: { nextDomain: 'a.zone.example', rrtypes: ['A', 'MX', 'RRSIG', 'CAA'] } }, 'a.zone.example A MX RRSIG CAA'],
  [{ ...common, ...hashed, type: 'NSEC3', data: { algorithm: 1, flags: 1, iterations: 5, salt: Buffer.from('abcd', 'hex'), nextDomain: Buffer.alloc(20, 0xa7), rrtypes: ['A', 'SOA'] } },
    '1 1 5 ABCD KUJQF9T7KUJQF9T7KUJQF9T7KUJQF9T7 A SOA'],
  [{ ...common, ...hashed, type: 'NSEC3', data: { algorithm: 1, flags: 0, iterations: 0, salt: Buffer.alloc(0), nextDomain: Buffer.alloc(20, 1), rrtypes: ['A'] } },
    '1 0 0 - 040G2081040G2081040G2081040G2081 A'],
  [{ ...common, type: 'NAPTR', data: { order: 1, preference: 2, flags: 'u', services: 'E2U+sip', regexp: String.raw`!^.*$!sip:info@example.com!`, replacement: '.' } },
    '1 2 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .'],
  [{ ...common, type: 'HINFO', data: { cpu: 'a "fast" one', os: 'Unix' } }, String.raw`"a \"fast\" one" "Unix"`],
  [{ ...common, type: 'SSHFP', data: { algorithm: 4, hash: 2, fingerprint: key.toString('hex', 0, 32) } }, `4 2 ${key.toString('hex', 0, 32).toUpperCase()}`],
  [{ ...common, type: 'TLSA', data: { usage: 3, selector: 1, matchingType: 1, certificate: key.subarray(0, 32) } }, `3 1 1 ${key.toString('hex', 0, 32).toUpperCase()}`],
  [{ ...common, type: 'SOA', data: { mname: 'ns.example', rname: 'host\\.master.example', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 } }, 'ns.example host\\.master.example 1 2 3 4 5'],
]

/** What it says of trying again would be among what it prints. */
const patient = ['+tries=1', '+time=60']

const withDig = installed('dig') ? test : test.skip

for (const [record, written] of records) {
  withDig(`dig: ${record.type} ${written.slice(0, 24)} is told as it prints it`, async (t) => {
    const server = await datagramPeer(t)
    server.socket.on('message', (bytes, from) => {
      const { id, questions } = packet.decode(bytes)
      server.socket.send(packet.encode({ id, type: 'response', questions: questions!, answers: [record] }), from.port, from.address)
    })
    const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
    const { stdout } = await run(t, 'dig', ['@127.0.0.1', '-p', String(tape.port), ...patient, '+noall', '+answer', '+nosplit', '-t', record.type, record.name])
    const recording = await tape.recorded()
    const [query] = [...recording.dnsQueries()]
    const [answer] = recording.dnsAnswers(query!.id)
    t.is(answer!.data, written)
    const [, printed] = new RegExp(`^\\S*zone\\.example\\.\\s+60\\s+IN\\s+${record.type}\\s+(.*)\n$`).exec(stdout.toString()) ?? []
    // Names end in a dot there.
    t.is(printed?.replaceAll(/(?<=[a-z])\.(?= |$)/g, ''), written)
  })
}

withDig('dig: names of any bytes are told as it prints them', async (t) => {
  const asked = String.raw`a\.b.\255x.my\032host.\@\$.zone.example`
  const server = await datagramPeer(t)
  server.socket.on('message', (bytes, from) => {
    const id = bytes.readUInt16BE(0)
    const end = bytes.indexOf(Buffer.from('\x07example\0', 'latin1')) + 13
    const name = bytes.subarray(12, end - 4)
    // The question, and a PTR record of that name to that name.
    const answer = Buffer.concat([Buffer.from([id >> 8, id & 255, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]), bytes.subarray(12, end), Buffer.from([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, name.length]), name])
    server.socket.send(answer, from.port, from.address)
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const { stdout } = await run(t, 'dig', ['@127.0.0.1', '-p', String(tape.port), ...patient, '+noall', '+answer', '-t', 'PTR', asked])
  const recording = await tape.recorded()
  const [query] = [...recording.dnsQueries()]
  t.is(query!.name, asked)
  const [answer] = recording.dnsAnswers(query!.id)
  t.deepEqual([answer!.name, answer!.data], [asked, asked])
  t.regex(stdout.toString(), /\sPTR\s/)
  t.deepEqual(stdout.toString().trim().split(/\s+/).filter((word) => word.endsWith('.')), [`${asked}.`, `${asked}.`])
})
