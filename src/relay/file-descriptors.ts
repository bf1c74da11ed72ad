import { readdirSync, readFileSync } from 'node:fs'
import { systemCodeOf } from '../error.js'

/** Kept free for what a relay opens besides connections: name look-ups, the recording's checkpoints. */
const reserve = 8

/**
 * How many more sockets this process may open; infinite where the system doesn't tell (it does on Linux).
 *
 * Asked ahead, because running out can't be noticed: when accepting fails for want of a descriptor, libuv takes and closes the
 * waiting connections itself and tells nobody.
 */
export function socketCapacity(): number {
  return Math.max(2, freeDescriptors() - reserve)
}

/** What this process may still open; infinite where the system doesn't tell. */
export function freeDescriptors(): number {
  try {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity)
    return limit - readdirSync('/proc/self/fd').length
  } catch (thrown) {
    return systemCodeOf(thrown) === 'EMFILE' ? 0 : Infinity
  }
}

/** @param code the system's. @param open connections at that moment. */
export function outOfDescriptors(code: string, open: number): string {
  return `out of file descriptors (${code}) at ${open} connections: new ones are turned away until others close; raise the limit with ulimit -n`
}
