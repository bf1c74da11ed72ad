import type { Session } from './bench.js'
import type { Peer, Traces } from './peers/peer.js'
import { loopback } from './ports.js'
import { isInstalled } from './programs.js'
import type { Row } from './report/outcome.js'

/** What one peer came to, a sample a round. */
export interface Measured<Sample> {
  readonly peer: string
  readonly samples: Sample[]
  absent: string | null
}

export interface Plan<Sample> {
  readonly peers: readonly Peer[]
  /** The origin's port. */
  readonly origin: number
  /** Loads the peer that listens there. */
  measure(port: number, host: string): Promise<Sample>
  /** Looks at what is left once the peer has stopped; a recording is discarded afterwards. */
  inspect?(peer: string, sample: Sample, traces: Traces): void
}

/**
 * Measures each peer once a round, one after the other (A B C A B C …), each freshly started and alone: what changes on
 * the machine over a run changes for all of them.
 */
export async function measureInRounds<Sample>(session: Session, plan: Plan<Sample>): Promise<Measured<Sample>[]> {
  const all = plan.peers.map((peer) => ({
    peer, measured: { peer: peer.name, samples: [], absent: absence(peer) } as Measured<Sample>,
  }))
  for (let round = 1; round <= session.rounds; round++) {
    for (const { peer, measured } of all) {
      if (measured.absent !== null) continue
      session.say(`  round ${round} of ${session.rounds}: ${peer.name}`)
      try {
        measured.samples.push(await measureOnce(session, plan, peer))
      } catch (thrown) {
        // One that fails is out, and said to be; the others go on.
        measured.absent = `failed in round ${round}: ${thrown instanceof Error ? thrown.message : String(thrown)}`
        measured.samples.length = 0
      }
    }
  }
  return all.map(({ measured }) => measured)
}

/** One figure of every peer's samples, as a table's rows. */
export function rowsOf<Sample>(measured: readonly Measured<Sample>[], figure: (sample: Sample) => number): Row[] {
  return measured.map(({ peer, samples, absent }) => ({ peer, absent, samples: samples.map(figure) }))
}

async function measureOnce<Sample>(session: Session, plan: Plan<Sample>, peer: Peer): Promise<Sample> {
  const running = await peer.start(session, plan.origin)
  const outcome = await plan.measure(running.port, running.host ?? loopback).then((sample) => ({ sample }), (thrown: unknown) => ({ thrown }))
  const traces = await running.stop()
  try {
    if ('thrown' in outcome) throw outcome.thrown
    plan.inspect?.(peer.name, outcome.sample, traces)
    return outcome.sample
  } finally {
    if (traces.recording !== null) session.scratch.discard(traces.recording)
  }
}

function absence(peer: Peer): string | null {
  return peer.program !== null && !isInstalled(peer.program) ? `skipped: ${peer.program} is not installed` : null
}
