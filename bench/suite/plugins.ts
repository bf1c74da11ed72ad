import { mkdirSync, writeFileSync } from 'node:fs'
import type { Bench } from '../bench.js'
import { wrk } from '../clients/wrk.js'
import { httpProxy } from '../peers/http-proxy.js'
import { mitmdumpAddon } from '../peers/mitmdump.js'
import { startNginx } from '../peers/nginx.js'
import { notRecording, withPlugin } from '../peers/wiretape.js'
import { measureInRounds, rowsOf } from '../rounds.js'

const connections = 32

/** Seconds of load before the measured ones: the programs on Node compile their loops in them. */
const warmUp = 1

const header = withPlugin('header', false)
const recorded = withPlugin('header', true)
const stream = withPlugin('stream', false)
const other = withPlugin('other', false, 'ftp')

/** What plugins cost: one that changes each response, one that passes bytes on, one that has nothing to do. */
export const plugins: Bench = {
  name: 'plugins',
  title: `nginx serves 1 KB, wrk asks over ${connections} connections, plugins in between`,
  needs: ['nginx', 'wrk'],
  compares: ['http-proxy', 'mitmdump'],
  async run(session) {
    const served = session.scratch.fresh('served')
    mkdirSync(served)
    writeFileSync(`${served}/1k.txt`, 'x'.repeat(1024))
    const origin = await startNginx(session, served)
    const errors: string[] = []
    const measured = await measureInRounds(session, {
      peers: [notRecording, header, recorded, stream, other, httpProxy, mitmdumpAddon],
      origin: origin.port,
      async measure(port) {
        await wrk(session, port, '/1k.txt', connections, warmUp)
        return wrk(session, port, '/1k.txt', connections, session.seconds)
      },
      inspect(peer, load) {
        if (load.errors > 0) errors.push(`${peer}: ${load.errors} of ${load.requests} requests failed`)
      },
    })
    await origin.stop()
    return {
      tables: [{
        figure: 'answered', unit: 'requests/s', reference: notRecording.name,
        rows: rowsOf(measured, (load) => load.requests / load.microseconds * 1e6),
        targets: [
          { peer: header.name, atLeast: 2, times: httpProxy.name },
          { peer: header.name, atLeast: 20, times: mitmdumpAddon.name },
          { peer: stream.name, atLeast: 0.5, times: notRecording.name },
          // Within what one and the same program differs from round to round.
          { peer: other.name, atLeast: 0.9, times: notRecording.name },
        ],
      }],
      checks: errors.map((text) => ({ ok: !/plugin|recording/.test(text), text })),
    }
  },
}
