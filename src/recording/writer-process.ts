import type { Database } from 'better-sqlite3'

/** Whether the process that a recording names as its writer is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The process that is writing a recording; null where none is. */
export function runningWriter(database: Database): number | null {
  const pid = Number(database.prepare(`SELECT value FROM recording WHERE key = 'writer'`).pluck().get() ?? 0)
  return pid !== 0 && isRunning(pid) ? pid : null
}
