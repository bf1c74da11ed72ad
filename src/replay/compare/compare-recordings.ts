import { checkOptions } from '../../recording/known-options.js'
import type { OptionKinds } from '../../recording/known-options.js'
import { openRecording } from '../../recording/recording.js'
import type { Recording } from '../../recording/recording.js'
import type { AnswerDifference, Comparison } from './comparison.js'
import { compareExchanges } from './http-exchanges.js'
import { compareFtp } from './ftp-sessions.js'
import { KnowingTally } from './knowing-tally.js'
import { readIgnored } from './ignored.js'
import type { Ignored } from './ignored.js'
import { checkComparable, recordingNotes } from './recording-notes.js'
import { wholeSide } from './recorded-side.js'
import type { RecordedSide } from './recorded-side.js'
import { sideRepeatedBy } from './repeated-side.js'
import { compareTcp } from './tcp-connections.js'
import { compareUdp } from './udp-sessions.js'

export interface CompareOptions {
  /** What isn't compared: `header:NAME` (or the name alone), `json:$.path`, `status`, `body`, `text` (of FTP replies). Headers of times and ids aren't anyway. */
  readonly ignore?: readonly string[]
  /** Told of each difference as it is found: the result has the first 10,000. */
  readonly onDifference?: (difference: AnswerDifference) => void
}

const kinds: OptionKinds<CompareOptions> = { ignore: 'list', onDifference: 'function' }

/**
 * Compares what the servers said in two recordings, to the same requests.
 * @param a a recording's path, or an open one; so `b`.
 * @throws WiretapeError `usage` (also where they have nothing in common), `not-found`, `not-a-recording` …
 */
export async function compareRecordings(a: string | Recording, b: string | Recording, options: CompareOptions = {}): Promise<Comparison> {
  checkOptions('compareRecordings', kinds, options, "{ ignore: ['header:date'] }")
  const ignored = readIgnored(options.ignore ?? [])
  const opened: Recording[] = []
  const open = (given: string | Recording): Recording => {
    if (typeof given !== 'string') return given
    const recording = openRecording(given)
    opened.push(recording)
    return recording
  }
  try {
    const [first, second] = [open(a), wholeSide(open(b))]
    const { side, notSent, repeats } = sideRepeatedBy(first, second.recording)
    // A run that was ended before it had sent anything has something to tell all the same.
    if (!repeats) checkComparable(side, second)
    const { notes, ...comparison } = await compareSides(side, second, ignored, notSent, options.onDifference)
    const nothing = comparison.compared > 0 ? [] : ['nothing was compared: what was asked in one of them was not asked in the other']
    return { ...comparison, notes: [...recordingNotes(side, second), ...notes, ...nothing] }
  } finally {
    for (const recording of opened) recording.close()
  }
}

/** @param notSent how many of the first recording are left out of `a`, as they weren't sent. */
export async function compareSides(a: RecordedSide, b: RecordedSide, ignored: Ignored, notSent: number, onDifference?: (difference: AnswerDifference) => void): Promise<Comparison> {
  const tally = new KnowingTally(b.recording, onDifference)
  tally.notSent = notSent
  await compareExchanges(a, b, ignored, tally)
  await compareTcp(a, b, tally)
  compareUdp(a, b, tally)
  compareFtp(a, b, ignored, tally)
  return tally.comparison
}
