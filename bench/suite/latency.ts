import { mkdirSync, writeFileSync } from 'node:fs'
import type { Bench } from '../bench.js'
import { latencyOf } from '../clients/latency.js'
import type { Latency } from '../clients/latency.js'
import { direct } from '../peers/direct.js'
import { haproxy } from '../peers/haproxy.js'
import { startNginx } from '../peers/nginx.js'
import { notRecording, recording } from '../peers/wiretape.js'
import { measureInRounds, rowsOf } from '../rounds.js'
import type { Measured } from '../rounds.js'
import type { Row, Table } from '../report/outcome.js'

const requestsARound = 10_000

export const latency: Bench = {
  name: 'latency',
  title: `1 KB answers, ${requestsARound.toLocaleString('en-US')} a round, one at a time on one connection`,
  needs: ['nginx'],
  compares: ['haproxy'],
  async run(session) {
    const served = session.scratch.fresh('served')
    mkdirSync(served)
    writeFileSync(`${served}/1k.txt`, 'x'.repeat(1024))
    const origin = await startNginx(session, served)
    const measured = await measureInRounds(session, {
      peers: [direct, haproxy, recording, notRecording],
      origin: origin.port,
      measure: (port) => latencyOf(session, port, '/1k.txt', requestsARound),
    })
    await origin.stop()
    const table = (figure: string, rows: Row[]): Table => ({ figure, unit: 'µs', reference: haproxy.name, rows, targets: [] })
    return {
      tables: [
        table('p50', rowsOf(measured, ({ p50 }) => p50)),
        table('p99', rowsOf(measured, ({ p99 }) => p99)),
        table('p50 added over direct', added(measured)),
      ],
      checks: [],
    }
  },
}

/** Each round's p50 less the same round's without anything in between. */
function added(measured: readonly Measured<Latency>[]): Row[] {
  const base = measured.find(({ peer }) => peer === direct.name)!
  return measured.filter((one) => one !== base).map(({ peer, samples, absent }) => ({
    peer,
    absent: absent ?? base.absent,
    samples: samples.slice(0, base.samples.length).map(({ p50 }, round) => p50 - base.samples[round]!.p50),
  }))
}
