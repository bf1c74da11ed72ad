import { createHash, randomBytes } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bench, Session } from '../bench.js'
import { ftpDownload, ftpUpload } from '../clients/curl.js'
import type { Transfer } from '../clients/curl.js'
import { startVsftpd } from '../peers/vsftpd.js'
import type { FtpOrigin } from '../peers/vsftpd.js'
import { recordingOf } from '../peers/wiretape.js'
import { hashTransfers, readFtp } from '../recorded-transfers.js'
import type { Check, Row } from '../report/outcome.js'

const sessions = 200
const pieceSize = 2 ** 20

const gibibyte = 2 ** 30
const bigSize = 4 * gibibyte

/** The target, in MB. */
const limit = 250

const clientScript = fileURLToPath(new URL('../clients/ftp-sessions-process.js', import.meta.url))

const recording = recordingOf('ftp')

type Way = {
  readonly name: string
  /** What it takes on disk: the recording, and what is stored. */
  readonly needed: number
  readonly transfer: (session: Session, port: number, file: string) => Promise<Transfer>
}

const ways: readonly Way[] = [
  { name: 'RETR of 4 GiB', needed: bigSize + gibibyte / 2, transfer: (session, port) => ftpDownload(session, port, '4g.bin') },
  { name: 'STOR of 4 GiB', needed: 2 * bigSize + gibibyte / 2, transfer: (session, port, file) => ftpUpload(session, port, 'stored.bin', file) },
]

export const ftpSessions: Bench = {
  name: 'ftp-sessions',
  title: `${sessions} FTP sessions at once with a transfer of 1 MiB each, and one of 4 GiB, recorded, once`,
  needs: ['vsftpd', 'curl'],
  compares: [],
  async run(session) {
    const rows: Row[] = []
    const checks: Check[] = []
    const origin = await startVsftpd(session)
    session.say(`  ${sessions} sessions`)
    const many = await manySessions(session, origin)
    rows.push({ peer: `${sessions} sessions`, samples: [many.peak / 1e6], absent: null })
    checks.push(...many.checks)
    const file = `${origin.folder}/4g.bin`
    makeSparse(file)
    for (const way of ways) {
      const free = session.scratch.freeBytes()
      if (free < way.needed) {
        rows.push({ peer: way.name, samples: [], absent: `skipped: the temporary folder has ${inGB(free)} GB free, and this takes ${inGB(way.needed)}` })
        continue
      }
      session.say(`  ${way.name}`)
      const { peak, check } = await once(session, way, origin, file)
      rows.push({ peer: way.name, samples: [peak / 1e6], absent: null })
      checks.push(check)
    }
    await origin.stop()
    return {
      tables: [{
        figure: 'peak memory of the relay', unit: 'MB', reference: null, rows,
        targets: ways.map(({ name }) => ({ peer: name, below: limit })),
      }],
      checks,
    }
  },
}

async function manySessions(session: Session, origin: FtpOrigin): Promise<{ peak: number, checks: Check[] }> {
  const served = Array.from({ length: sessions / 2 }, (_, n) => `${2 * n}.bin`)
  for (const name of served) writeFileSync(`${origin.folder}/${name}`, randomBytes(pieceSize))
  const relay = await recording.start(session, origin.port)
  const { hashes, commands } = JSON.parse(await session.processes.run(
    process.execPath, [clientScript, ...[relay.port, sessions, pieceSize].map(String)], 120)) as { hashes: Record<string, string>, commands: number }
  const { recording: path, peakMemory } = await relay.stop()
  const checks = [checkFiles(origin, hashes), checkRecords(path!, hashes, commands)]
  session.scratch.discard(path!)
  for (const name of Object.keys(hashes)) rmSync(`${origin.folder}/${name}`)
  return { peak: peakMemory!, checks }
}

function checkFiles({ folder }: FtpOrigin, hashes: Readonly<Record<string, string>>): Check {
  const same = Object.entries(hashes).filter(([name, hash]) =>
    createHash('sha256').update(readFileSync(`${folder}/${name}`)).digest('hex') === hash).length
  return { ok: same === sessions, text: `${same} of ${sessions} files are the same at both ends` }
}

/** The bytes are hashed as they lie in the file: what the recorder tells of them is compared, not believed. */
function checkRecords(path: string, hashes: Readonly<Record<string, string>>, commands: number): Check {
  const found = readFtp(path)
  const kept = hashTransfers(path)
  const whole = new Set(found.transfers.filter(({ name, bytes, sha256, outcome, code }) =>
    bytes === pieceSize && outcome === 'completed' && code === 226 && sha256 === hashes[name] && kept.get(name) === sha256)
    .map(({ name }) => name)).size
  const ok = whole === sessions && found.transfers.length === sessions && found.sessions === sessions && found.commands === commands
    && found.unanswered + found.untied + found.troubles.length === 0
  return {
    ok,
    text: ok ? `none lost: ${sessions} sessions, all ${commands.toLocaleString('en-US')} commands with their replies and ${sessions} transfers are in the file, byte for byte`
      : `in the recording: ${found.sessions} of ${sessions} sessions, ${found.commands} of ${commands} commands, ${found.unanswered} of them unanswered, `
        + `${found.transfers.length} transfers, ${whole} of them whole, ${found.untied} untied; ${found.troubles.join('; ')}`,
  }
}

async function once(session: Session, way: Way, origin: FtpOrigin, file: string): Promise<{ peak: number, check: Check }> {
  const relay = await recording.start(session, origin.port)
  const { bytes, seconds } = await way.transfer(session, relay.port, file)
  const { recording: path, peakMemory } = await relay.stop()
  const { transfers, unanswered, untied, troubles } = readFtp(path!)
  session.scratch.discard(path!)
  const stored = `${origin.folder}/stored.bin`
  const arrived = way.name.startsWith('STOR') ? statSync(stored).size : bytes
  rmSync(stored, { force: true })
  const transfer = transfers[0]
  const ok = arrived === bigSize && transfers.length === 1 && transfer?.bytes === bigSize && transfer.kept === bigSize
    && transfer.outcome === 'completed' && unanswered + untied + troubles.length === 0
  return {
    peak: peakMemory!,
    check: {
      ok,
      text: ok ? `${way.name}: none lost, all arrived and is in the file (${Math.round(bytes / 1e6 / seconds)} MB/s)`
        : `${way.name}: ${arrived} bytes arrived and ${transfer?.kept} are in the file, of ${bigSize}; ${transfer?.outcome}; ${troubles.join('; ')}`,
    },
  }
}

/** All zeros and no blocks on disk: only the recording takes space, and what is stored. */
function makeSparse(file: string): void {
  const descriptor = openSync(file, 'wx')
  ftruncateSync(descriptor, bigSize)
  closeSync(descriptor)
}

function inGB(bytes: number): string {
  return (bytes / 1e9).toFixed(1)
}
