import type { Bench, Session } from '../bench.js'
import { bulkRate, chunkTimes, datagramsBack } from '../clients/echo-times.js'
import { startTcpEcho } from '../peers/tcp-echo.js'
import { startUdpEcho } from '../peers/udp-echo.js'
import { notRecordingOf, withFaults } from '../peers/wiretape.js'
import { measureInRounds, rowsOf } from '../rounds.js'
import { mean, median, standardDeviation } from '../statistics.js'
import type { Check, Outcome } from '../report/outcome.js'

const chunks = 1000
const connections = 20

/** Asked of latency, in ms. */
const [ms, jitter] = [50, 20]

/** Of a uniform spread of so much either way. */
const spread = jitter / Math.sqrt(3)

/** Asked of bandwidth, in KB/s. */
const rate = 1000
const bulk = 5_000_000

const datagrams = 20_000
const share = 0.1

/** Whether faults do what they were asked for, in the units that they were asked in. */
export const faultAccuracy: Bench = {
  name: 'fault-accuracy',
  title: `latency ${ms} ms ± ${jitter} on ${chunks} chunks, bandwidth ${rate} KB/s, loss ${share * 100} % of ${datagrams} datagrams, as a client behind the relay sees them`,
  needs: ['python3'],
  compares: [],
  async run(session) {
    const outcomes = [await latencies(session), await bandwidths(session), await losses(session)]
    return { tables: outcomes.flatMap(({ tables }) => tables), checks: outcomes.flatMap(({ checks }) => checks) }
  },
}

async function latencies(session: Session): Promise<Outcome> {
  const origin = await startTcpEcho(session)
  const plain = notRecordingOf('tcp')
  const faulty = withFaults('latency', 'tcp', [`latency:ms=${ms},jitter=${jitter},direction=up`])
  const measured = await measureInRounds(session, { peers: [plain, faulty], origin: origin.port, measure: (port) => chunkTimes(session, port, connections, chunks) })
  await origin.stop()
  const [base, behind] = measured
  const added = behind!.samples.map((times, round) => {
    const without = median(base!.samples[round]!)
    return times.map((time) => time - without)
  })
  const row = (figure: (times: readonly number[]) => number) => [{ peer: faulty.name, absent: behind!.absent, samples: added.map(figure) }]
  // Of the mean of so many draws; and what timers of whole ms, and a round trip of their own, add.
  const error = 3.29 * spread / Math.sqrt(chunks)
  return {
    tables: [
      { figure: `latency added, asked ${ms}: mean`, unit: 'ms', reference: null, rows: row(mean), targets: [] },
      { figure: `latency added, asked ${spread.toFixed(2)}: standard deviation`, unit: 'ms', reference: null, rows: row(standardDeviation), targets: [] },
    ],
    checks: added.flatMap((times) => [
      near('mean latency, ms', mean(times), ms, error + 2), near('standard deviation of the latency, ms', standardDeviation(times), spread, 1),
    ]),
  }
}

async function bandwidths(session: Session): Promise<Outcome> {
  const origin = await startTcpEcho(session)
  const faulty = withFaults('bandwidth', 'tcp', [`bandwidth:rate=${rate},direction=up`])
  const measured = await measureInRounds(session, { peers: [faulty], origin: origin.port, measure: (port) => bulkRate(session, port, bulk) })
  await origin.stop()
  const rows = rowsOf(measured, (got) => got / 1000)
  return {
    tables: [{ figure: `bandwidth, asked ${rate}`, unit: 'KB/s', reference: null, rows, targets: [] }],
    checks: rows[0]!.samples.map((got) => near('bandwidth, KB/s', got, rate, 0.03 * rate)),
  }
}

async function losses(session: Session): Promise<Outcome> {
  const origin = await startUdpEcho(session)
  const plain = notRecordingOf('udp')
  const faulty = withFaults('loss', 'udp', [`loss:share=${share},direction=up`])
  const measured = await measureInRounds(session, { peers: [plain, faulty], origin: origin.port, measure: (port) => datagramsBack(session, port, datagrams) })
  await origin.stop()
  const rows = rowsOf(measured, (got) => (1 - got / datagrams) * 100)
  return {
    tables: [{ figure: `datagrams lost, asked ${share * 100}`, unit: '%', reference: null, rows, targets: [] }],
    checks: [
      ...rows[0]!.samples.map((lost) => near('lost without a fault, %', lost, 0, 0)),
      // 99.9 % of all samples of so many.
      ...rows[1]!.samples.map((lost) => near('lost, %', lost, share * 100, 329 * Math.sqrt(share * (1 - share) / datagrams))),
    ],
  }
}

function near(what: string, got: number, asked: number, within: number): Check {
  return { ok: Math.abs(got - asked) <= within, text: `${what}: ${got.toFixed(2)}, asked ${asked.toFixed(2)} ± ${within.toFixed(2)}` }
}
