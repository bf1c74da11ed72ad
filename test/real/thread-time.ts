import { readFileSync } from 'node:fs'

/**
 * How long this thread has been at work, in ms: what other threads and programs do meanwhile isn't counted, so it tells how much there is to do,
 * however busy the machine is. Elsewhere than on Linux, where no system says so, the whole process.
 */
export function threadTime(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}
