import { performance } from 'node:perf_hooks'

const origin = performance.timeOrigin

/**
 * Microseconds since the epoch, as an integer that never runs backwards: the wall clock as it was when the process
 * started, plus the monotonic clock since. A later correction of the wall clock doesn't disturb a recording's intervals.
 */
export function microseconds(): number {
  return Math.floor((origin + performance.now()) * 1000)
}
