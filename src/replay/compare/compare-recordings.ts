import { openRecording } from '../../recording/recording.js'
import type { Recording } from '../../recording/recording.js'
import type { AnswerDifference, Comparison } from './comparison.js'
import { compareExchanges } from './http-exchanges.js'
import { compareFtp } from './ftp-sessions.js'
import { readIgnored } from './ignored.js'
import type { Ignored } from './ignored.js'
import { checkComparable, recordingNotes } from './recording-notes.js'
import { wholeSide } from './recorded-side.js'
import type { RecordedSide } from './recorded-side.js'
import { Tally } from './tally.js'
import { compareTcp } from './tcp-connections.js'
import { compareUdp } from './udp-sessions.js'

export interface CompareOptions {
  /** What isn't compared: `header:NAME` (or the name alone), `json:$.path`, `status`, `body`, `text` (of FTP replies). Headers of times and ids aren't anyway. */
  readonly ignore?: readonly string[]
  /** Told of each difference as it is found: the result has the first 10,000. */
  readonly onDifference?: (difference: AnswerDifference) => void
}

/**
 * Compares what the servers said in two recordings, to the same requests.
 * @param a a recording's path, or an open one; so `b`.
 * @throws WiretapeError `usage` (also where they have nothing in common), `not-found`, `not-a-recording` …
 */
export async function compareRecordings(a: string | Recording, b: string | Recording, options: CompareOptions = {}): Promise<Comparison> {
  const ignored = readIgnored(options.ignore ?? [])
  const opened: Recording[] = []
  const open = (given: string | Recording): Recording => {
    if (typeof given !== 'string') return given
    const recording = openRecording(given)
    opened.push(recording)
    return recording
  }
  try {
    const [first, second] = [wholeSide(open(a)), wholeSide(open(b))]
    checkComparable(first, second)
    const { notes, ...comparison } = await compareSides(first, second, ignored, options.onDifference)
    const nothing = comparison.compared > 0 ? [] : ['nothing was compared: what was asked in one of them was not asked in the other']
    // Masked values, uploads that weren't recorded whole, a condition: `send` has told of these.
    if (comparison.onlyA > 0 && second.asked === 'received') nothing.push(`${second.recording.path} is what send sent: what it left out is missing there`)
    return { ...comparison, notes: [...recordingNotes(first, second), ...notes, ...nothing] }
  } finally {
    for (const recording of opened) recording.close()
  }
}

export async function compareSides(a: RecordedSide, b: RecordedSide, ignored: Ignored, onDifference?: (difference: AnswerDifference) => void): Promise<Comparison> {
  const tally = new Tally(onDifference)
  await compareExchanges(a, b, ignored, tally)
  await compareTcp(a, b, tally)
  compareUdp(a, b, tally)
  compareFtp(a, b, ignored, tally)
  return tally.comparison
}
