import type { RunningProcess } from '../processes.js'
import { noTraces } from './peer.js'
import type { RunningPeer } from './peer.js'

/** A peer whose process prints its port as JSON in its first line, and leaves nothing behind. */
export async function listening(running: RunningProcess): Promise<RunningPeer> {
  const { port } = JSON.parse(await running.firstLine()) as { port: number }
  return {
    port,
    async stop() {
      await running.stop()
      return noTraces
    },
  }
}
