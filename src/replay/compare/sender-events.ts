import type { Recording } from '../../recording/recording.js'

/*
 * What only `sendRecording` knows of the traffic it makes, and leaves in its recording as events, so that comparing it later comes to the same.
 */

/** Who tells these events. */
export const senderSource = 'send'

/**
 * `left`: an answer that wasn't listened to any longer, and why. `not-logged-in`, `not-gone-on`: how many commands weren't sent, as the login before
 * them had failed, or a reply was left.
 * `not-sent`: records of the repeated recording that couldn't be sent, and why.
 * `not-chosen`: such as weren't asked for.
 */
export type SenderEvent = 'left' | 'not-logged-in' | 'not-gone-on' | 'not-sent' | 'not-chosen'

/** Why an answer was left that the run's end had cut: what it lacks is nothing of the server's. */
export const runEnded = 'the run was ended'

/** An event on records of the repeated recording. Of those it has the ids alone: what they asked may be what a plugin keeps out of the new recording. */
export interface ToldRecords {
  readonly text: string
  /** The ids, as JSON. */
  readonly parameters: string
}

/** Ids of one event: a million of them needn't be one text. */
const idsOfOneEvent = 10_000

export function* toldRecords(ids: readonly number[], text: string): Generator<ToldRecords> {
  for (let at = 0; at < ids.length; at += idsOfOneEvent) yield { text, parameters: JSON.stringify(ids.slice(at, at + idsOfOneEvent)) }
}

/** Ids of all records that a recording has such events on. */
export function* recordsTold(recording: Recording, kind: SenderEvent): Generator<number> {
  for (const { parameters } of recording.events({ where: `source = '${senderSource}' AND kind = '${kind}'` })) yield* idsIn(parameters)
}

/** Anyone may have made the file. */
function idsIn(parameters: string | null): number[] {
  try {
    const ids: unknown = JSON.parse(parameters ?? '[]')
    return Array.isArray(ids) ? ids.filter((id): id is number => Number.isSafeInteger(id)) : []
  } catch {
    return []
  }
}
