import { closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bench, Session } from '../bench.js'
import { download, upload } from '../clients/curl.js'
import type { Transfer } from '../clients/curl.js'
import { startNginx } from '../peers/nginx.js'
import type { Origin } from '../peers/nginx.js'
import { recording } from '../peers/wiretape.js'
import { readRecorded } from '../recorded.js'
import type { Recorded } from '../recorded.js'
import type { Check, Row } from '../report/outcome.js'

const gibibyte = 2 ** 30
const size = 4 * gibibyte
const needed = size + gibibyte / 2

/** The target, in MB. */
const limit = 250

const sinkScript = fileURLToPath(new URL('../peers/sink-process.js', import.meta.url))

type Way = {
  readonly name: string
  readonly origin: (session: Session, served: string) => Promise<Origin>
  readonly transfer: (session: Session, port: number, file: string) => Promise<Transfer>
  readonly kept: (recorded: Recorded) => number
}

const ways: readonly Way[] = [
  {
    name: 'download',
    origin: startNginx,
    transfer: (session, port) => download(session, port, '/4g.bin'),
    kept: ({ responseBytes }) => responseBytes,
  },
  {
    name: 'upload',
    origin: startSink,
    transfer: (session, port, file) => upload(session, port, '/4g.bin', file),
    kept: ({ requestBytes }) => requestBytes,
  },
]

export const memory: Bench = {
  name: 'memory',
  title: 'a body of 4 GiB recorded, once',
  needs: ['nginx', 'curl'],
  compares: [],
  async run(session) {
    const rows: Row[] = []
    const checks: Check[] = []
    const free = session.scratch.freeBytes()
    const served = session.scratch.fresh('served')
    mkdirSync(served)
    const file = `${served}/4g.bin`
    makeSparse(file)
    for (const way of ways) {
      if (free < needed) {
        rows.push({ peer: way.name, samples: [], absent: `skipped: the temporary folder has ${inGB(free)} GB free, and this takes ${inGB(needed)}` })
        continue
      }
      session.say(`  ${way.name} of 4 GiB`)
      const { peak, check } = await once(session, way, served, file)
      rows.push({ peer: way.name, samples: [peak / 1e6], absent: null })
      checks.push(check)
    }
    return {
      tables: [{
        figure: 'peak memory of the relay', unit: 'MB', reference: null, rows,
        targets: ways.map(({ name }) => ({ peer: name, below: limit })),
      }],
      checks,
    }
  },
}

async function once(session: Session, way: Way, served: string, file: string): Promise<{ peak: number, check: Check }> {
  const origin = await way.origin(session, served)
  const relay = await recording.start(session, origin.port)
  const { bytes, seconds } = await way.transfer(session, relay.port, file)
  const traces = await relay.stop()
  await origin.stop()
  const path = traces.recording!
  const recorded = readRecorded(path)
  session.scratch.discard(path)
  const kept = way.kept(recorded)
  const speed = `${Math.round(bytes / 1e6 / seconds)} MB/s`
  const ok = bytes === size && kept === size && recorded.troubles.length === 0
  return {
    peak: traces.peakMemory!,
    check: {
      ok,
      text: ok ? `${way.name}: none lost, all 4 GiB arrived and are in the file (${speed})`
        : `${way.name}: ${bytes} bytes arrived and ${kept} are in the file, of ${size}; ${recorded.troubles.join('; ')}`,
    },
  }
}

/** All zeros and no blocks on disk: only the recording takes space. */
function makeSparse(file: string): void {
  const descriptor = openSync(file, 'wx')
  ftruncateSync(descriptor, size)
  closeSync(descriptor)
}

async function startSink({ processes }: Session): Promise<Origin> {
  const running = processes.start(process.execPath, [sinkScript])
  const { port } = JSON.parse(await running.firstLine()) as { port: number }
  return { port, stop: () => running.stop() }
}

function inGB(bytes: number): string {
  return (bytes / 1e9).toFixed(1)
}
