import type { Protocol } from '../../relay/address.js'
import type { Quantiles } from './sample.js'

/** One thing in which two recordings differ. */
export interface AnswerDifference {
  readonly protocol: Protocol
  /** Id of the record in the first recording (what was recorded), null where it has none; `wiretape show FILE ID` shows it. */
  readonly a: number | null
  /** Id of its counterpart in the second (what came now). */
  readonly b: number | null
  /** What was asked, in a line: `GET /books?page=2`, `RETR a.txt`, `shop.example A`. Has what the wire had. */
  readonly asked: string
  /** `status`, `header:content-type`, `body $.items[2].price`, `body line 3`, `offset 12`, `answer` … */
  readonly field: string
  /** What the first has; null where there is none. Long values are cut. */
  readonly was: string | null
  /** What the second has. */
  readonly now: string | null
}

/** How the server's answers in two recordings compare. Each request, connection, session or query is counted once. */
export interface Comparison {
  readonly same: number
  readonly different: number
  /** Answered in the first recording, and not, or not wholly, in the second. */
  readonly failed: number
  /** Equal as far as can be known: a part of them isn't in one of the recordings. Each has a difference of the field `not compared`. */
  readonly uncompared: number
  /** Laid side by side: the sum of those above. Where it is 0, no difference means nothing. */
  readonly compared: number
  /** Without a counterpart in the second recording. */
  readonly onlyA: number
  readonly onlyB: number
  /** Of the first recording, what wasn't sent by the run that made the second, and so isn't compared. */
  readonly notSent: number
  /** The first 10,000; `differenceCount` is how many there are. */
  readonly differences: readonly AnswerDifference[]
  readonly differenceCount: number
  /** Ms that answers took, of those that have a counterpart; null where none has. */
  readonly latency: { readonly a: Quantiles | null, readonly b: Quantiles | null }
  /** Sentences on what the numbers don't say: what a recording lacks, or has in another form. Have what the wire had. */
  readonly notes: readonly string[]
}

/** How one pair has come out. */
export type Outcome = 'same' | 'different' | 'failed' | 'uncompared'

export type FoundDifference = Pick<AnswerDifference, 'field' | 'was' | 'now'>

/** The field of what can't be compared, as one of the recordings doesn't have it. */
export const notCompared = 'not compared'

/** @param was why the first doesn't have it; null where it does. So `now`. @returns none where both have it. */
export function lacking(was: string | null, now: string | null): FoundDifference[] {
  return was === null && now === null ? [] : [{ field: notCompared, was: was ?? 'recorded', now: now ?? 'recorded' }]
}

/** Of a pair that was answered on both sides. */
export function outcomeOf(found: readonly FoundDifference[]): Outcome {
  return found.length === 0 ? 'same' : found.every(({ field }) => field === notCompared) ? 'uncompared' : 'different'
}

/** Of one message: the rest is told as a number. */
export const mostOfOneMessage = 20

/** Values in differences are cut to so many characters. */
const longestValue = 200

export function cutValue(text: string): string {
  return text.length <= longestValue ? text : `${text.slice(0, longestValue - 1)}…`
}

/** Of what both begin with, so much is shown before where they part. */
const shownBefore = 40

/** Two long values are cut so that what differs is seen: those that begin alike, shortly before they part. */
export function cutValues(was: string | null, now: string | null): { readonly was: string | null, readonly now: string | null } {
  if (was === null || now === null || Math.max(was.length, now.length) <= longestValue) return { was: was === null ? null : cutValue(was), now: now === null ? null : cutValue(now) }
  let same = 0
  while (same < was.length && was[same] === now[same]) same++
  const from = same - shownBefore
  if (from <= shownBefore) return { was: cutValue(was), now: cutValue(now) }
  return { was: cutValue(`…${was.slice(from)}`), now: cutValue(`…${now.slice(from)}`) }
}

/** At most `mostOfOneMessage` of them, and a last one that says how many more there are. */
export function bounded(found: Iterable<FoundDifference>, rest: string): FoundDifference[] {
  const kept: FoundDifference[] = []
  let more = 0
  for (const one of found) {
    if (kept.length < mostOfOneMessage) kept.push(one)
    else more++
  }
  if (more > 0) kept.push({ field: rest, was: null, now: `${more} more` })
  return kept
}
