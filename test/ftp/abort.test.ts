import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { connectTo } from '../real/peer.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import type { FtpServer } from '../real/ftp/server.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { bytesOf, taping } from '../real/relaying.js'
import { controlPair } from './control-pair.js'
import { onlyTransfer } from './sound.js'

const telnetSynch = '\xff\xf4\xff\xf2'

for (const [name, line, replies] of [
  ['ABOR', 'ABOR', ['426 Cut', '226 Aborted']],
  ['ABOR after telnet IP and DM', `${telnetSynch}ABOR`, ['426 Cut', '226 Aborted']],
  ['ABOR, whose transfer was already over', 'ABOR', ['226 Done', '225 Nothing to abort']],
] as const) {
  test(`${name}: the replies find their commands, and the bytes pass as they are`, async (t) => {
    const pair = await controlPair(t)
    const client = await connectTo(t, await pair.passive())
    await pair.asks('RETR /long')
    await pair.answers('150 Opening')
    const server = await pair.data.next()
    server.write('the beginning')
    await client.take(13)
    await pair.asks(line)
    server.finish()
    await client.gone()
    await pair.answers(...replies)
    await pair.asks('NOOP')
    await pair.answers('200 Fine')
    const recording = await pair.over()
    const transfer = onlyTransfer(recording)
    t.is(transfer.outcome, replies[0].startsWith('426') ? 'aborted' : 'completed')
    t.is(transfer.code, Number(replies[0].slice(0, 3)))
    t.is(transfer.bytes, 13)
    const commands = [...recording.ftpCommands()].map(({ verb, code }) => [verb, code])
    t.deepEqual(commands.slice(-2), [['ABOR', Number(replies[1].slice(0, 3))], ['NOOP', 200]])
    const control = [...recording.connections({ where: 'parent_id is null' })][0]!
    t.true((await bytesOf(recording.stream(control.id, 'up'))).includes(Buffer.from(`${line}\r\n`, 'latin1')))
  })
}

const aborting = `
import sys, socket
from ftplib import FTP
host, port, user, password, style = sys.argv[1:]
ftp = FTP(timeout=60)
ftp.connect(host, int(port))
ftp.login(user, password)
ftp.voidcmd('TYPE I')
data = ftp.transfercmd('RETR big')
data.recv(1000)
oob = socket.MSG_OOB
if style == 'plain':
    ftp.sock.sendall(b'ABOR\\r\\n')
elif style == 'the whole line urgent, as ftplib does':
    ftp.sock.sendall(b'ABOR\\r\\n', oob)
elif style == 'the whole line urgent, and the next command right behind it':
    ftp.sock.sendall(b'ABOR\\r\\n', oob)
    ftp.sock.sendall(b'NOOP\\r\\n')
elif style == 'IAC IP IAC urgent, as BSD\\'s ftp does':
    ftp.sock.send(b'\\xff\\xf4\\xff', oob)
    ftp.sock.sendall(b'\\xf2ABOR\\r\\n')
elif style == 'IAC IP IAC DM urgent, as lftp does':
    ftp.sock.send(b'\\xff\\xf4\\xff\\xf2', oob)
    ftp.sock.sendall(b'ABOR\\r\\n')
data.close()
print(ftp.getmultiline()[:3])
print(ftp.getmultiline()[:3])
print((ftp.getmultiline() if style.endswith('behind it') else ftp.sendcmd('NOOP'))[:3])
`

async function abortAt(t: ExecutionContext, server: FtpServer, port: number, style: string): Promise<string> {
  const client = await run(t, 'python3', ['-c', aborting, server.host, `${port}`, server.user, server.password, style])
  return client.stdout.toString() + (client.code === 0 ? '' : client.stderr.trim().split('\n').at(-1)!)
}

for (const kind of [vsftpd, pyftpdlib]) {
  for (const style of [
    'plain', 'the whole line urgent, as ftplib does', 'the whole line urgent, and the next command right behind it', 'IAC IP IAC urgent, as BSD\'s ftp does', 'IAC IP IAC DM urgent, as lftp does',
  ]) {
    const here = kind.available && installed('python3') ? test : test.skip
    here(`python3 aborts a download from ${kind.name} as it would directly: ${style}`, async (t) => {
      const server = await kind.start(t)
      writeFileSync(join(server.folder, 'big'), '')
      truncateSync(join(server.folder, 'big'), 200_000_000)
      const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
      // Whether a server finds the transfer still there to be aborted (226) or just gone (225) is a race between its two connections.
      const expected = /^(426|226)\n22[56]\n200\n$/
      const direct = await abortAt(t, server, server.port, style)
      t.regex(direct, expected)
      const relayed = await abortAt(t, server, tape.port, style)
      t.regex(relayed, expected)
      t.is(relayed.slice(0, 3), direct.slice(0, 3))
      const recording = await tape.recorded()
      const transfer = onlyTransfer(recording)
      t.is(transfer.outcome, 'aborted')
      t.true(transfer.bytes < 200_000_000)
      t.is([...recording.ftpCommands({ where: 'verb = \'ABOR\'' })].length, 1)
      const told = [...recording.events({ where: 'kind = \'ftp-urgent\'' })].map(({ text }) => text)
      t.is(told.length, style === 'plain' ? 0 : 1, told.join())
      if (style !== 'plain') t.regex(told[0]!, /^ABOR came .* urgent data, which a relay can't read: supplied; it goes on as ordinary data, and /)
    })
  }
}
