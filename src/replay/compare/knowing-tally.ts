import type { Recording } from '../../recording/recording.js'
import type { Outcome } from './comparison.js'
import { runEnded, senderSource } from './sender-events.js'
import { Tally } from './tally.js'
import type { MessageDifference, Named } from './tally.js'

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
