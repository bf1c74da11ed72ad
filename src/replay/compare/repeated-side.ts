import type { Recording } from '../../recording/recording.js'
import type { Protocol } from '../../relay/address.js'
import { repeatsFact, wholeSide } from './recorded-side.js'
import type { RecordedSide } from './recorded-side.js'
import { recordsTold } from './sender-events.js'

/** Facts of a recording that repeats another: what of that. */
export function repeating(recording: Recording, path: string, relays: readonly number[]): Record<string, string> {
  return { [repeatsFact]: path, [startedFact]: recording.facts()['started'] ?? '', [relaysFact]: relays.join(',') }
}

/** By which the repeated recording is known again, wherever it has been moved to. */
const startedFact = 'repeats-started'
const relaysFact = 'repeats-relays'

/** Ids of what can be repeated of these connections: exchanges, sessions, or the connections themselves. */
export function* recordsOf(recording: Recording, protocol: Protocol, connections: ReadonlySet<number>): Generator<number> {
  if (protocol === 'tcp' || protocol === 'udp') yield* connections
  else for (const { id, connectionId } of protocol === 'http' ? recording.exchanges() : recording.ftpSessions()) if (connections.has(connectionId)) yield id
}

/** All of `a`, or, where `b` repeats it, what of it `b` set out to repeat and did; and how many it didn't. */
export function sideRepeatedBy(a: Recording, b: Recording): { readonly side: RecordedSide, readonly notSent: number, readonly repeats: boolean } {
  const facts = b.facts()
  const relays = new Set((facts[relaysFact] ?? '').split(',').map(Number))
  const protocol = a.relays().find(({ id }) => relays.has(id))?.protocol as Protocol | undefined
  if (facts[repeatsFact] === undefined || facts[startedFact] !== a.facts()['started'] || protocol === undefined) return { side: wholeSide(a), notSent: 0, repeats: false }
  const connections = new Set<number>()
  for (const { id, relayId } of a.connections()) if (relays.has(relayId)) connections.add(id)
  const only = new Set(recordsOf(a, protocol, connections))
  // Ids, and not the condition that left them out: the file may be anyone's, and what it says is nothing to be run.
  for (const id of recordsTold(b, 'not-chosen')) only.delete(id)
  let notSent = 0
  for (const id of recordsTold(b, 'not-sent')) {
    only.delete(id)
    notSent++
  }
  // What the server had got is what was sent, also where `a` is itself the recording of such a run.
  return { side: { ...wholeSide(a), connections, only, asked: 'sent' }, notSent, repeats: true }
}
