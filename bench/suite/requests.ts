import { mkdirSync, writeFileSync } from 'node:fs'
import type { Bench } from '../bench.js'
import { wrk } from '../clients/wrk.js'
import type { Load } from '../clients/wrk.js'
import { direct } from '../peers/direct.js'
import { haproxy } from '../peers/haproxy.js'
import { httpProxy } from '../peers/http-proxy.js'
import { mitmdump } from '../peers/mitmdump.js'
import { startNginx } from '../peers/nginx.js'
import { notRecording, recording } from '../peers/wiretape.js'
import { readRecorded } from '../recorded.js'
import { measureInRounds, rowsOf } from '../rounds.js'
import type { Check } from '../report/outcome.js'

const connections = 32

/** Seconds of load before the measured ones: the programs on Node compile their loops in them. */
const warmUp = 1

export const requests: Bench = {
  name: 'requests',
  title: `nginx serves 1 KB, wrk asks over ${connections} connections`,
  needs: ['nginx', 'wrk'],
  compares: ['haproxy', 'http-proxy', 'mitmdump'],
  async run(session) {
    const served = session.scratch.fresh('served')
    mkdirSync(served)
    writeFileSync(`${served}/1k.txt`, 'x'.repeat(1024))
    const origin = await startNginx(session, served)
    const ledger = new Ledger()
    const measured = await measureInRounds(session, {
      peers: [direct, haproxy, recording, notRecording, httpProxy, mitmdump],
      origin: origin.port,
      async measure(port) {
        const before = await wrk(session, port, '/1k.txt', connections, warmUp)
        const load = await wrk(session, port, '/1k.txt', connections, session.seconds)
        return { load, asked: before.requests + load.requests }
      },
      inspect(peer, { load, asked }, traces) {
        ledger.answered(peer, load)
        if (traces.recording !== null) ledger.recorded(traces.recording, asked)
      },
    })
    await origin.stop()
    return {
      tables: [{
        figure: 'answered', unit: 'requests/s', reference: haproxy.name,
        rows: rowsOf(measured, ({ load }) => load.requests / load.microseconds * 1e6),
        targets: [
          { peer: recording.name, atLeast: 0.45, times: haproxy.name },
          { peer: recording.name, atLeast: 3, times: httpProxy.name },
          { peer: recording.name, atLeast: 30, times: mitmdump.name },
          { peer: notRecording.name, atLeast: 0.75, times: haproxy.name },
        ],
      }],
      checks: ledger.checks(),
    }
  },
}

/** What was asked, against what is in the recordings. */
class Ledger {
  #asked = 0
  #kept = 0
  #missing = 0
  readonly #troubles: string[] = []
  readonly #errors: string[] = []

  answered(peer: string, { errors, requests: total }: Load): void {
    if (errors > 0) this.#errors.push(`${peer}: ${errors} of ${total} requests failed`)
  }

  /** wrk doesn't count the requests in flight when its time is up: there may be more in the file, never fewer. */
  recorded(path: string, asked: number): void {
    const { exchanges, troubles } = readRecorded(path)
    this.#asked += asked
    this.#kept += exchanges
    this.#missing += Math.max(0, asked - exchanges)
    this.#troubles.push(...troubles)
  }

  checks(): Check[] {
    const whole = (value: number): string => value.toLocaleString('en-US')
    return [
      this.#missing === 0
        ? { ok: this.#kept > 0, text: `none lost: ${whole(this.#asked)} requests counted by wrk, ${whole(this.#kept)} exchanges in the files` }
        : { ok: false, text: `lost: ${whole(this.#missing)} of ${whole(this.#asked)} requests counted by wrk are not in the files` },
      ...this.#troubles.map((text) => ({ ok: false, text: `in a recording: ${text}` })),
      ...this.#errors.map((text) => ({ ok: !/^(?:not )?recording:/.test(text), text })),
    ]
  }
}
