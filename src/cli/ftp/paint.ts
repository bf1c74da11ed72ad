import type { createColors } from 'picocolors'
import type { Paint } from './text-picture.js'

/** Tones as colours; with colours off, everything as it is. */
export function paintWith(colors: ReturnType<typeof createColors>): Paint {
  return { plain: (text) => text, dim: colors.dim, good: colors.green, bad: colors.red, notable: colors.yellow, strong: colors.bold }
}
