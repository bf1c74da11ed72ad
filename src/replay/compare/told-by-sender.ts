import type { Recording } from '../../recording/recording.js'
import type { Protocol } from '../../relay/address.js'
import type { Outcome } from './comparison.js'
import { repeatsFact, wholeSide } from './recorded-side.js'
import type { RecordedSide } from './recorded-side.js'
import { Tally } from './tally.js'
import type { MessageDifference, Named } from './tally.js'

/*
 * What only `sendRecording` knows of the traffic it makes, and leaves in its recording, so that comparing it later comes to the same.
 */

/** Who tells these events. */
export const senderSource = 'send'

/**
 * `left`: an answer that wasn't listened to any longer, and why. `not-logged-in`, `not-gone-on`: how many commands weren't sent, as
 * the login before them had failed, or a reply was left. `not-sent`: ids of the repeated recording, and why.
 */
export type SenderEvent = 'left' | 'not-logged-in' | 'not-gone-on' | 'not-sent'

/** Why an answer was left that the run's end had cut: what it lacks is nothing of the server's. */
export const runEnded = 'the run was ended'

/** Ids of one event: a million of them needn't be one text. */
const idsOfOneEvent = 10_000

/** Texts of `not-sent` events. */
export function* notSent(ids: readonly number[], why: string): Generator<string> {
  for (let at = 0; at < ids.length; at += idsOfOneEvent) yield `${ids.slice(at, at + idsOfOneEvent).join(',')}: ${why}`
}

/** Facts of a recording that repeats another: what of that. */
export function repeating(recording: Recording, path: string, relays: readonly number[], where: string | undefined): Record<string, string> {
  return { [repeatsFact]: path, [startedFact]: recording.facts()['started'] ?? '', [relaysFact]: relays.join(','), ...(where === undefined ? {} : { [whereFact]: where }) }
}

/** By which the repeated recording is known again, wherever it has been moved to. */
const startedFact = 'repeats-started'
const relaysFact = 'repeats-relays'
const whereFact = 'repeats-where'

/** All of `a`, or, where `b` repeats it, what of it `b` set out to repeat and did; and how many it didn't. */
export function sideRepeatedBy(a: Recording, b: Recording): { readonly side: RecordedSide, readonly notSent: number, readonly repeats: boolean } {
  const facts = b.facts()
  const relays = new Set((facts[relaysFact] ?? '').split(',').map(Number))
  const protocol = a.relays().find(({ id }) => relays.has(id))?.protocol as Protocol | undefined
  if (facts[repeatsFact] === undefined || facts[startedFact] !== a.facts()['started'] || protocol === undefined) return { side: wholeSide(a), notSent: 0, repeats: false }
  const where = facts[whereFact]
  const selection = where === undefined ? {} : { where }
  const connections = new Set<number>()
  for (const { id, relayId } of a.connections()) if (relays.has(relayId)) connections.add(id)
  const only = new Set<number>()
  for (const { id } of protocol === 'http' ? a.exchanges(selection) : protocol === 'ftp' ? a.ftpSessions(selection) : a.connections(selection)) only.add(id)
  let notSent = 0
  for (const { text } of b.events({ where: `source = '${senderSource}' AND kind = 'not-sent'` })) {
    for (const id of text.slice(0, text.indexOf(':')).split(',')) {
      only.delete(Number(id))
      notSent++
    }
  }
  return { side: { ...wholeSide(a), connections, only }, notSent, repeats: true }
}

/** What differs where an answer was left. */
const leftFields = new Set(['answer', 'end', 'transfer'])

/** Counts a comparison with a recording of ours, and tells of answers that we didn't listen to any longer. */
export class KnowingTally extends Tally {
  /** Why an answer was left, by its record. */
  readonly #left = new Map<number, string>()
  /** How many commands weren't sent, and after what, by their session. */
  readonly #notLoggedIn = new Map<number, { readonly field: string, readonly was: string }>()

  constructor(b: Recording, onDifference?: ConstructorParameters<typeof Tally>[0]) {
    super(onDifference)
    const events = [...b.events({ where: `source = '${senderSource}' AND kind IN ('left', 'not-logged-in', 'not-gone-on')` })]
    if (events.length === 0) return
    const sessions = new Map([...b.ftpSessions()].map(({ id, connectionId }) => [connectionId, id]))
    for (const { kind, text, messageId, connectionId } of events) {
      const session = connectionId === null ? undefined : sessions.get(connectionId)
      const about = kind === 'left' ? messageId ?? session ?? connectionId : session
      if (about === null || about === undefined) continue
      if (kind === 'left') this.#left.set(about, text)
      else this.#notLoggedIn.set(about, { field: kind === 'not-gone-on' ? 'after that' : 'after the login', was: text })
    }
  }

  override pair(named: Named, outcome: Outcome, found: Iterable<MessageDifference>): void {
    if (this.#left.size === 0 && this.#notLoggedIn.size === 0) {
      super.pair(named, outcome, found)
      return
    }
    const all = [...found]
    // The whole answer may have been with the relay when the run was ended, though not yet with its client.
    if (named.b !== null && named.protocol === 'http' && this.#left.get(named.b) === runEnded && !all.some(({ field }) => leftFields.has(field))) this.#left.delete(named.b)
    const differences = [...this.#known(named, all)]
    // How it ended once we had left, nobody can tell from the bytes.
    const left = named.b !== null && this.#left.has(named.b)
    super.pair(named, left ? 'failed' : outcome === 'same' && differences.length > 0 ? 'different' : outcome, differences)
  }

  /** @param all what was found. @returns it with why an answer was left in place of what that looked like. */
  *#known(named: Named, all: readonly MessageDifference[]): Generator<MessageDifference> {
    const commands = named.b === null ? undefined : this.#notLoggedIn.get(named.b)
    const told = new Set<number>()
    const about = (one: MessageDifference): number | null => one.b ?? named.b
    const seen = new Set(all.filter(({ field }) => leftFields.has(field)).map(about))
    if (named.b !== null && !all.some((one) => about(one) === named.b)) yield* this.#leftOf(named.b, told)
    for (const one of all) {
      const id = about(one)
      const why = id === null ? undefined : this.#left.get(id)
      if (id !== null && !seen.has(id)) yield* [...this.#leftOf(id, told)].map((left) => ({ ...one, ...left }))
      if (commands !== undefined && one.b === undefined && /^command \d+$/.test(one.field)) yield { ...commands, now: 'not comparable' }
      else if (why === runEnded && told.has(id!)) continue
      else if (why === undefined || !leftFields.has(one.field)) yield one
      else if (!told.has(id!)) {
        told.add(id!)
        yield { ...one, now: why }
      }
    }
  }

  *#leftOf(id: number, told: Set<number>): Generator<MessageDifference> {
    const why = this.#left.get(id)
    if (why === undefined || told.has(id)) return
    told.add(id)
    yield { field: 'answer', was: 'complete', now: why }
  }
}
