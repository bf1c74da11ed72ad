import { mkdirSync, writeFileSync } from 'node:fs'
import type { Bench } from '../bench.js'
import { wrk } from '../clients/wrk.js'
import { haproxy } from '../peers/haproxy.js'
import { startNginx } from '../peers/nginx.js'
import { notRecording, withFaults } from '../peers/wiretape.js'
import { measureInRounds, rowsOf } from '../rounds.js'
import type { Row, Table } from '../report/outcome.js'

const connections = 32

/** Seconds of load before the measured ones: the programs on Node compile their loops in them. */
const warmUp = 1

/** To take faults of messages at any time, a relay of HTTP follows its exchanges; one of TCP, as Toxiproxy's are, follows nothing. */
const none = withFaults('no fault any more', 'http', ['latency', 'noop'], true)
const noneOfTcp = withFaults('the same over tcp', 'tcp', ['latency', 'noop'], true)
const zero = withFaults('latency 0', 'http', ['latency:ms=0'])
const three = withFaults('three noops', 'http', ['noop', 'noop', 'noop'])

/** What faults cost where they do nothing. */
export const faults: Bench = {
  name: 'faults',
  title: `nginx serves 1 KB and 256 KB, wrk asks over ${connections} connections, faults in between that do nothing`,
  needs: ['nginx', 'wrk'],
  compares: ['haproxy'],
  async run(session) {
    const served = session.scratch.fresh('served')
    mkdirSync(served)
    writeFileSync(`${served}/1k.txt`, 'x'.repeat(1024))
    writeFileSync(`${served}/256k.txt`, 'x'.repeat(256 * 1024))
    const origin = await startNginx(session, served)
    const errors: string[] = []
    const measured = await measureInRounds(session, {
      peers: [haproxy, notRecording, none, noneOfTcp, zero, three],
      origin: origin.port,
      async measure(port) {
        await wrk(session, port, '/1k.txt', connections, warmUp)
        const small = await wrk(session, port, '/1k.txt', connections, session.seconds)
        const large = await wrk(session, port, '/256k.txt', connections, session.seconds)
        return { small, large }
      },
      inspect(peer, { small, large }) {
        if (small.errors + large.errors > 0) errors.push(`${peer}: ${small.errors + large.errors} of ${small.requests + large.requests} requests failed`)
      },
    })
    await origin.stop()
    const table = (figure: string, unit: string, rows: Row[]): Table => ({
      figure, unit, reference: notRecording.name, rows,
      // Within what one and the same program differs from round to round.
      targets: [none, noneOfTcp].map(({ name }) => ({ peer: name, atLeast: 0.9, times: notRecording.name })),
    })
    return {
      tables: [
        table('1 KB answers', 'requests/s', rowsOf(measured, ({ small }) => small.requests / small.microseconds * 1e6)),
        table('256 KB answers', 'MB/s', rowsOf(measured, ({ large }) => large.requests * 262144 / large.microseconds)),
      ],
      checks: errors.map((text) => ({ ok: false, text })),
    }
  },
}
