import { fileURLToPath } from 'node:url'
import type { RelayOptions, RelayStats } from '../../src/index.js'
import type { BenchPlugin } from '../bench-plugins.js'
import type { Session } from '../bench.js'
import { loopback } from '../ports.js'
import type { Peer, RunningPeer } from './peer.js'

type Report = { readonly stats: RelayStats, readonly failure: string | null, readonly peakMemory: number }

/** The relay's process, for what is looked at while it runs. */
export interface RunningRelay extends RunningPeer {
  readonly pid: number
}

const script = fileURLToPath(new URL('../relay-process.js', import.meta.url))

type Protocol = 'http' | 'tcp' | 'ftp' | 'udp'

/** Without --control nobody can ask for faults while it runs. */
const asFromTheCommandLine = { injectable: false }

/** Ours, with every byte decoded and in a fresh file. */
export function recordingOf(protocol: Protocol): Peer {
  return {
    name: 'recording',
    program: null,
    start: (session, origin) => startRelayProcess(session, {
      ...relayTo(protocol, origin), ...asFromTheCommandLine, record: session.scratch.fresh('recording.sqlite'),
    }),
  }
}

/** Ours, as a relay only. */
export function notRecordingOf(protocol: Protocol): Peer {
  return {
    name: 'not recording',
    program: null,
    start: (session, origin) => startRelayProcess(session, { ...relayTo(protocol, origin), ...asFromTheCommandLine }),
  }
}

/** Ours with a plugin, recording or not. @param beside another protocol that is relayed too: a plugin that no relay has work for is refused. */
export function withPlugin(plugin: BenchPlugin, records: boolean, beside?: Protocol): Peer {
  return {
    name: `plugin: ${plugin}${records ? ', recording' : ''}`,
    program: null,
    start: (session, origin) => startRelayProcess(session, {
      ...relayTo('http', origin), ...(beside === undefined ? {} : relayTo(beside, origin)), ...asFromTheCommandLine,
      plugin, ...(records ? { record: session.scratch.fresh('recording.sqlite') } : {}),
    }),
  }
}

/** Ours with faults that ship, as on the command line. @param gone they are taken out again before there is any traffic. */
export function withFaults(name: string, protocol: Protocol, faults: readonly string[], gone = false): Peer {
  return {
    name,
    program: null,
    start: (session, origin) => startRelayProcess(session, gone ? { ...relayTo(protocol, origin), gone: faults } : { ...relayTo(protocol, origin), plugins: faults }),
  }
}

export const recording = recordingOf('http')
export const notRecording = notRecordingOf('http')

export async function startRelayProcess(
  { processes }: Session, options: Omit<RelayOptions, 'record'> & { readonly record?: string, readonly plugin?: BenchPlugin, readonly gone?: readonly string[] },
): Promise<RunningRelay> {
  const running = processes.start(process.execPath, [script, JSON.stringify(options)])
  const { port } = JSON.parse(await running.firstLine()) as { port: number }
  return {
    port,
    pid: running.pid,
    async stop() {
      const { code, signal } = await running.stop()
      const last = running.output.trim().split('\n').at(-1)!
      if (code !== 0 || !last.includes('peakMemory')) {
        throw new Error(`the relay ended with ${signal ?? `exit ${code}`} and without a report: ${running.complaint}`)
      }
      const report = JSON.parse(last) as Report
      if (report.failure !== null) throw new Error(`the relay failed: ${report.failure}`)
      return { recording: options.record ?? null, peakMemory: report.peakMemory }
    },
  }
}

function relayTo(protocol: Protocol, origin: number): Pick<RelayOptions, Protocol> {
  const target = `${loopback}:${origin}`
  return { [protocol]: `0=${protocol === 'http' ? `http://${target}` : target}` }
}
