import type { Bench } from '../bench.js'
import { datagramSize, loadSessions, udpLoad, udpRoundTrips } from '../clients/udp.js'
import type { UdpLoad, UdpRoundTrips, UdpStep } from '../clients/udp.js'
import { bareUdp } from '../peers/bare-udp.js'
import { direct } from '../peers/direct.js'
import { nginxUdp } from '../peers/nginx-udp.js'
import { socat } from '../peers/socat.js'
import { startUdpEcho } from '../peers/udp-echo.js'
import { notRecordingOf, recordingOf } from '../peers/wiretape.js'
import { readDatagrams } from '../recorded-datagrams.js'
import { measureInRounds, rowsOf } from '../rounds.js'
import type { Measured } from '../rounds.js'
import type { Check, Row, Table } from '../report/outcome.js'
import { heldSessions, measureSessionMemory } from '../udp-session-memory.js'

/**
 * How many datagrams are under way at once, over all sessions: a closed loop, stepped up. A peer's rate is the best of the
 * steps that lost nothing. The last still fits into a socket buffer of the usual size (208 KiB).
 */
const windows = [16, 64, 128]

/** Seconds of load before those that count: the programs on Node compile their loops in them. */
const warmUp = 1

const roundTripsWarmUp = 2000
const roundTrips = 10_000

const recording = recordingOf('udp')
const notRecording = notRecordingOf('udp')

type Sample = { readonly load: UdpLoad, readonly best: UdpStep, readonly times: UdpRoundTrips }

export const udp: Bench = {
  name: 'udp',
  title: `datagrams of ${datagramSize} bytes echoed, ${loadSessions} sessions in a closed loop with ${windows.join(', ')} under way; then one at a time; then ${heldSessions} sessions`,
  needs: ['nginx stream module', 'python3'],
  compares: ['socat'],
  async run(session) {
    const origin = await startUdpEcho(session)
    const ledger = new Ledger()
    const peaks = new Map<string, number[]>([[recording.name, []], [notRecording.name, []]])
    const measured = await measureInRounds<Sample>(session, {
      peers: [direct, nginxUdp, socat, bareUdp, recording, notRecording],
      origin: origin.port,
      async measure(port) {
        const times = await udpRoundTrips(session, port, roundTripsWarmUp, roundTrips)
        const load = await udpLoad(session, port, warmUp, session.seconds, windows)
        return { times, load, best: bestOf(load) }
      },
      inspect(peer, sample, { recording: path, peakMemory }) {
        ledger.lost(peer, sample.load)
        if (path !== null) ledger.recorded(path, sample)
        if (peakMemory !== null) peaks.get(peer)!.push(peakMemory / 1e6)
      },
    })
    const memory = await measureSessionMemory(session, origin.port)
    await origin.stop()
    const rows = [...peaks].map(([peer, samples]) => ({ peer, samples, absent: measured.find((one) => one.peer === peer)!.absent }))
    const table = (figure: string, unit: string, rows: Row[]): Table => ({ figure, unit, reference: null, rows, targets: [] })
    return {
      tables: [
        {
          figure: 'echoed, none lost', unit: 'datagrams/s', reference: nginxUdp.name, rows: rowsOf(measured, ({ best }) => best.rate),
          targets: [
            { peer: recording.name, atLeast: 0.5, times: nginxUdp.name },
            { peer: notRecording.name, atLeast: 0.8, times: nginxUdp.name },
          ],
        },
        table('p50 added over direct', 'µs', added(measured, ({ p50 }) => p50)),
        table('p99 added over direct', 'µs', added(measured, ({ p99 }) => p99)),
        table('peak memory of the relay under load', 'MB', rows),
        table('memory a session', 'kB', memory.rows),
      ],
      checks: [...ledger.checks(), ...memory.checks],
    }
  },
}

function bestOf({ steps }: UdpLoad): UdpStep {
  const whole = steps.filter(({ lost }) => lost === 0)
  if (whole.length === 0) throw new Error(`lost datagrams at every step: ${JSON.stringify(steps)}`)
  return whole.reduce((best, step) => step.rate > best.rate ? step : best)
}

/** Each round's figure less the same round's without anything in between. */
function added(measured: readonly Measured<Sample>[], figure: (times: UdpRoundTrips) => number): Row[] {
  const base = measured.find(({ peer }) => peer === direct.name)!
  return measured.filter((one) => one !== base).map(({ peer, samples, absent }) => ({
    peer,
    absent: absent ?? base.absent,
    samples: samples.slice(0, base.samples.length).map(({ times }, round) => figure(times) - figure(base.samples[round]!.times)),
  }))
}

/** What was sent and came back, against what is in the recordings. */
class Ledger {
  #sent = 0
  readonly #troubles: string[] = []
  readonly #losses: string[] = []

  lost(peer: string, { steps }: UdpLoad): void {
    for (const { window, lost } of steps) if (lost > 0) this.#losses.push(`${peer}: ${lost} lost with ${window} under way`)
  }

  recorded(path: string, { load, times }: Sample): void {
    const { sessions, up, down, distinctUp, distinctDown, misshapen, troubles } = readDatagrams(path, datagramSize)
    const [sent, received] = [load.sent + times.sent, load.received + times.sent]
    this.#sent += sent
    if (up !== sent || down !== received) this.#troubles.push(`${up} up and ${down} down are in the file of ${sent} sent and ${received} received`)
    if (distinctUp !== up || distinctDown !== down) this.#troubles.push(`${up - distinctUp} up and ${down - distinctDown} down are in the file twice`)
    if (misshapen > 0) this.#troubles.push(`${misshapen} datagrams in the file are of another size, or have no bytes`)
    if (sessions !== loadSessions + 1) this.#troubles.push(`${sessions} sessions are in the file of ${loadSessions + 1}`)
    this.#troubles.push(...troubles)
  }

  checks(): Check[] {
    return [
      ...(this.#troubles.length > 0 ? [] : [{
        ok: this.#sent > 0, text: `none lost: ${this.#sent.toLocaleString('en-US')} datagrams sent and as many echoed, all in the files`,
      }]),
      ...this.#troubles.map((text) => ({ ok: false, text: `in a recording: ${text}` })),
      // At a higher step: it takes part in no figure, and is no fault of the other programs.
      ...this.#losses.map((text) => ({ ok: !/^(?:not )?recording:/.test(text), text })),
    ]
  }
}
