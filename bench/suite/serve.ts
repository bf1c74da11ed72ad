import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { openRecording } from '../../src/index.js'
import type { Bench, Session } from '../bench.js'
import { askForEach } from '../clients/ask.js'
import { wrkOver } from '../clients/wrk.js'
import { startMitmdump } from '../peers/mitmdump.js'
import { mitmdumpReplay, nodeMap, serving } from '../peers/replaying.js'
import { startRelayProcess } from '../peers/wiretape.js'
import { loopback } from '../ports.js'
import { isInstalled } from '../programs.js'
import { measureInRounds, rowsOf } from '../rounds.js'

const distinct = 1_000
const connections = 32
const warmUp = 1
const large = 1_000_000

/** The targets: ms to the first answer, and MB of memory at the most. */
const firstAnswer = 1_000
const mostMemory = 300

const paths = Array.from({ length: distinct }, (_, n) => `/item/${n}`)
const buildScript = fileURLToPath(new URL('../big-recording-process.js', import.meta.url))
const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

export const serve: Bench = {
  name: 'serve',
  title: `${distinct.toLocaleString('en-US')} recorded answers of 1 KB, wrk asks over ${connections} connections; and the first answer of ${large.toLocaleString('en-US')}`,
  needs: ['wrk'],
  compares: ['mitmdump'],
  async run(session) {
    const map = nodeMap(distinct)
    const origin = await map.start(session, 0)
    const { recording, flows } = await record(session, origin.port)
    const ours = serving(recording)
    const errors: string[] = []
    const measured = await measureInRounds(session, {
      peers: [map, ours, mitmdumpReplay(flows)],
      origin: origin.port,
      async measure(port) {
        await askForEach(port, paths)
        await wrkOver(session, port, paths, connections, warmUp)
        return wrkOver(session, port, paths, connections, session.seconds)
      },
      inspect(peer, load) {
        if (load.errors > 0) errors.push(`${peer}: ${load.errors} of ${load.requests} requests failed`)
      },
    })
    await origin.stop()
    session.say('  building a large recording')
    const file = session.scratch.fresh('large.sqlite')
    await session.processes.run(process.execPath, [buildScript, file, String(large)], 600)
    const path = lastPath(file)
    const starts: Start[] = []
    for (let round = 0; round <= session.rounds * 3; round++) starts.push(await startOn(session, file, path))
    session.scratch.discard(file)
    const memory = Math.max(...starts.map(({ megabytes }) => megabytes))
    return {
      tables: [
        {
          figure: 'answered', unit: 'requests/s', reference: map.name, rows: rowsOf(measured, ({ requests, microseconds }) => requests / microseconds * 1e6),
          targets: [{ peer: ours.name, atLeast: 0.5, times: map.name }, { peer: ours.name, atLeast: 5, times: 'mitmdump replay' }],
        },
        {
          // The first finds nothing in the system's cache, and doesn't count.
          figure: 'from the start of the program to its first answer', unit: 'ms', reference: null,
          rows: [{ peer: ours.name, samples: starts.slice(1).map(({ milliseconds }) => milliseconds), absent: null }],
          targets: [{ peer: ours.name, below: firstAnswer }],
        },
      ],
      checks: [
        ...errors.map((text) => ({ ok: false, text })),
        { ok: memory < mostMemory, text: `memory after the first answer: ${Math.round(memory)} MB at the most` },
      ],
    }
  },
}

/** The same answers, as each of the two keeps them. */
async function record(session: Session, origin: number): Promise<{ recording: string, flows: string }> {
  const recording = session.scratch.fresh('served.sqlite')
  const relay = await startRelayProcess(session, { http: `0=http://${loopback}:${origin}`, record: recording })
  await askForEach(relay.port, paths)
  await relay.stop()
  const flows = session.scratch.fresh('flows')
  if (isInstalled('mitmdump')) {
    const mitmdump = await startMitmdump(session, origin, ['-w', flows], null)
    await askForEach(mitmdump.port, paths)
    await mitmdump.stop()
  }
  return { recording, flows }
}

/** Asked for in the whole file, found at its end. */
function lastPath(file: string): string {
  const recording = openRecording(file)
  try {
    const [last] = recording.exchanges({ where: 'method = \'GET\' and id > (SELECT max(id) - 100 FROM http_exchange_row)', limit: 1 })
    return `${last!.path}${last!.query === null ? '' : `?${last!.query}`}`
  } finally {
    recording.close()
  }
}

interface Start { readonly milliseconds: number, readonly megabytes: number }

async function startOn({ processes }: Session, file: string, path: string): Promise<Start> {
  const since = performance.now()
  const running = processes.start(process.execPath, [commandLine, 'serve', file, '--http', '0', '--json'])
  const { port } = JSON.parse(await running.firstLine()) as { port: number }
  await new Promise<void>((resolve, reject) => {
    request({ host: loopback, port, path }, (response) => {
      if (response.statusCode === 502) reject(new Error(`${path} was not found`))
      response.resume().once('end', resolve)
    }).once('error', reject).end()
  })
  const milliseconds = performance.now() - since
  // Pages of the file that are mapped are the system's, which takes them back: what is the process's own counts.
  const own = Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${running.pid}/status`, 'utf8'))?.[1] ?? 0)
  await running.stop()
  return { milliseconds, megabytes: own / 1024 }
}
