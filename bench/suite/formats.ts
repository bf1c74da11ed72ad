import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bench, Session } from '../bench.js'
import { askForEach } from '../clients/ask.js'
import { startNginx } from '../peers/nginx.js'
import { pathOf } from '../programs.js'
import type { RunningProcess } from '../processes.js'

/** Bytes that the capture has at least. */
const captured = 1_000_000_000

/** Bytes of the files that are asked for, in turn: as a page has them, 28 kB on an average. */
const sizes = [300, 1_000, 2_000, 5_000, 8_000, 15_000, 30_000, 60_000, 130_000]

const exported = 100_000

/** The targets: MB, and ms. */
const mostMemory = 300
const mostTime = 10_000

const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const buildScript = fileURLToPath(new URL('../big-recording-process.js', import.meta.url))

export const formats: Bench = {
  name: 'formats',
  title: `a capture of ${captured / 1e9} GB of HTTP is imported, beside tshark -Y http -T fields; ${exported.toLocaleString('en-US')} exchanges are exported as HAR`,
  needs: ['nginx', 'tcpdump', 'tshark'],
  compares: ['tshark'],
  async run(session) {
    session.say('  capturing')
    const capture = await makeCapture(session)
    const times = { tshark: [] as number[], import: [] as number[] }
    let memory = 0
    const counts = { tshark: 0, import: 0 }
    for (let round = 1; round <= session.rounds; round++) {
      session.say(`  round ${round} of ${session.rounds}`)
      const judged = await timed(session, pathOf('tshark'), ['-r', capture, '-Y', 'http', '-T', 'fields', '-e', 'http.request.method'])
      times.tshark.push(judged.milliseconds)
      counts.tshark = judged.output.split('\n').filter((line) => line.trim() !== '').length
      const recording = session.scratch.fresh('imported.sqlite')
      const ours = await timed(session, process.execPath, [commandLine, 'import', capture, '-o', recording, '--json'])
      times.import.push(ours.milliseconds)
      memory = Math.max(memory, ours.megabytes)
      counts.import = await countOf(session, recording)
      session.scratch.discard(recording)
    }
    session.scratch.discard(capture)
    session.say('  building a recording')
    const large = session.scratch.fresh('large.sqlite')
    await session.processes.run(process.execPath, [buildScript, large, String(exported)], 600)
    const har: number[] = []
    let harMemory = 0
    for (let round = 1; round <= session.rounds; round++) {
      const out = session.scratch.fresh('out.har')
      const { milliseconds, megabytes } = await timed(session, process.execPath, [commandLine, 'export', large, '--format', 'har', '-o', out], true)
      har.push(milliseconds)
      harMemory = Math.max(harMemory, megabytes)
      session.scratch.discard(out)
    }
    session.scratch.discard(large)
    const size = (statSync(capture, { throwIfNoEntry: false })?.size ?? captured) / 1e6
    return {
      tables: [
        {
          figure: 'captures read', unit: 'MB/s', reference: 'tshark', targets: [{ peer: 'import', atLeast: 3, times: 'tshark' }],
          rows: [
            { peer: 'tshark', samples: times.tshark.map((ms) => size / ms * 1000), absent: null }, { peer: 'import', samples: times.import.map((ms) => size / ms * 1000), absent: null },
          ],
        },
        { figure: `${exported.toLocaleString('en-US')} exchanges to HAR`, unit: 'ms', reference: null, targets: [{ peer: 'export', below: mostTime }], rows: [{ peer: 'export', samples: har, absent: null }] },
      ],
      checks: [
        { ok: counts.import === counts.tshark, text: `exchanges: ${counts.import.toLocaleString('en-US')} imported, ${counts.tshark.toLocaleString('en-US')} requests by tshark` },
        { ok: memory < mostMemory, text: `memory of the import: ${Math.round(memory)} MB at the most` },
        { ok: harMemory < mostMemory, text: `memory of the export, without the mapped file: ${Math.round(harMemory)} MB at the most` },
      ],
    }
  },
}

/** One client asks for files of all sizes, and tcpdump writes down what crosses the loopback. */
async function makeCapture(session: Session): Promise<string> {
  const served = session.scratch.fresh('served')
  mkdirSync(served)
  for (const size of new Set(sizes)) writeFileSync(`${served}/${size}`, 'a line of text, as good as any\n'.repeat(Math.ceil(size / 31)).slice(0, size))
  const origin = await startNginx(session, served)
  const capture = session.scratch.fresh('capture.pcap')
  const tcpdump = session.processes.start(pathOf('tcpdump'), ['-i', 'lo', '-s', '0', '-B', '262144', '-w', capture, 'tcp', 'port', String(origin.port)])
  while (!tcpdump.complaint.includes('listening on')) await new Promise((resolve) => { setTimeout(resolve, 20) })
  const paths = sizes.map((size) => `/${size}`)
  // Others ask beside it, so that connections mix.
  while ((statSync(capture, { throwIfNoEntry: false })?.size ?? 0) < captured) await Promise.all([1, 2, 3].map(() => askForEach(origin.port, Array.from({ length: 50 }, () => paths).flat())))
  await new Promise((resolve) => { setTimeout(resolve, 500) })
  await tcpdump.stop()
  await origin.stop()
  return capture
}

async function countOf({ processes }: Session, recording: string): Promise<number> {
  const program = `import('node:process').then(async () => { const { default: Sqlite } = await import('better-sqlite3'); console.log(new Sqlite(process.argv[1], { readonly: true }).prepare('SELECT count(*) AS n FROM http_exchange_row').get().n) })`
  return Number(await processes.run(process.execPath, ['--input-type=module', '-e', program, recording], 60))
}

async function timed({ processes }: Session, program: string, arguments_: readonly string[], own = false): Promise<{ milliseconds: number, megabytes: number, output: string }> {
  const since = performance.now()
  const running = processes.start(program, arguments_)
  let kilobytes = 0
  const watching = setInterval(() => { kilobytes = Math.max(kilobytes, memoryOf(running, own)) }, 100)
  const { code, signal } = await running.ended
  clearInterval(watching)
  if (code !== 0) throw new Error(`${program} ended with ${signal ?? `exit ${code}`}: ${running.complaint}`)
  return { milliseconds: performance.now() - since, megabytes: kilobytes / 1024, output: running.output }
}

/** At its peak, in kB; `own` leaves out what is a file's and mapped, which the system takes back. */
function memoryOf(running: RunningProcess, own: boolean): number {
  try {
    return Number((own ? /^RssAnon:\s+(\d+) kB/m : /^VmHWM:\s+(\d+) kB/m).exec(readFileSync(`/proc/${running.pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
