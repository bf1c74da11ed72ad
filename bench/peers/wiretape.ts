import { fileURLToPath } from 'node:url'
import type { RelayOptions, RelayStats } from '../../src/index.js'
import type { Session } from '../bench.js'
import { loopback } from '../ports.js'
import type { Peer, RunningPeer } from './peer.js'

type Report = { readonly stats: RelayStats, readonly failure: string | null, readonly peakMemory: number }

const script = fileURLToPath(new URL('../relay-process.js', import.meta.url))

/** Ours, with every byte decoded and in a fresh file. */
export const recording: Peer = {
  name: 'recording',
  program: null,
  start: (session, origin) => startRelayProcess(session, origin, session.scratch.fresh('recording.sqlite')),
}

/** Ours, as a relay only. */
export const notRecording: Peer = {
  name: 'not recording',
  program: null,
  start: (session, origin) => startRelayProcess(session, origin, null),
}

async function startRelayProcess({ processes }: Session, origin: number, file: string | null): Promise<RunningPeer> {
  const options: RelayOptions = { http: `0=http://${loopback}:${origin}`, ...(file === null ? {} : { record: file }) }
  const running = processes.start(process.execPath, [script, JSON.stringify(options)])
  const { port } = JSON.parse(await running.firstLine()) as { port: number }
  return {
    port,
    async stop() {
      const { code, signal } = await running.stop()
      const last = running.output.trim().split('\n').at(-1)!
      if (code !== 0 || !last.includes('peakMemory')) {
        throw new Error(`the relay ended with ${signal ?? `exit ${code}`} and without a report: ${running.complaint}`)
      }
      const report = JSON.parse(last) as Report
      if (report.failure !== null) throw new Error(`the relay failed: ${report.failure}`)
      return { recording: file, peakMemory: report.peakMemory }
    },
  }
}
