/** Fewer asterisks in a row are nobody's mask. */
const mask = /\*{3,}/

/**
 * Whether a recorded text stands for this one although parts of it were masked (the plugin `redact`): it has asterisks there, and nothing else differs.
 * Masks keep lengths.
 */
export function isMasked(recorded: string, came: string): boolean {
  if (recorded.length !== came.length || !mask.test(recorded)) return false
  for (let at = 0; at < recorded.length; at++) if (recorded[at] !== came[at] && recorded[at] !== '*') return false
  return true
}
