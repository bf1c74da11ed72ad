import { Resolver } from 'node:dns/promises'
import packet from 'dns-packet'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { definePlugin, delay, drop, respond } from 'wiretape'
import type { AnyPlugin, DnsHooks, RelayOptions } from 'wiretape'
import { until } from '../real/deadline.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { dnsServer, question } from '../real/dns-server.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

function onDns(name: string, dns: DnsHooks): AnyPlugin {
  return definePlugin({ name, description: name, setup: () => ({ dns }) })
}

async function resolving(t: ExecutionContext, plugins: readonly AnyPlugin[], options: RelayOptions = {}): Promise<{ tape: Taped, resolver: Resolver, queried: () => string[] }> {
  const server = await dnsServer(t)
  const asked: string[] = []
  server.socket.prependListener('message', (bytes: Buffer) => asked.push(`${packet.decode(bytes).questions![0]!.name} ${packet.decode(bytes).questions![0]!.type}`))
  const tape = await taping(t, { log: () => {}, ...options, udp: `0=127.0.0.1:${server.port}`, plugins })
  const resolver = new Resolver({ timeout: 60_000, tries: 1 })
  resolver.setServers([`127.0.0.1:${tape.port}`])
  return { tape, resolver, queried: () => asked }
}

test('a query is answered in the server\'s stead, and the record tells the answer that was given', async (t) => {
  const invent = onDns('invent', {
    query: ({ name, type }) => name === 'gone.example' ? respond({ rcode: 'NXDOMAIN' })
      : type === 'A' ? respond({ answers: [{ name, type, ttl: 5, data: '192.0.2.99' }] }) : undefined,
  })
  const { tape, resolver, queried } = await resolving(t, [invent])
  t.deepEqual(await resolver.resolve4('www.example', { ttl: true }), [{ address: '192.0.2.99', ttl: 5 }])
  t.deepEqual(await resolver.resolve6('www.example'), ['2001:db8::1'])
  await t.throwsAsync(resolver.resolve4('gone.example'), { code: 'ENOTFOUND' })
  t.deepEqual(queried(), ['www.example AAAA'])
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()].map(({ name, type, rcode, answers, changed, error }) => [name, type, rcode, answers, changed, error]), [
    ['www.example', 'A', 'NOERROR', 1, true, null], ['www.example', 'AAAA', 'NOERROR', 1, false, null], ['gone.example', 'A', 'NXDOMAIN', 0, true, null],
  ])
  t.deepEqual([...recording.events()].map(({ kind, source, hook }) => `${kind} ${source} ${hook}`), ['answered invent dns.query', 'answered invent dns.query'])
})

test('a query for another name reaches the server, and the client gets the answer to its own', async (t) => {
  const alias = onDns('alias', { query: (query) => { if (query.name === 'old.example') query.name = 'www.example' } })
  const { tape, resolver, queried } = await resolving(t, [alias])
  t.deepEqual((await resolver.resolve4('old.example')).sort(), ['192.0.2.1', '192.0.2.2'])
  t.deepEqual(queried(), ['www.example A'])
  const recording = await tape.recorded()
  const [query, ...others] = [...recording.dnsQueries()]
  t.deepEqual(others, [])
  t.like(query, { name: 'old.example', rcode: 'NOERROR', answers: 2, changed: true, error: null })
  t.deepEqual(recording.dnsAnswers(query!.id).map(({ name }) => name), ['www.example', 'www.example'], 'as the server gave it')
  const sent = [...recording.segments({ where: `leg = 'sent'` })]
  t.deepEqual(sent.map(({ direction, messageId }) => [direction, messageId]), [['up', query!.datagramId], ['down', query!.answerDatagramId]])
  t.deepEqual(packet.decode(sent[1]!.bytes).answers!.map(({ name }) => name), ['old.example', 'old.example'])
})

test('answers get other records or another rcode', async (t) => {
  const change = onDns('change', {
    answer: (answer) => {
      if (answer.type === 'A') answer.answers = answer.answers.slice(1).map((record) => ({ ...record, ttl: 1 }))
      if (answer.type === 'AAAA') Object.assign(answer, { rcode: 'SERVFAIL', answers: [] })
    },
  })
  const { tape, resolver } = await resolving(t, [change])
  t.deepEqual(await resolver.resolve4('www.example', { ttl: true }), [{ address: '192.0.2.2', ttl: 1 }])
  await t.throwsAsync(resolver.resolve6('www.example'), { code: 'ESERVFAIL' })
  t.deepEqual(await resolver.resolveMx('example'), [{ exchange: 'mail.example', priority: 10 }])
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()].map(({ rcode, answers, changed }) => [rcode, answers, changed]), [['NOERROR', 2, true], ['NOERROR', 1, true], ['NOERROR', 1, false]])
})

test('queries are dropped and answers delayed', async (t) => {
  const slow = onDns('slow', { query: ({ name }) => name === 'lost.example' ? drop() : undefined, answer: () => delay(150) })
  const { tape, resolver, queried } = await resolving(t, [slow])
  const began = Date.now()
  t.is((await resolver.resolve4('www.example')).length, 2)
  const took = Date.now() - began
  t.true(took >= 149)
  const impatient = new Resolver({ timeout: 500, tries: 1 })
  impatient.setServers(resolver.getServers())
  await t.throwsAsync(impatient.resolve4('lost.example'), { code: 'ETIMEOUT' })
  await until(() => tape.relay.journal().some(({ kind }) => kind === 'plugin-dropped'), 'the query to be dropped')
  t.deepEqual(queried(), ['www.example A'])
  const recording = await tape.recorded()
  const [query, lost] = [...recording.dnsQueries()]
  t.like(query, { changed: false, rcode: 'NOERROR' })
  t.true(query!.latencyMs! <= took - 148, 'as fast as the server was')
  t.like(lost, { changed: true, error: 'no answer' })
})

for (const [what, dns, reason] of [
  ['a type that there is not', { query: (query) => { query.type = 'NOSUCH' } }, /^dns\.query: no question can be asked for "www\.example", type "NOSUCH"/],
  ['a label that is too long', { query: (query) => { query.name = `${'x'.repeat(64)}.example` } }, /^dns\.query: no question can be asked|^dns\.query: not readable/],
  ['an rcode that there is not', { answer: (answer) => { answer.rcode = 'NOSUCH' } }, /^dns\.answer: there is no rcode "NOSUCH"; there are NOERROR,/],
  ['an address that is none', { answer: (answer) => { answer.answers = [{ name: 'www.example', type: 'A', data: {} }] } }, /^dns\.answer: no record can be written for "www\.example", type "A"/],
  ['an answer of a type that there is not', { query: ({ name }) => respond({ answers: [{ name, type: 'NOSUCH', data: Buffer.alloc(1) }] }) }, /^dns\.query: no record can be written for "www\.example", type "NOSUCH"/],
] as readonly (readonly [string, DnsHooks, RegExp])[]) {
  test(`${what} is told, and the datagram goes on unchanged`, async (t) => {
    const { tape, resolver } = await resolving(t, [onDns('wrong', dns)])
    t.is((await resolver.resolve4('www.example')).length, 2)
    const recording = await tape.recorded()
    const failures = [...recording.events({ where: `kind = 'plugin-failed'` })]
    t.is(failures.length, 1)
    t.regex(failures[0]!.text, reason)
    t.regex(failures[0]!.text, /; it goes on unchanged$/)
    t.deepEqual([...recording.segments({ where: `leg = 'sent'` })], [])
  })
}

test('what is no DNS, and DNS with decode none, goes by the DNS hooks', async (t) => {
  const never = onDns('never', { query: () => drop(), answer: () => drop() })
  const { tape } = await resolving(t, [never], { decode: 'none' })
  const client = await datagramPeer(t)
  await client.send(question(1, 'www.example'), tape.port)
  t.is(packet.decode((await client.take()).bytes).answers?.length, 2)
  const server = await datagramPeer(t)
  const other = await taping(t, { udp: `0=127.0.0.1:${server.port}`, decode: 'dns', plugins: [never] })
  await client.send('hello', other.port)
  t.is(await server.text(), 'hello')
})

test('udp.datagram comes before the DNS hooks', async (t) => {
  const order: string[] = []
  const both = definePlugin({
    name: 'both', description: '',
    setup: () => ({
      dns: { query: ({ name }) => { order.push(`query ${name}`) }, answer: ({ name }) => { order.push(`answer ${name}`) } },
      udp: { datagram: (datagram) => {
        order.push(datagram.direction)
        if (datagram.direction === 'up') datagram.bytes = question(packet.decode(datagram.bytes).id!, 'alias.example', 'CNAME')
      } },
    }),
  })
  const { tape } = await resolving(t, [both])
  const client = await datagramPeer(t)
  await client.send(question(9, 'www.example'), tape.port)
  t.is(packet.decode((await client.take()).bytes).answers?.[0]?.type, 'CNAME')
  t.deepEqual(order, ['up', 'query alias.example', 'down', 'answer alias.example'])
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()].map(({ name, rcode, changed, error }) => [name, rcode, changed, error]), [['www.example', 'NOERROR', true, null]])
})

const withDig = installed('dig') ? test : test.skip

withDig('dig: takes what plugins make, EDNS and class included', async (t) => {
  const plugin = onDns('make', {
    query: (query) => query.name === 'made.example' ? respond({ answers: [{ name: 'made.example', type: 'TXT', data: 'made up' }] }) : void (query.name = 'www.example'),
  })
  const { tape } = await resolving(t, [plugin])
  const dig = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(t, 'dig', ['@127.0.0.1', '-p', String(tape.port), '+tries=1', ...words])
    t.is(code, 0, stderr)
    t.notRegex(stdout.toString(), /WARNING|mismatch|Warning/)
    return stdout.toString()
  }
  const made = await dig('made.example', 'TXT')
  t.regex(made, /EDNS: version: 0/)
  t.regex(made, /made\.example\.\s+0\s+IN\s+TXT\s+"made up"/)
  t.regex(await dig('other.example', 'A'), /other\.example\.\s+300\s+IN\s+A\s+192\.0\.2\.1/)
  t.regex(await dig('+noedns', '-c', 'CH', '-t', 'TXT', 'made.example'), /made\.example\.\s+0\s+CH\s+TXT\s+"made up"/)
})
