/** Ms of the longest timer that there is: a longer one would go off at once. */
export const longestTimer = 2 ** 31 - 1

/** Ms for a timer that may be asked to wait longer than one can: 24 days are as good as for ever. */
export function timerOf(ms: number): number {
  return Math.min(longestTimer, ms)
}
