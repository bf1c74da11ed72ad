import type { JournalEntry } from 'wiretape'

/** A journal without what differs from run to run. */
export function untimed(journal: readonly JournalEntry[]): Omit<JournalEntry, 'time'>[] {
  return journal.map((entry) => ({ ...entry, time: 0 }))
}
