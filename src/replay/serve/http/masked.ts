/** Fewer asterisks in a row are nobody's mask. */
const mask = /\*{3,}/

/** Whether a recorded text would stand for this one, were what it has asterisks for as long as they are. */
export function isMaskedOtherwise(recorded: string, came: string): boolean {
  if (!mask.test(recorded)) return false
  const around = recorded.split(/\*{3,}/)
  const [start, end] = [around[0]!, around.at(-1)!]
  let at = start.length
  if (!came.startsWith(start)) return false
  for (const part of around.slice(1, -1)) {
    const next = came.indexOf(part, at)
    if (next < 0) return false
    at = next + part.length
  }
  return came.endsWith(end) && came.length - end.length >= at
}

/**
 * Whether a recorded text stands for this one although parts of it were masked (the plugin `redact`): it has asterisks there, and nothing else differs.
 * Masks keep lengths.
 */
export function isMasked(recorded: string, came: string): boolean {
  if (recorded.length !== came.length || !mask.test(recorded)) return false
  for (let at = 0; at < recorded.length; at++) if (recorded[at] !== came[at] && recorded[at] !== '*') return false
  return true
}
