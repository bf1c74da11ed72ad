import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import packet from 'dns-packet'
import test from 'ava'
import { answerTo, question } from '../real/dns-server.js'
import { RecordedSessions } from './recorded-session.js'

function answer(query: Buffer): Buffer {
  return packet.encode(answerTo(packet.decode(query))!)
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

test('a query that nobody answers is told as unanswered while its session goes on', (t) => {
  const sessions = new RecordedSessions(t)
  sessions.datagram(1, 'up', question(1, 'silent.example'), 0)
  sessions.datagram(1, 'up', question(2, 'later.example'), 20)
  sessions.datagram(1, 'up', question(3, 'www.example'), 31)
  t.deepEqual([...sessions.read().dnsQueries()].map(({ error }) => error), ['no answer', null, null])
})

test('where no datagram comes any more, the regular flush tells it', (t) => {
  const sessions = new RecordedSessions(t)
  sessions.datagram(1, 'up', question(1, 'silent.example'), 0)
  sessions.flush(29)
  sessions.flush(29.5)
  t.deepEqual([...sessions.read().dnsQueries()].map(({ error }) => error), [null])
  sessions.flush(30)
  t.deepEqual([...sessions.read().records()].map(({ outcome }) => outcome), ['no answer'])
  t.is(sessions.file.store.records, 1)
})

test('an answer that comes later still pairs, and takes it back', (t) => {
  const sessions = new RecordedSessions(t)
  const query = question(1, 'www.example')
  sessions.datagram(1, 'up', query, 0)
  sessions.flush(40)
  sessions.datagram(1, 'down', answer(query), 45)
  sessions.close(1, 46)
  const recording = sessions.read()
  const [found, ...others] = [...recording.dnsQueries()]
  t.deepEqual(others, [])
  t.like(found, { rcode: 'NOERROR', answers: 2, latencyMs: 45_000, error: null })
  t.deepEqual([...recording.events()], [])
  t.is(sessions.file.store.records, 1, 'counted once')
})

test('a session that ends leaves what was told as unanswered alone', (t) => {
  const sessions = new RecordedSessions(t)
  sessions.datagram(1, 'up', question(1, 'a.example'), 0)
  sessions.datagram(1, 'up', question(2, 'b.example'), 20)
  sessions.flush(30)
  sessions.close(1, 35)
  t.deepEqual([...sessions.read().dnsQueries()].map(({ error }) => error), ['no answer', 'no answer'])
  t.is(sessions.file.store.records, 2)
})

test('answers without a question are paired by their id, the longest waiting first, each in its session', (t) => {
  const sessions = new RecordedSessions(t)
  sessions.datagram(1, 'up', question(5, 'a.example'), 0)
  sessions.datagram(1, 'up', question(5, 'b.example'), 1)
  sessions.datagram(2, 'up', question(5, 'c.example'), 2)
  const refused = packet.encode({ id: 5, type: 'response', flags: 5 })
  sessions.datagram(1, 'down', refused, 3)
  sessions.datagram(1, 'down', refused, 4)
  sessions.datagram(1, 'down', refused, 5)
  const recording = sessions.read()
  t.deepEqual([...recording.dnsQueries()].map(({ name, rcode, latencyMs }) => [name, rcode, latencyMs]),
    [['a.example', 'REFUSED', 3000], ['b.example', 'REFUSED', 3000], ['c.example', null, null]])
  t.deepEqual([...recording.events()].map(({ kind }) => kind), ['dns-unasked'])
})

test('of a flood from many sessions so many queries wait and no more, and those given up say so', (t) => {
  const sessions = new RecordedSessions(t)
  const flood = 20_100
  for (let n = 0; n < flood; n++) sessions.datagram(n % 300, 'up', question(n & 0xffff, 'x.example'), n / 10_000)
  const given = [...sessions.read().dnsQueries({ where: 'error IS NOT NULL' })]
  t.is(given.length, 100)
  t.is(given[0]!.error, 'no answer before 20000 later queries')
  sessions.datagram(0, 'down', answer(question(0, 'x.example')), 3)
  t.deepEqual([...sessions.read().events()].map(({ kind }) => kind), ['dns-unasked'])
})

test('queries that are stuffed with records cost no more memory while they wait than others', (t) => {
  const sessions = new RecordedSessions(t)
  const stuffed = (id: number): Buffer => packet.encode({
    id, type: 'query', questions: [{ name: 'x.example', type: 'A', class: 'IN' }],
    additionals: Array.from({ length: 4000 }, () => ({ name: '.', type: 'A', class: 'IN', ttl: 1, data: '192.0.2.1' })),
  })
  sessions.datagram(1, 'up', stuffed(0), 0)
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let id = 1; id <= 100; id++) sessions.datagram(1, 'up', stuffed(id), id / 1000)
  collectGarbage()
  const grown = process.memoryUsage().heapUsed - before
  t.true(grown < 5_000_000, `${grown} bytes`)
  t.is([...sessions.read().dnsQueries({ where: 'error IS NULL' })].length, 101)
})
