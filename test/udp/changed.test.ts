import test from 'ava'
import packet from 'dns-packet'
import { answerTo, question } from '../real/dns-server.js'
import { RecordedSessions } from './recorded-session.js'

test('a datagram that was replaced is changed, and what was sent instead belongs to it', (t) => {
  const sessions = new RecordedSessions(t)
  for (const text of ['one', 'twos', 'three']) sessions.datagram(1, 'up', Buffer.from(text), 0)
  sessions.sent(1, 'up', 3, 4, Buffer.from('TWO'), 1)
  const recording = sessions.read()
  const datagrams = [...recording.datagrams()]
  t.deepEqual(datagrams.map(({ bytes, changed }) => [bytes.toString(), changed]), [['one', false], ['twos', true], ['three', false]])
  t.deepEqual([...recording.segments({ where: `leg = 'sent'` })].map(({ messageId, replaces, bytes }) => [messageId, replaces, bytes.toString()]),
    [[datagrams[1]!.id, 4, 'TWO']])
  t.deepEqual([...recording.records()].map(({ kind, changed }) => [kind, changed]), [['datagram', false], ['datagram', true], ['datagram', false]])
})

test('a datagram that was dropped, and one sent twice, are changed', (t) => {
  const sessions = new RecordedSessions(t)
  for (const text of ['dropped', 'twice', 'once']) sessions.datagram(1, 'down', Buffer.from(text), 0)
  sessions.sent(1, 'down', 0, 7, Buffer.alloc(0), 1)
  sessions.sent(1, 'down', 7, 0, Buffer.from('twice'), 1)
  const recording = sessions.read()
  t.deepEqual([...recording.datagrams()].map(({ changed }) => changed), [true, true, false])
})

test('the query is changed whose question or answer was', (t) => {
  const sessions = new RecordedSessions(t)
  const queries = [question(1, 'www.example'), question(2, 'www.example'), question(3, 'www.example')]
  const answers = queries.map((query) => packet.encode(answerTo(packet.decode(query))!))
  for (const query of queries) sessions.datagram(1, 'up', query, 0)
  sessions.sent(1, 'up', queries[0]!.length, queries[1]!.length, Buffer.from('other'), 0)
  for (const answer of answers) sessions.datagram(1, 'down', answer, 1)
  sessions.sent(1, 'down', 2 * answers[0]!.length, answers[2]!.length, Buffer.alloc(0), 2)
  const recording = sessions.read()
  t.deepEqual([...recording.dnsQueries()].map(({ changed, rcode }) => [changed, rcode]), [[false, 'NOERROR'], [true, 'NOERROR'], [true, 'NOERROR']])
  t.deepEqual([...recording.records()].map(({ changed }) => changed), [false, true, true])
})

test('what is told long after its datagram is kept without it', (t) => {
  const sessions = new RecordedSessions(t)
  sessions.datagram(1, 'up', Buffer.from('old'), 0)
  for (let n = 0; n < 20_000; n++) sessions.datagram(n % 2 + 1, 'up', Buffer.from('x'), 1)
  sessions.sent(1, 'up', 0, 3, Buffer.from('new'), 2)
  sessions.sent(2, 'up', 9_999, 1, Buffer.from('new'), 2)
  const recording = sessions.read()
  t.deepEqual([...recording.segments({ where: `leg = 'sent'` })].map(({ messageId }) => messageId !== null), [false, true])
})
