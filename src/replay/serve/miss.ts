import type { Address } from '../../recording/notes.js'
import type { Protocol } from '../../relay/address.js'

/** One field of what came that isn't as recorded. */
export interface Difference {
  /** `path`, `query`, `header:accept`, `body`, `body $.name`, `offset 12` … */
  readonly field: string
  /** What came; null where there is none. Long values are cut. */
  readonly came: string | null
  /** What the closest recorded one has. */
  readonly recorded: string | null
}

/**
 * Something that the recording has no answer for.
 * - `unknown`: nothing recorded matches.
 * - `exhausted`: all that matches has been given (`after: 'miss'`).
 * - `incomplete`: what matches wasn't recorded whole, or was masked: it isn't given short.
 * - `diverged`: a conversation went another way than the recorded one.
 */
export interface Miss {
  readonly kind: 'unknown' | 'exhausted' | 'incomplete' | 'diverged'
  readonly protocol: Protocol
  readonly client: Address | null
  /** What was asked, in a line: `GET /books?page=2`, `RETR a.txt`, `shop.example A`. Has what the wire had. */
  readonly asked: string
  /** Id of the closest record: `wiretape show ID` shows it. */
  readonly closest: number | null
  readonly differs: readonly Difference[]
  /** One sentence: what was wrong and, where there is one, the closest record. Has what the wire had. */
  readonly text: string
}
