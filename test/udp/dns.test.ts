import { Resolver } from 'node:dns/promises'
import packet from 'dns-packet'
import test from 'ava'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { answerTo, dnsServer, question } from '../real/dns-server.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'

test('a query and its answer are one record: names, types, flags, code, records, latency and both datagrams', async (t) => {
  const server = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send(question(4711, 'www.example'), tape.port)
  t.is(packet.decode((await client.take()).bytes).answers?.length, 2)
  const recording = await tape.recorded()
  const [query, ...others] = [...recording.dnsQueries()]
  t.deepEqual(others, [])
  t.like(query, {
    dnsId: 4711, name: 'www.example', type: 'A', class: 'IN', opcode: 'QUERY', rcode: 'NOERROR', answers: 2, error: null,
  })
  t.deepEqual([...query!.flags].sort(), ['aa', 'ra', 'rd'])
  const [asked, answered] = [...recording.datagrams()]
  t.deepEqual([query!.datagramId, query!.answerDatagramId], [asked!.id, answered!.id])
  t.deepEqual([query!.started, query!.answered], [asked!.time, answered!.time])
  t.is(query!.latencyMs, (answered!.time - asked!.time) / 1000)
  t.deepEqual(recording.dnsAnswers(query!.id), ['192.0.2.1', '192.0.2.2'].map((data) =>
    ({ section: 'answer', name: 'www.example', type: 'A', class: 'IN', ttl: 300, data })))
  const records = [...recording.records()]
  t.deepEqual(records.map(({ protocol, kind, summary, outcome }) => ({ protocol, kind, summary, outcome })),
    [{ protocol: 'dns', kind: 'query', summary: 'www.example A → NOERROR, 2 answers', outcome: 'complete' }])
})

for (const [name, type, data] of [
  ['www.example', 'AAAA', ['2001:db8::1']], ['example', 'MX', ['10 mail.example']], ['example', 'TXT', ['"two" "parts"']],
  ['_ftp._tcp.example', 'SRV', ['1 2 21 ftp.example']], ['alias.example', 'A', ['www.example']], ['www.example', 'TXT', []],
] as const) {
  test(`the answer to ${type} ${name} is told as zone files write it`, async (t) => {
    const server = await dnsServer(t)
    const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
    const client = await datagramPeer(t)
    await client.send(question(1, name, type), tape.port)
    await client.take()
    const recording = await tape.recorded()
    const [query] = [...recording.dnsQueries()]
    t.deepEqual(recording.dnsAnswers(query!.id).map((answer) => answer.data), data)
  })
}

test('NXDOMAIN is an answer, and silence is none', async (t) => {
  const server = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send(question(1, 'silent.example'), tape.port)
  await client.send(question(2, 'nowhere.example'), tape.port)
  await client.take()
  const recording = await tape.recorded()
  const [silent, nowhere] = [...recording.dnsQueries()]
  t.like(silent, { name: 'silent.example', rcode: null, answered: null, answerDatagramId: null, latencyMs: null, error: 'no answer' })
  t.like(nowhere, { name: 'nowhere.example', rcode: 'NXDOMAIN', answers: 0, error: null })
  t.deepEqual([...recording.records()].map(({ outcome }) => outcome), ['no answer', 'complete'])
})

test('a query asked again pairs with the answer that came after it, and the first stays unanswered', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send(question(9, 'www.example'), tape.port)
  await server.take()
  await client.send(question(9, 'www.example'), tape.port)
  const { bytes, port } = await server.take()
  for (let times = 0; times < 2; times++) {
    await server.send(packet.encode(answerTo(packet.decode(bytes))!), port)
    await client.take()
  }
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()].map(({ error, rcode }) => [error, rcode]), [['no answer before it was asked again', null], [null, 'NOERROR']])
  const records = [...recording.records()]
  t.deepEqual(records.map(({ kind }) => kind), ['query', 'query', 'datagram'])
  t.deepEqual([...recording.events()].map(({ kind, messageId }) => [kind, messageId]), [['dns-unasked', records[2]!.id]], 'the second answer')
})

test('a name in random case is the same name', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send(question(1, 'wWw.eXaMPle'), tape.port)
  const { port } = await server.take()
  await server.send(packet.encode(answerTo(packet.decode(question(1, 'www.example')))!), port)
  await client.take()
  const recording = await tape.recorded()
  const [query] = [...recording.dnsQueries()]
  t.like(query, { name: 'wWw.eXaMPle', rcode: 'NOERROR', answers: 2, error: null })
  t.deepEqual([...recording.events()], [])
})

test('several ids at once, the same names under them, answered in another order', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  const asked = [[1, 'www.example', 'A'], [2, 'www.example', 'A'], [3, 'www.example', 'AAAA'], [3, 'example', 'MX'], [4, 'gone.example', 'A']] as const
  for (const [id, name, type] of asked) await client.send(question(id, name, type), tape.port)
  const waiting = []
  for (const _ of asked) waiting.push(await server.take())
  for (const { bytes, port } of waiting.toReversed()) await server.send(packet.encode(answerTo(packet.decode(bytes))!), port)
  for (const _ of asked) await client.take()
  const recording = await tape.recorded()
  const found = [...recording.dnsQueries()]
  t.deepEqual(found.map(({ dnsId, name, type }) => [dnsId, name, type]), asked.map((one) => [...one]))
  t.deepEqual(found.map(({ answers, rcode }) => [answers, rcode]), [[2, 'NOERROR'], [2, 'NOERROR'], [1, 'NOERROR'], [1, 'NOERROR'], [0, 'NXDOMAIN']])
  const answerIds = found.map(({ answerDatagramId }) => answerDatagramId!)
  t.deepEqual(answerIds, answerIds.toSorted((a, b) => b - a))
})

test('an answer that leaves the question out is paired by its id', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send(question(77, 'www.example'), tape.port)
  const { port } = await server.take()
  await server.send(packet.encode({ id: 77, type: 'response', flags: 1 }), port)
  await client.take()
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()].map(({ rcode, error }) => [rcode, error]), [['FORMERR', null]])
})

test('a DNS query that only comes back as it was is not asked twice', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}` })
  const client = await datagramPeer(t)
  await client.send(question(1, 'www.example'), tape.port)
  await client.take()
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()].map(({ error }) => error), ['no answer', 'no answer'])
})

test('node:dns resolves through the relay', async (t) => {
  const server = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${tape.port}`])
  t.deepEqual((await resolver.resolve4('www.example')).sort(), ['192.0.2.1', '192.0.2.2'])
  t.deepEqual(await resolver.resolveMx('example'), [{ exchange: 'mail.example', priority: 10 }])
  t.is((await t.throwsAsync(resolver.resolve4('nowhere.example')))?.message, 'queryA ENOTFOUND nowhere.example')
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()].map(({ name, type, rcode }) => [name?.toLowerCase(), type, rcode]),
    [['www.example', 'A', 'NOERROR'], ['example', 'MX', 'NOERROR'], ['nowhere.example', 'A', 'NXDOMAIN']])
})

const withDig = installed('dig') ? test : test.skip

withDig('dig: what it prints is what the record has', async (t) => {
  const server = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const { code, stdout } = await run(t, 'dig', ['@127.0.0.1', '-p', String(tape.port), 'www.example', 'A'])
  t.is(code, 0)
  const text = stdout.toString()
  const [, id] = /status: NOERROR, id: (\d+)/.exec(text)!
  t.regex(text, /www\.example\.\s+300\s+IN\s+A\s+192\.0\.2\.1/)
  const recording = await tape.recorded()
  const [query] = [...recording.dnsQueries()]
  t.like(query, { dnsId: Number(id), name: 'www.example', type: 'A', class: 'IN', rcode: 'NOERROR', answers: 2 })
  t.true(query!.flags.includes('ad'), 'dig asks for it')
})

withDig('dig: a type that has no name here is written by its number', async (t) => {
  const server = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  await run(t, 'dig', ['@127.0.0.1', '-p', String(tape.port), '-c', 'CH', '-t', 'TYPE65400', '+tries=1', 'nowhere.example'])
  const recording = await tape.recorded()
  t.like([...recording.dnsQueries()][0], { type: 'TYPE65400', class: 'CH', rcode: 'NXDOMAIN' })
})
