import type { DnsAnswer, DnsQuery } from '../../recording/rows.js'
import { bounded, cutValues, lacking } from './comparison.js'
import type { FoundDifference, Outcome } from './comparison.js'
import type { RecordedSide } from './recorded-side.js'
import type { Tally } from './tally.js'
import { Turns } from './turns.js'

/**
 * Compares answers to equal questions, the k-th with the k-th: their rcodes and their records, in whatever order those come. Ids, TTLs and what EDNS adds don't
 * count.
 */
export function compareQueries(a: RecordedSide, sessionsA: ReadonlySet<number>, b: RecordedSide, sessionsB: ReadonlySet<number>, tally: Tally): void {
  const turns = new Turns()
  const found = { a: new Map<number, DnsQuery>(), b: new Map<number, DnsQuery>() }
  for (const [name, queries] of [['a', queriesOf(a, sessionsA)], ['b', queriesOf(b, sessionsB)]] as const) {
    for (const query of queries) {
      turns.add(name, keyOf(query), { id: query.id, time: query.started, answered: query.rcode !== null })
      found[name].set(query.id, query)
    }
  }
  const { pairs, onlyB } = turns.pair()
  for (const [idA, idB] of pairs) {
    const query = found.a.get(idA)!
    const named = { protocol: 'udp' as const, a: idA, b: idB, asked: askedOf(query) }
    const now = idB === null ? undefined : found.b.get(idB)
    if (now === undefined) {
      tally.only(named, 'query')
      continue
    }
    const gaps = lacking(gapIn(a, query), gapIn(b, now))
    if (gaps.length > 0) {
      tally.pair(named, 'uncompared', gaps)
      continue
    }
    const differences = bounded(query.rcode === null && now.rcode === null ? unreadable(a, query, b, now) : answerDifferences(a, query, b, now), 'answers')
    const outcome: Outcome = differences.length === 0 ? 'same' : now.rcode === null && query.rcode !== null ? 'failed' : 'different'
    if (outcome !== 'failed') tally.took(query.latencyMs, now.latencyMs)
    tally.pair(named, outcome, differences)
  }
  for (const id of onlyB) tally.only({ protocol: 'udp', a: null, b: id, asked: askedOf(found.b.get(id)!) }, 'query')
}

/** Its answer may have come, among datagrams that weren't recorded. */
function gapIn({ recording }: RecordedSide, { rcode, connectionId }: DnsQuery): string | null {
  if (rcode !== null) return null
  const { droppedDown } = recording.connection(connectionId)
  return droppedDown === 0 ? null : `${droppedDown} bytes of answers were not recorded`
}

/** What came in place of an answer, and is none. */
function* unreadable(a: RecordedSide, was: DnsQuery, b: RecordedSide, now: DnsQuery): Generator<FoundDifference> {
  const [before, after] = [strayAnswer(a, was), strayAnswer(b, now)]
  if (before !== after) yield { field: 'answer', was: before, now: after }
}

/** The first datagram after an unanswered query that isn't any query's answer, though it has this one's id or comes right after it; null where there is none. */
function strayAnswer({ recording }: RecordedSide, { datagramId, connectionId, dnsId }: DnsQuery): string | null {
  const answers = new Set([...recording.dnsQueries({ where: `connection_id = ${connectionId}` })].map(({ answerDatagramId }) => answerDatagramId))
  let [asked, another] = [false, false]
  for (const { id, direction, bytes } of recording.datagrams({ where: `connection_id = ${connectionId}` })) {
    if (id === datagramId) asked = true
    else if (asked && direction === 'up') another = true
    else if (asked && !answers.has(id) && (!another || (bytes.length > 1 && bytes.readUInt16BE(0) === dnsId))) return `${bytes.length} bytes that don't answer it`
  }
  return null
}

function* queriesOf({ recording, connections, only }: RecordedSide, sessions: ReadonlySet<number>): Generator<DnsQuery> {
  if (sessions.size === 0) return
  for (const query of recording.dnsQueries()) {
    const id = query.connectionId
    if (sessions.has(id) && connections?.has(id) !== false && only?.has(id) !== false) yield query
  }
}

function keyOf({ name, type, class: family, opcode }: DnsQuery): string {
  return `${name?.toLowerCase()} ${type} ${family} ${opcode}`
}

function askedOf({ name, type }: DnsQuery): string {
  return `${name ?? '?'} ${type ?? '?'}`
}

function* answerDifferences(a: RecordedSide, was: DnsQuery, b: RecordedSide, now: DnsQuery): Generator<FoundDifference> {
  if (was.rcode !== now.rcode) yield { field: was.rcode === null || now.rcode === null ? 'answer' : 'rcode', was: was.rcode, now: now.rcode }
  if (was.rcode === null || now.rcode === null) return
  const [before, after] = [recordsOf(a.recording.dnsAnswers(was.id)), recordsOf(b.recording.dnsAnswers(now.id))]
  for (const kind of new Set([...before.keys(), ...after.keys()])) {
    const [first, second] = [before, after].map((records) => records.get(kind)?.sort().join(', ') ?? null)
    if (first !== second) yield { field: kind, ...cutValues(first ?? null, second ?? null) }
  }
}

/** Data by `answer www.example A`. */
function recordsOf(answers: readonly DnsAnswer[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { section, name, type, data } of answers) {
    if (type === 'OPT') continue
    const kind = `${section} ${name.toLowerCase()} ${type}`
    const known = found.get(kind)
    if (known === undefined) found.set(kind, [data])
    else known.push(data)
  }
  return found
}
