import { barsOf } from './bars.js'
import type { Bar } from './bars.js'
import { foldRuns } from './folds.js'
import { controlMoments, dataMoments, slowestOf } from './moments.js'
import type { Phase } from './moments.js'
import { longPause, rowsOf } from './rows.js'
import type { Row } from './rows.js'
import { endOf } from './story.js'
import type { FtpStory } from './story.js'

/** Bars side by side at one time; more than these are told by their labels only. */
const widest = 6

export interface Lane {
  readonly bar: Bar
  readonly phase: Phase
}

/** A row with what stands in the columns of the data lane. */
export interface DrawnRow extends Row {
  readonly lanes: readonly (Lane | null)[]
  /** Which of the lanes the row's mark is about; -1 for none. */
  readonly lane: number
}

export interface Picture {
  readonly story: FtpStory
  readonly bars: readonly Bar[]
  readonly end: number
  readonly rows: readonly DrawnRow[]
  /** How many columns the right lane has. */
  readonly lanes: number
}

/** Lays a session out. @param full draw every transfer, also where there are very many. */
export function layOut(story: FtpStory, full: boolean): Picture {
  const end = endOf(story)
  const bars = barsOf(story)
  const pause = longPause(end - story.session.started)
  const slowest = slowestOf(bars)
  const folds = full ? null : foldRuns(story, bars, pause)
  const shown = folds === null ? story : folds.story
  const shownBars = folds === null ? bars : folds.bars
  const moments = [...controlMoments(shown, shownBars, end), ...(folds?.moments ?? []), ...dataMoments(shownBars, end, slowest)]
  const rows = rowsOf(moments, story, bars, pause)
  return { story, bars, end, ...drawn(rows) }
}

/** The bar that a row's command asked for or its reply ended, where it is drawn beside it: the two are to be tied. */
export function barOf({ said, lanes }: DrawnRow): Bar | null {
  const command = said?.kind === 'command' || said?.kind === 'exchange' ? said.id : said?.kind === 'reply' && said.final ? said.to : null
  return command === null ? null : lanes.find((lane) => lane?.bar.transfer?.commandId === command)?.bar ?? null
}

/** Gives each bar a column from its first row to its last. */
function drawn(rows: readonly Row[]): { rows: DrawnRow[], lanes: number } {
  const lanes: (Lane | null)[] = []
  const done: DrawnRow[] = []
  for (const row of rows) {
    const { mark } = row
    let lane = -1
    if (mark?.bar != null) {
      lane = lanes.findIndex((held) => held?.bar === mark.bar)
      if (lane < 0) {
        lane = lanes.indexOf(null)
        if (lane < 0 && lanes.length < widest) lane = lanes.length
      }
      if (lane >= 0) lanes[lane] = { bar: mark.bar, phase: mark.phase }
    }
    done.push({ ...row, lane, lanes: [...lanes] })
    if (lane >= 0 && (mark!.phase === 'closed' || mark!.phase === 'open')) lanes[lane] = null
  }
  return { rows: done, lanes: lanes.length }
}

