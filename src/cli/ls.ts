import { WiretapeError } from '../error.js'
import { openRecording, type Recording } from '../recording/recording.js'
import type { TimelineRecord } from '../recording/rows.js'
import { printableJsonText, printableLine } from './escape.js'
import { Output } from './output.js'
import { timelineHeading, timelineLine } from './timeline.js'

export interface LsArguments {
  readonly file: string | undefined
  readonly where: string | undefined
  readonly limit: number | undefined
  readonly json: boolean
  readonly follow: boolean
}

/** How often a recording that is followed is looked at again, in ms. */
const followInterval = 200

/** Ids named in one query. */
const idsAtOnce = 5_000

/** For how many looks a record may be written late: a writer has it in the file within a quarter of a second. */
const looksBack = 25

export async function ls({ file, where, limit, json, follow }: LsArguments): Promise<void> {
  using recording = openRecording(file)
  // Lines of the timeline are printable as they are.
  const output = json ? new Output(printableJsonText) : new Output()
  if (follow && limit !== undefined) throw new WiretapeError('usage', '--limit and --follow exclude each other: following has no end to count to')
  if (!json && process.stdout.isTTY) output.line(timelineHeading())
  const selection = { ...(where === undefined ? {} : { where }), ...(limit === undefined ? {} : { limit }) }
  if (!follow) {
    let listed = 0
    for (const line of json ? recording.recordsAsJson(selection) : recording.records(selection)) {
      output.line(typeof line === 'string' ? line : timelineLine(line))
      listed++
    }
    output.flush()
    if (listed === 0 && process.stderr.isTTY) process.stderr.write(`no records${where === undefined ? '' : ' that match'} in ${printableLine(recording.path)}\n`)
    return
  }
  await followRecords(recording, where, (record) => {
    output.line(json ? JSON.stringify(record) : timelineLine(record))
    output.flush()
  })
}

/**
 * Prints each record once, when it is over. Records are written up to a moment after they get their ids, and not in that
 * order: the last few are looked at again, and those still open are asked for by their ids.
 */
async function followRecords(recording: Recording, where: string | undefined, print: (record: TimelineRecord) => void): Promise<void> {
  // Told now, in the words that were given.
  if (where !== undefined) for (const _ of recording.records({ where, limit: 1 })) break
  const open = new Set<number>()
  const printed = new Set<number>()
  const horizons: number[] = []
  let newest = 0
  for (;;) {
    const finished = recording.ended
    const after = horizons.length < looksBack ? 0 : horizons.shift()!
    for (const id of printed) if (id <= after) printed.delete(id)
    const ids = [...open].join(',')
    const over: number[] = []
    // What doesn't come back is told by other records now: a connection by its messages.
    open.clear()
    for (const record of recording.records({ where: `id > ${after} OR id IN (${ids})` })) {
      if (record.id > newest) newest = record.id
      if (!isOver(record) && !finished) {
        open.add(record.id)
      } else if (!printed.has(record.id)) {
        printed.add(record.id)
        over.push(record.id)
      }
    }
    // Asked only now: what an open record will be like, a condition can't say.
    const condition = where === undefined ? '' : `(${where}) AND `
    for (let at = 0; at < over.length; at += idsAtOnce) {
      for (const record of recording.records({ where: `${condition}id IN (${over.slice(at, at + idsAtOnce).join(',')})` })) print(record)
    }
    if (finished) return
    horizons.push(newest)
    await new Promise((resolve) => setTimeout(resolve, followInterval))
  }
}

/** A query that nobody answered has no duration, and is over. */
function isOver({ durationMs, kind, outcome }: TimelineRecord): boolean {
  return durationMs !== null || (kind === 'query' && outcome !== 'open')
}
