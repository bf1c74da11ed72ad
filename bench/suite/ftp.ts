import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Bench, Session } from '../bench.js'
import { ftpDownload, ftpUpload } from '../clients/curl.js'
import { mirror } from '../clients/lftp.js'
import { direct } from '../peers/direct.js'
import { haproxyForFtp } from '../peers/haproxy.js'
import type { Peer } from '../peers/peer.js'
import { startVsftpd } from '../peers/vsftpd.js'
import type { FtpOrigin } from '../peers/vsftpd.js'
import { notRecordingOf, recordingOf } from '../peers/wiretape.js'
import { readFtp } from '../recorded-transfers.js'
import { measureInRounds, rowsOf } from '../rounds.js'
import type { Measured } from '../rounds.js'
import type { Check, Table, Target } from '../report/outcome.js'

const size = 256 * 2 ** 20

/** Transfers that count, one after the other, each by a curl of its own; one more goes before them to warm up. */
const transfers = 3

const files = 2000
const fileSize = 4096
const connections = 4

const recording = recordingOf('ftp')
const notRecording = notRecordingOf('ftp')

/** What is done with vsftpd through each peer, and how often each piece of content is in a recording of it. */
type Work = {
  readonly name: string
  readonly peers: readonly Peer[]
  readonly measure: (port: number, host: string) => Promise<number>
  readonly expected: ReadonlyMap<string, { readonly bytes: number, readonly times: number }>
}

export const ftp: Bench = {
  name: 'ftp',
  title: `vsftpd and curl move 256 MiB; lftp mirrors ${files.toLocaleString('en-US')} files of ${fileSize} bytes over ${connections} connections`,
  needs: ['vsftpd', 'curl', 'lftp'],
  compares: ['haproxy'],
  async run(session) {
    const checks: Check[] = []
    const big = randomBytes(size)
    const bigServer = await startVsftpd(session, true)
    writeFileSync(`${bigServer.folder}/256m.bin`, big)
    const retrieved = await measure(session, bigServer, retrieving(session, bigServer, hashOf(big)), checks)
    const stored = await measure(session, bigServer, storing(session, bigServer, hashOf(big)), checks)
    await bigServer.stop()
    rmSync(bigServer.folder, { recursive: true })

    const smallServer = await startVsftpd(session)
    const contents = new Map(Array.from({ length: files }, (_, n) => [`${n}.bin`, randomBytes(fileSize)]))
    for (const [name, bytes] of contents) writeFileSync(`${smallServer.folder}/${name}`, bytes)
    const mirrored = await measure(session, smallServer, mirroring(session, contents), checks)
    await smallServer.stop()
    return {
      tables: [
        table('RETR', 'MB/s', retrieved, 1e6, bodyTargets), table('STOR', 'MB/s', stored, 1e6, bodyTargets),
        table('lftp mirror', 'files/s', mirrored, 1, [{ peer: recording.name, atLeast: 0.6, times: direct.name }]),
      ],
      checks: [...new Map(checks.map((check) => [check.text, check])).values()],
    }
  },
}

const bodyTargets: readonly Target[] = [
  { peer: recording.name, atLeast: 0.4, times: direct.name },
  { peer: notRecording.name, atLeast: 0.8, times: direct.name },
]

function table(figure: string, unit: string, measured: Measured<number>[], divisor: number, targets: readonly Target[]): Table {
  return { figure, unit, reference: direct.name, rows: rowsOf(measured, (speed) => speed / divisor), targets }
}

async function measure(session: Session, origin: FtpOrigin, work: Work, checks: Check[]): Promise<Measured<number>[]> {
  session.say(`  ${work.name}`)
  return measureInRounds(session, {
    peers: work.peers, origin: origin.port, measure: work.measure,
    inspect(_peer, _sample, { recording: path }) {
      if (path !== null) checks.push(check(work, path))
    },
  })
}

/** What any relay can come to on this machine, haproxy shows: it looks at nothing and copies nothing. */
function peersOf({ dataPort }: FtpOrigin): readonly Peer[] {
  return [direct, haproxyForFtp(() => dataPort), recording, notRecording]
}

function retrieving(session: Session, origin: FtpOrigin, hash: string): Work {
  const { folder } = origin
  return {
    name: 'RETR',
    peers: peersOf(origin),
    expected: new Map([[hash, { bytes: size, times: transfers + 1 }]]),
    measure: (port, host) => timed(async () => {
      const { bytes, seconds } = await ftpDownload(session, port, '256m.bin', host)
      if (bytes !== statSync(`${folder}/256m.bin`).size) throw new Error(`${bytes} bytes arrived instead of ${size}`)
      return seconds
    }),
  }
}

function storing(session: Session, origin: FtpOrigin, hash: string): Work {
  const { folder } = origin
  let number = 0
  return {
    name: 'STOR',
    peers: peersOf(origin),
    expected: new Map([[hash, { bytes: size, times: transfers + 1 }]]),
    measure: (port, host) => timed(async () => {
      const name = `stored-${++number}.bin`
      const { seconds } = await ftpUpload(session, port, name, `${folder}/256m.bin`, host)
      const stored = statSync(`${folder}/${name}`).size
      if (stored !== size) throw new Error(`${stored} bytes were stored instead of ${size}`)
      rmSync(`${folder}/${name}`)
      return seconds
    }),
  }
}

async function timed(transfer: () => Promise<number>): Promise<number> {
  let seconds = 0
  for (let n = 0; n <= transfers; n++) {
    const took = await transfer()
    if (n > 0) seconds += took
  }
  return transfers * size / seconds
}

function mirroring(session: Session, contents: ReadonlyMap<string, Buffer>): Work {
  return {
    name: 'lftp mirror',
    peers: [direct, recording, notRecording],
    expected: new Map([...contents.values()].map((bytes) => [hashOf(bytes), { bytes: fileSize, times: 2 }])),
    async measure(port) {
      let seconds = 0
      // The first warms up.
      for (let n = 0; n < 2; n++) {
        const folder = session.scratch.fresh('mirrored')
        mkdirSync(folder)
        seconds = await mirror(session, port, folder, connections)
        const arrived = readdirSync(folder).filter((name) => contents.get(name)?.equals(readFileSync(`${folder}/${name}`)))
        rmSync(folder, { recursive: true })
        if (arrived.length !== files) throw new Error(`${arrived.length} of ${files} files arrived as they were`)
      }
      return files / seconds
    },
  }
}

/** Every transfer is there, complete, tied to its command, with its own bytes. */
function check({ name, expected }: Work, path: string): Check {
  const { transfers: found, unanswered, untied, troubles } = readFtp(path)
  const times = new Map<string | null, number>()
  for (const { sha256 } of found) times.set(sha256, (times.get(sha256) ?? 0) + 1)
  const wrong = found.filter(({ sha256, bytes, kept, outcome, code }) => {
    const content = expected.get(sha256 ?? '')
    return content === undefined || bytes !== content.bytes || kept !== bytes || outcome !== 'completed' || code !== 226
  }).length
  const missing = [...expected].filter(([hash, content]) => times.get(hash) !== content.times).length
  const ok = wrong + missing + unanswered + untied + troubles.length === 0
  const total = [...expected.values()].reduce((sum, content) => sum + content.times, 0)
  return {
    ok,
    text: ok ? `${name}: none lost: all ${total.toLocaleString('en-US')} transfers are in the file, byte for byte, in every round`
      : `${name}: ${found.length} of ${total} transfers in the file, ${wrong} wrong, ${missing} contents missing, `
        + `${unanswered} commands unanswered, ${untied} transfers untied; ${troubles.join('; ')}`,
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
