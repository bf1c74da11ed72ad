import type { ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import { openRecording, serveRecording } from 'wiretape'
import type { Recording, RecordingServer, ServeOptions } from 'wiretape'
import { until } from '../real/deadline.js'

/** A stand-in for the recorded server that is gone when the test is over. */
export async function serving(t: ExecutionContext, path: string, options: ServeOptions): Promise<RecordingServer> {
  const server = await serveRecording(path, { onProblem: (message) => t.fail(message), ...options })
  t.teardown(() => server.stop())
  return server
}

/** Makes a recording what only a slow disk or a crash would. */
export function alter(path: string, sql: string): void {
  const database = new Sqlite(path)
  database.exec(sql)
  database.close()
}

/** Resolves once a recording that is being written has got so far. */
export async function written(path: string, holds: (recording: Recording) => boolean): Promise<void> {
  await until(() => {
    let recording: Recording | null = null
    try {
      recording = openRecording(path)
      return holds(recording)
    } catch {
      // It may not be a recording yet.
      return false
    } finally {
      recording?.close()
    }
  }, `${path} to be written`)
}
