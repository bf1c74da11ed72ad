import { cutValue, cutValues } from './comparison.js'
import type { FoundDifference } from './comparison.js'

/**
 * Where two texts differ, by lines: after what both begin with, and before what both end with. Where as many lines lie between, each that differs is told
 * by its number; else they are told as one.
 */
export function* lineDifferences(was: string, now: string): Generator<FoundDifference> {
  const [a, b] = [was.split('\n'), now.split('\n')]
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let [endA, endB] = [a.length, b.length]
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  if (endA - start === endB - start) {
    for (let line = start; line < endA; line++) {
      if (a[line] !== b[line]) yield { field: `body line ${line + 1}`, ...cutValues(a[line]!, b[line]!) }
    }
    return
  }
  const most = Math.max(endA, endB)
  yield { field: most - start > 1 ? `body lines ${start + 1}-${most}` : `body line ${start + 1}`, was: told(a.slice(start, endA)), now: told(b.slice(start, endB)) }
}

function told(lines: readonly string[]): string | null {
  return lines.length === 0 ? null : cutValue(lines.slice(0, 10).join('\n')) + (lines.length > 10 ? ` (${lines.length} lines)` : '')
}
