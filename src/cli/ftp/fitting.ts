import stringWidth from 'string-width'
import type { Tone } from './moments.js'

/** A piece of a line, in one style. */
export interface Piece {
  readonly text: string
  readonly tone: Tone
}

const characters = new Intl.Segmenter()

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** The text in at most so many columns; `…` says that it was longer. */
export function cut(text: string, width: number): string {
  if (width <= 0) return ''
  return fits(text, width) ? text : `${beginning(text, width - 1)}…`
}

function fits(text: string, width: number): boolean {
  // Nothing in a text of this length needs to be measured: a command may be very long.
  return text.length <= 4 * width + 64 && widthOf(text) <= width
}

/** As much of the text as there are columns for, in whole characters. */
function beginning(text: string, width: number): string {
  let kept = ''
  let used = 0
  for (const { segment } of characters.segment(text.slice(0, 4 * width + 64))) {
    used += widthOf(segment)
    if (used > width) break
    kept += segment
  }
  return kept
}

/** A line of at most so many columns; what doesn't fit is cut off at its end. */
export function cutPieces(pieces: readonly Piece[], width: number): Piece[] {
  const kept: Piece[] = []
  let left = width
  for (const piece of pieces) {
    if (left <= 0) break
    const text = cut(piece.text, left)
    kept.push({ ...piece, text })
    left -= widthOf(text)
  }
  return kept
}

export function piecesWidth(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { text }) => sum + widthOf(text), 0)
}

/** The text in lines of at most so many columns, broken at spaces where there are any. What is over goes with a `…`. */
export function wrap(text: string, width: number, lines: number): string[] {
  const done: string[] = []
  let rest = text
  while (done.length < lines - 1 && !fits(rest, width)) {
    const most = beginning(rest, width)
    const space = rest[most.length] === ' ' ? most.length : most.lastIndexOf(' ')
    const end = space > 0 ? space : most.length
    if (end === 0) break
    done.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  return [...done, cut(rest, width)]
}
