import { cut, cutPieces, piecesWidth, widthOf, wrap } from './fitting.js'
import type { Piece } from './fitting.js'
import type { Phase, Tone } from './moments.js'
import { barOf } from './picture.js'
import type { DrawnRow, Lane, Picture } from './picture.js'
import { controlWords, formatSince, headingOf, markWords, verdictOf } from './words.js'

/** How each tone looks; all of them as they are where there is no colour. */
export type Paint = Readonly<Record<Tone | 'strong', (text: string) => string>>

/** Beside a row: thin while nothing flows, thick while bytes do. */
const running: Readonly<Record<Phase, string>> = {
  prepared: '┊', connected: '│', flowing: '┃', drained: '│', closed: ' ', open: ' ',
}

/** In the row of the step itself. */
const stepping: Readonly<Record<Phase, string>> = {
  prepared: '┊', connected: '┌', flowing: '┃', drained: '┃', closed: '└', open: '┆',
}

/** What went wrong is told over so many lines. */
const mostLines = 3

/** A session as lines: time, control lane, data lane. None is wider than `columns`, from 40 on. */
export function* textPicture(picture: Picture, columns: number, paint: Paint): Generator<string> {
  const { story, rows, end, lanes } = picture
  const draw = (pieces: readonly Piece[]): string => pieces.map(({ text, tone }) => paint[tone](text)).join('')
  const time = formatSince(end - story.session.started).length
  // Two spaces behind the time, two before the data lane.
  const room = Math.max(30, columns - time - 4)
  const control = Math.floor(room * 0.56)
  yield paint.strong(cut(headingOf(story), columns))
  for (const line of filled(verdictOf(picture), columns)) yield draw(line)
  yield paint.dim(`${'time'.padStart(time)}  ${'control'.padEnd(control)}  data`)
  for (const row of rows) {
    const left = controlLane(row, control)
    const right = dataLane(row, lanes, room - control)
    const carrier = barOf(row)
    for (let line = 0; line < Math.max(left.length, right.length); line++) {
      const since = line > 0 || row.said?.kind === 'wait' ? '' : formatSince(row.time - story.session.started)
      const gap = control - piecesWidth(left[line] ?? []) + 2
      const leader: Piece = carrier !== null && line === 0 ? { text: ` ${'┄'.repeat(gap - 1)}`, tone: 'dim' } : { text: ' '.repeat(gap), tone: 'plain' }
      yield `${paint.dim(since.padStart(time))}  ${draw([...left[line] ?? [], leader, ...right[line] ?? lanesOf(row.lanes, lanes)])}`.trimEnd()
    }
  }
}

function controlLane({ said }: DrawnRow, width: number): Piece[][] {
  if (said === null) return []
  const { pieces, latency } = controlWords(said, width)
  const room = latency === null ? width : width - widthOf(latency.text) - 1
  const [only] = pieces
  const bad = pieces.length === 1 && (only!.tone === 'bad' || only!.tone === 'notable')
  const lines = bad ? wrapped(only!, room) : [cutPieces(pieces, room)]
  if (latency === null) return lines
  const [first, ...more] = lines
  return [[...first!, { text: ' '.repeat(width - piecesWidth(first!) - widthOf(latency.text)), tone: 'plain' }, latency], ...more]
}

/** Lines after the first are indented, so that they read as one. */
function wrapped({ text, tone }: Piece, width: number): Piece[][] {
  return wrap(text, width - 2, mostLines).map((line, index) => [{ text: index === 0 ? line : `  ${line}`, tone }])
}

function dataLane(row: DrawnRow, count: number, width: number): Piece[][] {
  const { mark } = row
  if (mark === null) return [lanesOf(row.lanes, count)]
  const bars = row.lanes.map((lane, at): Piece => at !== row.lane || lane === null ? beside(lane)
    : { text: mark.connects ? '┌' : stepping[lane.phase], tone: mark.tone === 'dim' ? 'plain' : mark.tone })
  while (bars.length < count) bars.push(beside(null))
  const room = width - count - 1
  const label = markWords(mark)
  const lines = mark.tone === 'bad' || mark.tone === 'notable' ? wrap(label.text, room, mostLines) : [cut(label.text, room)]
  return lines.map((text, index) => [...index === 0 ? bars : lanesOf(row.lanes, count), { text: ` ${text}`, tone: mark.tone }])
}

function lanesOf(lanes: readonly (Lane | null)[], count: number): Piece[] {
  return Array.from({ length: count }, (_, at) => beside(lanes[at] ?? null))
}

function beside(lane: Lane | null): Piece {
  return { text: lane === null ? ' ' : running[lane.phase], tone: 'plain' }
}

/** Pieces in as many lines as they need, with dots between them. */
function filled(pieces: readonly Piece[], width: number): Piece[][] {
  const lines: Piece[][] = []
  for (const piece of pieces) {
    const last = lines.at(-1)
    if (last === undefined || piecesWidth(last) + 3 + widthOf(piece.text) > width) lines.push([piece])
    else last.push({ text: ' · ', tone: 'dim' }, piece)
  }
  return lines.map((line) => cutPieces(line, width))
}
