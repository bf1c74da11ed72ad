import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { ftpServers } from '../real/ftp/servers.js'
import type { FtpServer } from '../real/ftp/server.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { assertCompleted } from './sound.js'

const textbook = `
import sys, io, hashlib
from ftplib import FTP
host, port, user, password = sys.argv[1:]
ftp = FTP()
print(ftp.connect(host, int(port)))
print(ftp.login(user, password))
print(ftp.pwd())
print(sorted(ftp.nlst()))
ftp.dir(print)
digest = hashlib.sha256()
print(ftp.retrbinary('RETR binary.dat', digest.update))
print(digest.hexdigest())
print(ftp.retrlines('RETR text.txt', print))
print(ftp.storbinary('STOR stored.bin', io.BytesIO(bytes(range(256)) * 1000)))
print(ftp.storlines('STOR stored.txt', io.BytesIO(b'one\\ntwo\\nthree\\n')))
print(ftp.quit())
`

async function play(t: ExecutionContext, server: FtpServer, port: number): Promise<{ said: string, stored: Buffer, lines: Buffer }> {
  const client = await run(t, 'python3', ['-c', textbook, server.host, `${port}`, server.user, server.password])
  t.is(client.code, 0, client.stderr)
  const [binary, text] = [join(server.folder, 'stored.bin'), join(server.folder, 'stored.txt')]
  const result = { said: client.stdout.toString(), stored: readFileSync(binary), lines: readFileSync(text) }
  rmSync(binary)
  rmSync(text)
  return result
}

for (const kind of ftpServers) {
  const here = kind.available && installed('python3') ? test : test.skip
  here(`the textbook client, python3's ftplib, notices nothing but the port with ${kind.name}`, async (t) => {
    const server = await kind.start(t)
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
    const binary = randomBytes(123_457)
    writeFileSync(join(server.folder, 'binary.dat'), binary)
    writeFileSync(join(server.folder, 'text.txt'), 'first line\r\nsecond line\r\n')
    const direct = await play(t, server, server.port)
    const relayed = await play(t, server, tape.port)
    t.is(relayed.said, direct.said)
    t.regex(relayed.said, /first line\nsecond line\n/)
    t.true(relayed.stored.equals(direct.stored))
    t.true(relayed.stored.equals(Buffer.alloc(256_000, Buffer.from(Uint8Array.from({ length: 256 }, (_, n) => n)))))
    t.true(relayed.lines.equals(direct.lines))

    const recording = await tape.recorded()
    const transfers = [...recording.ftpTransfers()]
    t.deepEqual(transfers.map(({ verb, type, path }) => [verb, type, path]), [
      ['NLST', 'A', server.path('').replace(/(.)\/$/, '$1')], ['LIST', 'A', server.path('').replace(/(.)\/$/, '$1')],
      ['RETR', 'I', server.path('binary.dat')], ['RETR', 'A', server.path('text.txt')],
      ['STOR', 'I', server.path('stored.bin')], ['STOR', 'A', server.path('stored.txt')],
    ])
    for (const transfer of transfers) await assertCompleted(t, recording, transfer, transfer.path!.endsWith('.dat') ? binary : undefined)
    const [session] = recording.ftpSessions()
    t.is(session!.user, server.user)
    t.is(session!.outcome, 'quit')
    t.true(session!.ended! >= session!.started)
    t.regex(session!.greeting!, /^220 /)
    const verbs = [...recording.ftpCommands()].map(({ verb }) => verb)
    t.deepEqual(verbs.slice(0, 3), ['USER', 'PASS', 'PWD'])
    t.is(verbs.at(-1), 'QUIT')
    t.is([...recording.ftpCommands({ where: 'verb = \'PASS\'' })][0]!.argument, '****')
  })
}
