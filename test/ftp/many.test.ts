import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { Client } from 'basic-ftp'
import { lftp } from '../real/ftp/lftp.js'
import { installed } from '../real/installed.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { assertCompleted, sha256 } from './sound.js'

const fifty = `
import sys, io
from ftplib import FTP
host, port, user, password = sys.argv[1:]
with FTP() as ftp:
    ftp.connect(host, int(port))
    ftp.login(user, password)
    ftp.pwd()
    for n in range(50):
        ftp.set_pasv(n % 2 == 0)
        content = bytes([n]) * (n * 997)
        ftp.storbinary('STOR %d' % n, io.BytesIO(content))
        got = io.BytesIO()
        ftp.retrbinary('RETR %d' % n, got.write)
        assert got.getvalue() == content, n
`

const withPyftpdlib = pyftpdlib.available ? test.serial : test.serial.skip

for (const kind of [vsftpd, pyftpdlib]) {
  const here = kind.available && installed('python3') ? test.serial : test.serial.skip
  here(`python3's ftplib makes 100 transfers on one control connection with ${kind.name}, passive and active in turn`, async (t) => {
    const server = await kind.start(t)
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
    const client = await run(t, 'python3', ['-c', fifty, '127.0.0.1', `${tape.port}`, server.user, server.password])
    t.is(client.code, 0, client.stderr)
    const recording = await tape.recorded()
    const transfers = [...recording.ftpTransfers()]
    t.is(transfers.length, 100)
    t.is([...recording.ftpSessions()].length, 1)
    t.is([...recording.connections({ where: 'role = \'data\'' })].length, 100)
    t.is(new Set(transfers.map(({ connectionId }) => connectionId)).size, 100)
    for (const [index, transfer] of transfers.entries()) {
      const n = Math.floor(index / 2)
      t.is(transfer.path, server.path(`${n}`))
      t.is(transfer.form, n % 2 === 0 ? 'PASV' : 'PORT')
      await assertCompleted(t, recording, transfer, Buffer.alloc(n * 997, n))
    }
  })
}

function makeTree(folder: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let n = 1; n <= 60; n++) {
    const path = join(`folder ${n % 4}`, `file ${n}`)
    const bytes = randomBytes(n * 211)
    mkdirSync(join(folder, `folder ${n % 4}`), { recursive: true })
    writeFileSync(join(folder, path), bytes)
    files.set(path, bytes)
  }
  return files
}

for (const kind of [vsftpd, pyftpdlib]) {
  // pyftpdlib answers a pipelined LIST before the PORT that it depends on, which lftp can't follow.
  for (const form of kind === pyftpdlib ? ['PASV', 'EPSV'] as const : ['PASV', 'EPSV', 'PORT'] as const) {
    const here = kind.available && installed('lftp') ? test.serial : test.serial.skip
    here(`lftp mirrors with four connections and pipelined commands by ${form} from ${kind.name}`, async (t) => {
      const server = await kind.start(t)
      const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
      const files = makeTree(server.folder)
      const target = temporaryFolder(t)
      const place = { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form }
      await lftp(t, place, 'set ftp:sync-mode off', `mirror --parallel=4 . ${target}`)
      const arrived = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('file'))
      t.deepEqual(arrived.toSorted(), [...files.keys()].toSorted())
      for (const [path, bytes] of files) t.true(readFileSync(join(target, path)).equals(bytes), path)

      const recording = await tape.recorded()
      const retrieved = [...recording.ftpTransfers({ where: 'verb = \'RETR\'' })]
      t.is(retrieved.length, 60)
      const hashes = new Map([...files].map(([path, bytes]) => [server.path(path), sha256(bytes)]))
      t.deepEqual(retrieved.map(({ sha256 }) => `${sha256}`).toSorted(), [...hashes.values()].toSorted())
      // In some of its sessions lftp never asks for the folder, so no one can know it.
      for (const { path, sha256 } of retrieved) if (path !== null) t.is(sha256!, hashes.get(path)!)
      for (const transfer of recording.ftpTransfers()) await assertCompleted(t, recording, transfer)
      t.true([...recording.ftpSessions()].length > 1)
    })
  }
}

async function session(t: ExecutionContext, port: number, user: string, password: string, n: number): Promise<void> {
  const client = new Client(60_000)
  try {
    await client.access({ host: '127.0.0.1', port, user, password })
    await client.pwd()
    await client.uploadFrom(Readable.from([Buffer.alloc(50_000 + n, n)]), `${n}`)
    const pieces: Buffer[] = []
    await client.downloadTo(new Writable({ write: (bytes: Buffer, _, done) => (pieces.push(bytes), done()) }), `${n}`)
    t.true(Buffer.concat(pieces).equals(Buffer.alloc(50_000 + n, n)))
  } finally {
    client.close()
  }
}

withPyftpdlib('40 sessions of basic-ftp at once with pyftpdlib: every record is there and none is mixed up', async (t) => {
  const server = await pyftpdlib.start(t)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  await Promise.all(Array.from({ length: 40 }, (_, n) => session(t, tape.port, server.user, server.password, n)))
  const recording = await tape.recorded()
  t.is([...recording.ftpSessions({ where: 'ended is not null' })].length, 40)
  t.is([...recording.ftpTransfers()].length, 80)
  for (let n = 0; n < 40; n++) {
    const both = [...recording.ftpTransfers({ where: `path = '/${n}'` })]
    t.deepEqual(both.map(({ verb }) => verb), ['STOR', 'RETR'])
    t.is(new Set(both.map(({ sessionId }) => sessionId)).size, 1)
    for (const transfer of both) await assertCompleted(t, recording, transfer, Buffer.alloc(50_000 + n, n))
  }
})
