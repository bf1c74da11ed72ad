import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { compareRecordings, openRecording, sendRecording } from 'wiretape'
import type { AnswerDifference, SendOptions, SendResult } from 'wiretape'
import { until } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { ftpClients } from '../real/ftp/clients.js'
import type { FtpClient, Form } from '../real/ftp/client.js'
import { ftpServers } from '../real/ftp/servers.js'
import type { FtpServer } from '../real/ftp/server.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

async function sending(t: ExecutionContext, file: string, port: number, options: Partial<SendOptions> = {}): Promise<SendResult> {
  const result = await sendRecording(file, { to: `127.0.0.1:${port}`, record: join(temporaryFolder(t), 'now.sqlite'), onProblem: (message) => t.log(message), ...options })
  if (options.where === undefined && options.ignore === undefined) {
    t.deepEqual((await compareRecordings(file, result.path)).differences, result.comparison.differences, 'compared later it is the same')
  }
  return result
}

function told({ asked, field, was, now }: AnswerDifference): string {
  return `${asked} ${field}: ${was} → ${now}`
}

const down = randomBytes(200_001)
const up = randomBytes(150_000)

/** A client downloads, uploads and lists, a session each. */
async function tour(t: ExecutionContext, server: FtpServer, client: FtpClient, form: Form): Promise<string> {
  writeFileSync(join(server.folder, 'down.bin'), down)
  // What is there already when it is repeated is to be there the first time too.
  writeFileSync(join(server.folder, 'up.bin'), up)
  const taped = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  const place = { host: '127.0.0.1', port: taped.port, user: server.user, password: server.password, form }
  t.deepEqual(await client.download(t, place, 'down.bin'), down)
  await client.upload(t, place, 'up.bin', up)
  await client.list(t, place)
  await taped.relay.stop()
  return taped.path
}

for (const server of ftpServers) {
  for (const client of ftpClients) {
    for (const form of client.forms[4]) {
      // lftp asks for EPSV only where FEAT names it, and that of ftp-srv doesn't.
      if (client.name === 'lftp' && server.name === 'ftp-srv' && form === 'EPSV') continue
      const where = server.available && client.available ? test.serial : test.serial.skip
      where(`${client.name} by ${form} with ${server.name} is repeated, with no difference`, async (t) => {
        const started = await server.start(t)
        const file = await tour(t, started, client, form)
        rmSync(join(started.folder, 'up.bin'))
        writeFileSync(join(started.folder, 'up.bin'), up)
        const { comparison, sent } = await sending(t, file, started.port, { password: started.password, ignore: ['text'] })
        // ftp-srv says that an upload is complete before it is on the disk: the list that comes right after it may have less.
        const found = comparison.differences.filter(({ field }) => server.name !== 'ftp-srv' || field !== 'listing up.bin')
        t.deepEqual(found.map(told), [])
        t.is(sent, 3)
        t.is(comparison.same + comparison.different, 3)
        await until(() => readFileSync(join(started.folder, 'up.bin')).equals(up), 'the upload on the disk')
      })
    }
  }
}

const curl = ftpClients[0]!
const withPyftpdlib = pyftpdlib.available && curl.available ? test.serial : test.serial.skip

withPyftpdlib('a server with another file, another size and another name in the list: exactly that', async (t) => {
  const server = await pyftpdlib.start(t)
  const file = await tour(t, server, curl, 'EPSV')
  const same = await sending(t, file, server.port, { password: server.password })
  t.deepEqual(same.comparison.differences.map(told), [])
  const other = Buffer.from(down)
  other[100] = other[100]! ^ 1
  writeFileSync(join(server.folder, 'down.bin'), other)
  writeFileSync(join(server.folder, 'new.txt'), 'new')
  const { comparison } = await sending(t, file, server.port, { password: server.password })
  t.deepEqual(comparison.differences.map((one) => told(one).replaceAll(/sha-256 \w+/g, 'sha-256 ')).map((line) => line.replace(/^(?:LIST|MLSD) (?:-a )?/, 'LIST ')), [
    'RETR down.bin content: 200001 bytes, sha-256 … → 200001 bytes, sha-256 …', 'LIST listing new.txt: null → file, 3 bytes',
  ])
  rmSync(join(server.folder, 'down.bin'))
  const gone = await sending(t, file, server.port, { password: server.password, ignore: ['text'] })
  const retr = gone.comparison.differences.find(({ asked, field }) => asked === 'RETR down.bin' && field === 'reply')
  t.regex(retr!.was!, /^226 /)
  t.regex(retr!.now!, /^550 /)
})

withPyftpdlib('a masked password is asked for; a wrong one is a difference', async (t) => {
  const server = await pyftpdlib.start(t)
  const file = await tour(t, server, curl, 'PASV')
  await t.throwsAsync(sending(t, file, server.port), { message: /nothing of .* can be sent: session of tester: its password is masked in the recording: --password gives one, and 2 more/ })
  const { comparison } = await sending(t, file, server.port, { password: 'wrong', where: 'id = (SELECT min(id) FROM ftp_session)' })
  t.is(comparison.differences[0]!.asked, 'PASS')
  t.regex(comparison.differences[0]!.now!, /^530 /)
})

withPyftpdlib('at the recorded speed drift is told, for each command', async (t) => {
  const server = await pyftpdlib.start(t)
  const file = await tour(t, server, curl, 'PASV')
  const { drift, path, comparison } = await sending(t, file, server.port, { password: server.password, speed: 'recorded' })
  using now = openRecording(path)
  t.is(drift?.count, [...now.ftpCommands()].length)
  // The clock begins the list when it was begun: on a busy machine the upload before it may still be on its way.
  t.deepEqual(comparison.differences.filter(({ field }) => field !== 'listing up.bin').map(told), [])
})

withPyftpdlib('a target that refuses is told in one line', async (t) => {
  const server = await pyftpdlib.start(t)
  const file = await tour(t, server, curl, 'PASV')
  const port = await freePort()
  await t.throwsAsync(sending(t, file, port, { password: 'x' }), { message: `nothing could be sent: 127.0.0.1:${port} refused the connection` })
})

withPyftpdlib('a download that the client broke off is broken off again, and the session goes on', async (t) => {
  const server = await pyftpdlib.start(t)
  writeFileSync(join(server.folder, 'large.bin'), Buffer.alloc(30_000_000, 'large '))
  const taped = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  const { code, stderr } = await run(t, 'python3', ['-c', `
import sys
from ftplib import FTP
ftp = FTP()
ftp.connect('127.0.0.1', int(sys.argv[1]))
ftp.login('tester', 'secret')
data = ftp.transfercmd('RETR large.bin')
data.recv(1000)
data.close()
try: ftp.voidresp()
except Exception as e: print(e)
ftp.pwd()
ftp.quit()
`, String(taped.port)])
  t.is(code, 0, stderr)
  await taped.relay.stop()
  const { path, comparison } = await sending(t, taped.path, server.port, { password: server.password })
  t.deepEqual(comparison.differences.map(told), [])
  using now = openRecording(path)
  const [transfer] = now.ftpTransfers()
  t.is(transfer?.outcome, 'aborted')
  t.is([...now.ftpCommands({ where: "verb = 'PWD'" })].length, 1)
})
