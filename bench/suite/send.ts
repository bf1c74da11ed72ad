import { fileURLToPath } from 'node:url'
import type { Bench, Session } from '../bench.js'
import { askForEach } from '../clients/ask.js'
import { wrkOver } from '../clients/wrk.js'
import { nodeMap } from '../peers/replaying.js'
import { startRelayProcess } from '../peers/wiretape.js'
import { loopback } from '../ports.js'

const distinct = 1_000
const rate = 500
const seconds = 10
const connections = 32

/** The target, in ms. */
const mostDrift = 5

const paths = Array.from({ length: distinct }, (_, n) => `/item/${n}`)
const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const pacedScript = fileURLToPath(new URL('../clients/paced-process.js', import.meta.url))

interface Summary {
  readonly sent: number
  readonly same: number
  readonly durationMs: number
  readonly drift: { readonly p50: number, readonly p99: number } | null
}

export const send: Bench = {
  name: 'send',
  title: `${distinct * 10} recorded requests sent as fast as can be over ${connections} connections, beside wrk; and ${rate} a second at their recorded times`,
  needs: ['wrk'],
  compares: [],
  async run(session) {
    const origin = await nodeMap(distinct).start(session, 0)
    const fast = await record(session, origin.port, async (port) => {
      for (let times = 0; times < 10; times++) await askForEach(port, paths)
    })
    const paced = await record(session, origin.port, async (port) => {
      await session.processes.run(process.execPath, [pacedScript, String(port), String(rate), String(seconds)], seconds + 30)
    })
    const asked: number[] = []
    const sent: number[] = []
    const drifts: number[] = []
    const troubles: string[] = []
    for (let round = 1; round <= session.rounds; round++) {
      session.say(`  round ${round} of ${session.rounds}`)
      const load = await wrkOver(session, origin.port, paths, connections, session.seconds)
      asked.push(load.requests / load.microseconds * 1e6)
      const quick = await repeat(session, fast, origin.port, ['--speed', 'max', '--connections', String(connections)])
      sent.push(quick.sent / quick.durationMs * 1000)
      const slow = await repeat(session, paced, origin.port, ['--speed', 'recorded'])
      drifts.push(slow.drift?.p99 ?? Infinity)
      for (const { sent: all, same } of [quick, slow]) if (same !== all) troubles.push(`${all - same} of ${all} answers were not the recorded ones`)
    }
    await origin.stop()
    return {
      tables: [
        {
          figure: 'as fast as can be', unit: 'requests/s', reference: 'wrk', targets: [],
          rows: [{ peer: 'wrk', samples: asked, absent: null }, { peer: 'send', samples: sent, absent: null }],
        },
        {
          figure: `drift at ${rate} requests a second, p99`, unit: 'ms', reference: null, targets: [{ peer: 'send', below: mostDrift }],
          rows: [{ peer: 'send', samples: drifts, absent: null }],
        },
      ],
      checks: troubles.length === 0 ? [{ ok: true, text: 'every answer was the recorded one' }] : troubles.map((text) => ({ ok: false, text })),
    }
  },
}

async function record(session: Session, origin: number, clients: (port: number) => Promise<void>): Promise<string> {
  const recording = session.scratch.fresh('sent.sqlite')
  const relay = await startRelayProcess(session, { http: `0=http://${loopback}:${origin}`, record: recording })
  await clients(relay.port)
  await relay.stop()
  return recording
}

async function repeat(session: Session, recording: string, origin: number, options: readonly string[]): Promise<Summary> {
  const file = session.scratch.fresh('again.sqlite')
  const output = await session.processes.run(process.execPath, [commandLine, 'send', recording, '--to', `http://${loopback}:${origin}`, '-o', file, '--json', ...options], 300)
  session.scratch.discard(file)
  return JSON.parse(output.trim().split('\n').at(-1)!) as Summary
}
