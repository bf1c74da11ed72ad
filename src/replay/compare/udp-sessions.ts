import { createHash } from 'node:crypto'
import type { UdpDatagram } from '../../recording/rows.js'
import { bounded, cutValue, lacking, outcomeOf } from './comparison.js'
import type { FoundDifference } from './comparison.js'
import { compareQueries } from './dns-queries.js'
import { pairByKey } from './pair-by-key.js'
import type { Keyed } from './pair-by-key.js'
import type { RecordedSide } from './recorded-side.js'
import { commonLength } from './stream-differences.js'
import type { Tally } from './tally.js'

/** Compares answers in UDP sessions: those of DNS query by query, others datagram by datagram, the k-th with the k-th. */
export function compareUdp(a: RecordedSide, b: RecordedSide, tally: Tally): void {
  const [dnsA, dnsB] = [dnsSessions(a), dnsSessions(b)]
  compareQueries(a, dnsA, b, dnsB, tally)
  const { pairs, onlyA, onlyB } = pairByKey(keys(a, dnsA), keys(b, dnsB))
  for (const [idA, idB] of pairs) {
    const [was, now] = [sessionOf(a, idA), sessionOf(b, idB)]
    const gaps = lacking(gapIn(a, idA), gapIn(b, idB))
    const found = gaps.length > 0 ? gaps : [...bounded(datagramDifferences(was.answers, now.answers), 'answers'), ...lacking(tooMany(was), tooMany(now))]
    const outcome = found.length > 0 && gaps.length === 0 && now.answers.length === 0 ? 'failed' : outcomeOf(found)
    if (outcome !== 'failed') tally.took(was.firstAnswer, now.firstAnswer)
    tally.pair({ protocol: 'udp', a: idA, b: idB, asked: describe(was.asked) }, outcome, found)
  }
  for (const id of onlyA) tally.only({ protocol: 'udp', a: id, b: null, asked: describe(sessionOf(a, id).asked) }, 'session')
  for (const id of onlyB) tally.only({ protocol: 'udp', a: null, b: id, asked: describe(sessionOf(b, id).asked) }, 'session')
}

function dnsSessions({ recording, protocols }: RecordedSide): Set<number> {
  const found = new Set<number>()
  if (!protocols.has('udp')) return found
  for (const { connectionId } of recording.dnsQueries()) found.add(connectionId)
  return found
}

function* keys({ recording, connections, only }: RecordedSide, dns: ReadonlySet<number>): Generator<Keyed> {
  for (const { id, opened } of recording.connections({ where: "transport = 'udp'" })) {
    if (dns.has(id) || connections?.has(id) === false || only?.has(id) === false) continue
    const hash = createHash('sha256')
    for (const { bytes } of recording.datagrams({ where: `connection_id = ${id} AND direction = 'up'` })) hash.update(`${bytes.length} `).update(bytes)
    yield { key: hash.digest('base64'), id, began: opened }
  }
}

interface Session {
  /** How many datagrams the client sent. */
  readonly asked: number
  readonly answers: readonly UdpDatagram[]
  readonly firstAnswer: number | null
  /** How many answers there were. */
  readonly count: number
}

/** A datagram that wasn't recorded: which of the others are counterparts isn't known any more. */
function gapIn({ recording }: RecordedSide, id: number): string | null {
  const { droppedUp, droppedDown } = recording.connection(id)
  return droppedUp + droppedDown === 0 ? null : `${droppedUp + droppedDown} bytes of datagrams were not recorded`
}

function tooMany({ count }: Session): string | null {
  return count > mostAnswers ? `answers from the ${mostAnswers + 1}th on` : null
}

/** Answers of one session are held at once: more than these aren't compared. */
const mostAnswers = 100_000

function sessionOf({ recording }: RecordedSide, id: number): Session {
  const answers: UdpDatagram[] = []
  let [asked, since, firstAnswer]: [number, number | null, number | null] = [0, null, null]
  let count = 0
  for (const datagram of recording.datagrams({ where: `connection_id = ${id}` })) {
    if (datagram.direction === 'up') {
      asked++
      since ??= datagram.time
    } else {
      if (since !== null) firstAnswer ??= (datagram.time - since) / 1000
      count++
      if (answers.length < mostAnswers) answers.push(datagram)
    }
  }
  return { asked, answers, firstAnswer, count }
}

function* datagramDifferences(was: readonly UdpDatagram[], now: readonly UdpDatagram[]): Generator<FoundDifference> {
  for (let at = 0; at < Math.max(was.length, now.length); at++) {
    const [a, b] = [was[at]?.bytes, now[at]?.bytes]
    if (a === undefined || b === undefined) {
      yield { field: `answer ${at + 1}`, was: a === undefined ? null : told(a, 0), now: b === undefined ? null : told(b, 0) }
    } else if (!a.equals(b)) {
      const offset = commonLength(a, b)
      yield { field: `answer ${at + 1} offset ${offset}`, was: told(a, offset), now: told(b, offset) }
    }
  }
}

function told(bytes: Buffer, offset: number): string {
  const there = bytes.subarray(offset, offset + 16).toString('hex').replaceAll(/(..)(?=.)/g, '$1 ')
  return cutValue(`${there}${there === '' ? '' : ' '}(${bytes.length} bytes)`)
}

function describe(asked: number): string {
  return `session of ${asked} datagram${asked === 1 ? '' : 's'}`
}
