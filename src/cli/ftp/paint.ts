import { colour as pc } from '../colour.js'
import { columnsOf } from '../columns.js'
import type { Paint } from './text-picture.js'

const narrowest = 60

/** Columns to draw in. */
export function terminalColumns(): number {
  return Math.max(narrowest, columnsOf(process.stdout))
}

/** Tones as colours on a terminal that wants them; elsewhere everything as it is. */
export function terminalPaint(): Paint {
  return { plain: (text) => text, dim: pc.dim, good: pc.green, bad: pc.red, notable: pc.yellow, strong: pc.bold }
}
