import pc from 'picocolors'
import type { Paint } from './text-picture.js'

const narrowest = 60

/** Columns to draw in. */
export function terminalColumns(): number {
  return Math.max(narrowest, process.stdout.columns ?? 80)
}

/** Tones as colours on a terminal that wants them; elsewhere everything as it is. */
export function terminalPaint(): Paint {
  const colors = pc.createColors(process.stdout.isTTY && pc.isColorSupported)
  return { plain: (text) => text, dim: colors.dim, good: colors.green, bad: colors.red, notable: colors.yellow, strong: colors.bold }
}
