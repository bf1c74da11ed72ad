import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { serveRecording } from 'wiretape'
import type { RecordingServer, RelayOptions, ServeOptions } from 'wiretape'
import { curlFtp, fileOf, ftplib } from '../faults/ftp-client.js'
import { portIn, sixNumbers } from '../ftp/control-pair.js'
import { sha256 } from '../ftp/sound.js'
import { installed } from '../real/installed.js'
import { lftp } from '../real/ftp/lftp.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import type { FtpServer } from '../real/ftp/server.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { until } from '../real/deadline.js'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { run } from '../real/program.js'
import { bytesOf, opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { scriptedFtp } from './ftp-script.js'

const on = pyftpdlib.available && installed('curl') ? test.serial : test.serial.skip

const content = Buffer.alloc(400_000, 'download')

async function serving(t: ExecutionContext, path: string, options: ServeOptions = {}): Promise<RecordingServer> {
  const server = await serveRecording(path, { ftp: 0, onProblem: (message) => t.fail(message), ...options })
  t.teardown(() => server.stop())
  return server
}

const missed = (server: RecordingServer): string[] => server.misses.map(({ kind, text }) => `${kind}: ${text.replaceAll(/record \d+/g, 'record')}`)

interface Recorded {
  readonly origin: FtpServer
  readonly port: number
  /** Stops the relay, takes the origin's files away, and @returns the recording's path. */
  over(): Promise<string>
}

async function recording(t: ExecutionContext, options: RelayOptions = {}, kind: typeof pyftpdlib | typeof vsftpd = pyftpdlib): Promise<Recorded> {
  const origin = await kind.start(t)
  writeFileSync(join(origin.folder, 'file'), content)
  const tape = await taping(t, { ...options, ftp: `0=127.0.0.1:${origin.port}` })
  return {
    origin, port: tape.port,
    over: async () => {
      await tape.relay.stop()
      rmSync(origin.folder, { recursive: true })
      return tape.path
    },
  }
}

async function fetched(t: ExecutionContext, port: number, origin: FtpServer): Promise<{ code: number | null, bytes: number, sha256: string }> {
  const { code, bytes } = await curlFtp(t, { port }, origin, 'file')
  return { code, bytes: bytes.length, sha256: sha256(bytes) }
}

/** What is said on a control connection that the test plays itself. */
async function loggedIn(t: ExecutionContext, port: number, user = 'tester'): Promise<Peer & { ask(line: string): Promise<string> }> {
  const peer = await connectTo(t, port)
  await peer.through('\r\n')
  const asking = Object.assign(peer, {
    ask: async (line: string) => {
      peer.write(`${line}\r\n`)
      return peer.through('\r\n')
    },
  })
  await asking.ask(`USER ${user}`)
  await asking.ask('PASS whatever')
  return asking
}

for (const kind of [pyftpdlib, vsftpd]) {
  const both = kind.available && installed('curl') ? test.serial : test.serial.skip

  both(`${kind.name}: what was refused is refused again, and a file that came later wasn't there before`, async (t) => {
    const { origin, port, over } = await recording(t, {}, kind)
    const tasks = ['SIZE up', 'RETR up', 'STOR up', 'SIZE up', 'DELE nothing', 'RNFR up', 'RNTO down', 'CWD none', 'MKD none', 'CWD none', 'CDUP', 'FEAT', 'STAT', 'HELP', 'STAT file']
    const recorded = await ftplib(t, { port }, origin, ...tasks)
    const server = await serving(t, await over())
    for (let round = 0; round < 3; round++) t.deepEqual(await ftplib(t, server, origin, ...tasks), recorded)
    t.deepEqual(missed(server), [])
    t.deepEqual(recorded.slice(0, 4).map(([how]) => how), ['error_perm', 'error_perm', 'fine', 'fine'])
  })

  for (const fault of ['ftp-cut:after=1000', 'ftp-cut:after=1000,how=reset', 'ftp-late-error:verb=RETR+STOR', 'ftp-refuse:verb=RETR+STOR,code=452']) {
    both(`${kind.name}: a failure that was recorded happens again: ${fault}`, async (t) => {
      const { origin, port, over } = await recording(t, { plugins: [fault] }, kind)
      const rerun = async (at: number): Promise<unknown> => [await fetched(t, at, origin), await ftplib(t, { port: at }, origin, 'RETR file', 'PWD')]
      const recorded = await rerun(port)
      const server = await serving(t, await over())
      t.deepEqual(await rerun(server.port), recorded)
      t.deepEqual(missed(server), [])
    })
  }

  for (const how of ['close', 'reset']) {
    both(`${kind.name}: an upload that was cut by a ${how} is cut again`, async (t) => {
      const { origin, port, over } = await recording(t, { plugins: [`ftp-cut:after=1000,direction=up,how=${how}`] }, kind)
      await ftplib(t, { port }, origin, 'STOR up', 'PWD')
      const path = await over()
      const file = opening(t, path)
      const [recorded] = file.ftpCommands({ where: 'verb = \'STOR\'' })
      const replies = [...file.ftpReplies({ where: `command_id = ${recorded!.id}` })].map(({ code }) => code)
      const server = await serving(t, path)
      const client = await loggedIn(t, server.port, origin.user)
      await client.ask('TYPE I')
      const data = await peerServer(t)
      await client.ask(`PORT ${sixNumbers(data.port)}`)
      client.write('STOR up\r\n')
      if (replies[0]! >= 200) {
        // The reset came before the server had said that it begins: then it had nothing to begin with.
        t.is(await client.through('\r\n'), `${recorded!.code} ${recorded!.text}\r\n`)
        return
      }
      if (recorded!.code === null) {
        // The client had left before the server noticed the reset: what it would have said isn't known.
        await client.through('\r\n')
        t.is(server.misses.length, 1)
        return
      }
      const sending = await data.next()
      // What the helper uploads. Who closed in order took all of it.
      sending.write(Buffer.alloc(400_000, 'u'))
      if (how === 'close') sending.finish()
      t.is(await sending.over(), how === 'close' ? 'end' : 'ECONNRESET')
      t.regex(await client.through('\r\n'), /^1/)
      t.is(await client.through('\r\n'), `${recorded!.code} ${recorded!.text}\r\n`)
      t.deepEqual(missed(server), [])
    })
  }

  for (const kill of ['verb=DELE', 'verb=DELE,how=reset', 'verb=DELE,when=after', 'verb=RETR,when=after']) {
    both(`${kind.name}: a control connection that ended in the middle ends there again: ${kill}`, async (t) => {
      const { origin, port, over } = await recording(t, { plugins: [`ftp-kill:${kill}`] }, kind)
      const task = kill.includes('DELE') ? 'DELE file' : 'RETR file'
      const recorded = await ftplib(t, { port }, origin, 'PWD', task)
      t.regex(recorded[1]![0], /EOFError|ConnectionReset/)
      const server = await serving(t, await over())
      t.deepEqual(await ftplib(t, server, origin, 'PWD', task), recorded)
      t.deepEqual(missed(server), [])
    })
  }
}

on('equal commands get the recorded answers in their order, then as `after` says', async (t) => {
  const { origin, port, over } = await recording(t)
  const asks = async (at: number): Promise<string> => {
    const { code, bytes } = await curlFtp(t, { port: at }, origin, 'file')
    return `${code} ${bytes.toString()}`
  }
  for (const text of ['one', 'two', 'three']) {
    writeFileSync(join(origin.folder, 'file'), text)
    t.is(await asks(port), `0 ${text}`)
  }
  const path = await over()
  const told = async (options: ServeOptions): Promise<string[]> => {
    const server = await serving(t, path, options)
    const got: string[] = []
    for (let round = 0; round < 5; round++) got.push(await asks(server.port))
    return [...got, ...missed(server)]
  }
  t.deepEqual(await told({}), ['0 one', '0 two', '0 three', '0 three', '0 three'])
  t.deepEqual(await told({ after: 'cycle' }), ['0 one', '0 two', '0 three', '0 one', '0 two'])
  const spent = 'exhausted: SIZE file: all its recorded answers have been given'
  const misses = await told({ after: 'miss' })
  t.deepEqual(misses.slice(0, 3), ['0 one', '0 two', '0 three'])
  t.deepEqual(misses.slice(3, 5), ['78 ', '78 '])
  t.is(misses.filter((text) => text === spent).length, 2, misses.join('\n'))
})

on('a refused login is refused again, in its order; those who run again are let in', async (t) => {
  const { origin, port, over } = await recording(t)
  const run = async (at: number): Promise<(number | null)[]> => {
    const codes: (number | null)[] = []
    for (const password of [origin.password, 'wrong', origin.password, 'wrong']) codes.push((await curlFtp(t, { port: at }, { ...origin, password }, 'file')).code)
    return codes
  }
  t.deepEqual(await run(port), [0, 67, 0, 67])
  const path = await over()
  const server = await serving(t, path)
  t.deepEqual(await run(server.port), [0, 67, 0, 67])
  t.is((await curlFtp(t, server, origin, 'file')).code, 0)
  t.deepEqual(missed(server), [])
  const cycling = await serving(t, path, { after: 'cycle' })
  t.deepEqual([...await run(cycling.port), ...await run(cycling.port)], [0, 67, 0, 67, 0, 67, 0, 67])
})

on('an upload that a plugin closed before its first byte is closed again', async (t) => {
  const { origin, port, over } = await recording(t, { plugins: ['ftp-data:how=close,verb=STOR'] })
  await ftplib(t, { port }, origin, 'STOR up', 'PWD')
  const path = await over()
  const [recorded] = opening(t, path).ftpCommands({ where: 'verb = \'STOR\'' })
  const server = await serving(t, path)
  const client = await loggedIn(t, server.port, origin.user)
  await client.ask('TYPE I')
  const data = await peerServer(t)
  await client.ask(`PORT ${sixNumbers(data.port)}`)
  client.write('STOR up\r\n')
  // Its client has sent nothing, and doesn't end.
  t.is(await (await data.next()).over(), 'end')
  t.regex(await client.through('\r\n'), /^1/)
  t.is(await client.through('\r\n'), `${recorded!.code} ${recorded!.text}\r\n`)
  t.deepEqual(missed(server), [])
})

on('a client that pipelines doesn\'t keep the others waiting, and gets all its replies', async (t) => {
  const { origin, port, over } = await recording(t)
  await ftplib(t, { port }, origin, 'PWD')
  const server = await serving(t, await over())
  const other = await loggedIn(t, server.port)
  const greedy = await loggedIn(t, server.port)
  let replies = 0
  greedy.socket.on('data', (bytes: Buffer) => { replies += bytes.toString().split('\n').length - 1 })
  greedy.write('NOOP\r\n'.repeat(20_000))
  greedy.finish()
  await until(() => replies > 0, 'the first reply')
  t.regex(await other.ask('NOOP'), /^200/)
  t.true(replies < 10_000, `${replies} replies came first`)
  await until(() => greedy.ending !== null, 'the end')
  t.is(replies, 20_000)
})

on('what went wrong is said: a port that can\'t be connected to, an empty line, ABOR in the middle', async (t) => {
  const { origin, port, over } = await recording(t)
  writeFileSync(join(origin.folder, 'large'), Buffer.alloc(30_000_000, 'large'))
  await ftplib(t, { port }, origin, 'RETR large', 'ABOR')
  const server = await serving(t, await over())
  const client = await loggedIn(t, server.port)
  await client.ask('TYPE I')
  const data = await peerServer(t)
  await client.ask(`PORT ${sixNumbers(data.port)}`)
  client.write('RETR large\r\n')
  const receiving = await data.next()
  await receiving.take(1000)
  receiving.socket.pause()
  t.regex(await client.through('\r\n'), /^1/)
  t.regex(await client.ask('ABOR'), /^426 /)
  t.regex(await client.through('\r\n'), /^226 Abort/)
  t.regex(await client.ask('PORT 127,0,0,1,4,1'), /^200 /)
  t.regex(await client.ask('RETR large'), /^425 No data connection: your port/)
  t.regex(await client.ask(''), /^500 /)
  t.deepEqual(missed(server), [])
})

on('an upload that differs is told, with where; the client gets the recorded reply', async (t) => {
  const { origin, port, over } = await recording(t)
  const sends = async (at: number, bytes: Buffer): Promise<number | null> => (await curlFtp(t, { port: at }, origin, 'up', '-T', fileOf(t, bytes))).code
  t.is(await sends(port, content), 0)
  const server = await serving(t, await over())
  t.is(await sends(server.port, content), 0)
  t.deepEqual(missed(server), [])
  const other = Buffer.from(content)
  other[123_456]! ^= 1
  t.is(await sends(server.port, other), 0)
  t.is(await sends(server.port, content.subarray(0, 1000)), 0)
  t.is(await sends(server.port, Buffer.concat([content, content])), 0)
  t.is(await sends(server.port, Buffer.alloc(0)), 0)
  const said = (bytes: number, offset: number): string => `diverged: STOR up is another upload than recorded (record): ${bytes} bytes came, 400000 were recorded; the first difference is at offset ${offset}`
  t.deepEqual(missed(server), [said(400_000, 123_456), said(1000, 1000), said(800_000, 400_000), said(0, 0)])
  t.true(server.misses.every(({ closest }) => closest === server.misses[0]!.closest && closest !== null))
  t.deepEqual(server.misses[0]!.differs.map(({ field }) => field), ['sha256', 'offset 123456'])
  t.deepEqual(server.misses[1]!.differs.map(({ field, came }) => [field, field === 'size' ? came : null]), [['size', '1000'], ['sha256', null], ['offset 1000', null]])
})

on('what was not recorded is missed loudly, with the closest that was, and the session goes on', async (t) => {
  const { origin, port, over } = await recording(t)
  await ftplib(t, { port }, origin, 'PWD', 'SIZE file', 'RETR file', 'STOR up', 'SITE HELP')
  const server = await serving(t, await over())
  const [first, second, third, fourth, fifth] = await ftplib(t, server, origin, 'RETR files', 'MDTM file', 'SITE CHMOD 644 file', 'XYZZY', 'RETR file')
  t.deepEqual([first![0], second![0], third![0], fourth![0]], ['error_perm', 'error_perm', 'error_perm', 'error_perm'])
  t.regex(first![1], /^550 wiretape: RETR files was not recorded; the closest is RETR file \(record \d+\): path \/files, recorded \/file$/)
  t.regex(third![1], /^502 wiretape: SITE CHMOD 644 file was not recorded; the closest is SITE HELP/)
  t.deepEqual([fifth![0], fifth![2]], ['fine', content.length])
  t.deepEqual(missed(server), [
    'unknown: RETR files was not recorded; the closest is RETR file (record): path /files, recorded /file',
    'unknown: MDTM file was not recorded; no MDTM was recorded',
    'unknown: SITE CHMOD 644 file was not recorded; the closest is SITE HELP (record): argument CHMOD 644 file, recorded HELP',
    'unknown: XYZZY was not recorded; no XYZZY was recorded',
  ])
  t.is(server.missed, 4)
  // Nobody is asked for a password but those who had one.
  const { code } = await curlFtp(t, server, { ...origin, user: 'somebody' }, 'file')
  t.is(code, 67)
  t.regex(server.misses.at(-1)!.text, /^USER somebody was not recorded; the closest is USER tester/)
})

on('what a mask hid of an upload is told as that', async (t) => {
  const { origin, port, over } = await recording(t, { plugins: ['redact'] })
  const sends = async (at: number, text: string): Promise<number | null> => (await curlFtp(t, { port: at }, origin, 'up', '-T', fileOf(t, Buffer.from(text)))).code
  t.is(await sends(port, '{"user":"me","password":"secret words"}'), 0)
  const server = await serving(t, await over())
  t.is(await sends(server.port, '{"user":"me","password":"secret words"}'), 0)
  t.is(await sends(server.port, '{"user":"you","password":"secret words"}'), 0)
  t.deepEqual(server.misses.map(({ kind }) => kind), ['incomplete', 'diverged'])
  t.regex(server.misses[0]!.text, /first difference is at offset 25; the recording has asterisks there: what a mask hid can't be compared$/)
})

on('what wasn\'t recorded whole isn\'t given short', async (t) => {
  const { origin, port, over } = await recording(t)
  await ftplib(t, { port }, origin, 'RETR file', 'STOR up')
  const path = await over()
  const database = new Sqlite(path)
  database.exec('UPDATE ftp_transfer SET outcome = \'incomplete\', sha256 = NULL, error = \'7 bytes not recorded\'')
  database.close()
  const server = await serving(t, path)
  const [download, upload] = await ftplib(t, server, origin, 'RETR file', 'STOR up')
  t.deepEqual([download![0], download![2], upload![0]], ['error_temp', 0, 'fine'])
  t.deepEqual(missed(server), [
    'incomplete: RETR file was not recorded whole (record): 7 bytes not recorded', 'incomplete: STOR up was not recorded whole (record): 7 bytes not recorded',
  ])
})

on('a part of a file is given from where it is wanted, and as text only what was recorded as text', async (t) => {
  const { origin, port, over } = await recording(t)
  t.is((await curlFtp(t, { port }, origin, 'file')).code, 0)
  const server = await serving(t, await over())
  for (const from of [1, 70_000, 399_999]) {
    const { code, bytes } = await curlFtp(t, server, origin, 'file', '-C', String(from))
    t.is(code, 0)
    t.true(bytes.equals(content.subarray(from)))
  }
  t.deepEqual(missed(server), [])
  t.is((await curlFtp(t, server, origin, 'file', '--use-ascii')).code, 78)
  t.deepEqual(missed(server), ['unknown: RETR file was not recorded; the closest is RETR file (record): TYPE A, recorded I'])
})

on('a client of another kind gets what it asks for in its own way', async (t) => {
  const { origin, port, over } = await recording(t)
  mkdirSync(join(origin.folder, 'inner'))
  writeFileSync(join(origin.folder, 'inner', 'deep'), 'deep')
  // It asks neither for the folder nor for sizes.
  await ftplib(t, { port }, origin, 'RETR file', 'CWD inner', 'RETR deep', 'STOR up')
  const server = await serving(t, await over())
  t.deepEqual(await fetched(t, server.port, origin), { code: 0, bytes: content.length, sha256: sha256(content) })
  const deep = await curlFtp(t, server, origin, 'inner/deep', '--ftp-port', '-')
  t.is(deep.bytes.toString(), 'deep')
  const whole = await curlFtp(t, server, origin, 'inner/deep', '--ftp-method', 'nocwd')
  t.is(whole.bytes.toString(), 'deep')
  t.deepEqual(missed(server), [])
  t.is((await curlFtp(t, server, origin, 'deep')).code, 78)
  t.is(server.misses[0]!.kind, 'unknown')
})

on('with the recorded timing, replies and data come as late as they did; without, at once', async (t) => {
  const listening = await peerServer(t)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${listening.port}` })
  const data = await peerServer(t)
  const talk = async (at: number, serve: (() => Promise<void>) | null): Promise<{ greeting: number, reply: number, data: number }> => {
    const started = performance.now()
    const client = await connectTo(t, at)
    const serving = serve?.()
    await client.through('\r\n')
    const greeting = performance.now() - started
    client.write('NOOP\r\n')
    await client.through('\r\n')
    const reply = performance.now() - started - greeting
    client.write(`PORT ${sixNumbers(data.port)}\r\n`)
    await client.through('\r\n')
    const begun = performance.now()
    client.write('RETR slow\r\n')
    const receiving = await data.next()
    await client.through('\r\n')
    t.is((await receiving.rest()).toString(), 'onetwo')
    const carried = performance.now() - begun
    receiving.finish()
    await client.through('\r\n')
    client.finish()
    await client.gone()
    await serving
    return { greeting, reply, data: carried }
  }
  await talk(tape.port, async () => {
    const server = await listening.next()
    await sleep(300)
    server.write('220 slow\r\n')
    await server.through('NOOP\r\n')
    await sleep(300)
    server.write('200 at last\r\n')
    const to = portIn(await server.through('\r\n'))
    server.write('200 PORT\r\n')
    await server.through('\r\n')
    const sending = await connectTo(t, to)
    server.write('150 now\r\n')
    sending.write('one')
    await sleep(400)
    sending.write('two')
    sending.finish()
    server.write('226 done\r\n')
    await server.gone()
  })
  await tape.relay.stop()
  const server = await serving(t, tape.path, { timing: 'recorded' })
  const slow = await talk(server.port, null)
  t.true(slow.greeting >= 250 && slow.reply >= 250 && slow.data >= 300, JSON.stringify(slow))
  t.deepEqual(missed(server), [])
  const fast = await serving(t, tape.path)
  await talk(fast.port, null)
  t.deepEqual(missed(fast), [])
})

on('a recording that was cut off, without its indexes, is served as well', async (t) => {
  const { origin, port, over } = await recording(t)
  const recorded = await ftplib(t, { port }, origin, 'FEAT', 'RETR file', 'STOR up', 'DELE none')
  const path = await over()
  const database = new Sqlite(path)
  database.exec('DELETE FROM recording WHERE key = \'finished\'; DROP INDEX segment_by_message; DROP INDEX segment_by_connection')
  database.close()
  const server = await serving(t, path)
  t.deepEqual(await ftplib(t, server, origin, 'FEAT', 'RETR file', 'STOR up', 'DELE none'), recorded)
  t.deepEqual(missed(server), [])
})

const aborting = `
import sys
from ftplib import FTP
host, port, user, password = sys.argv[1:]
ftp = FTP()
ftp.connect(host, int(port), timeout=60)
ftp.login(user, password)
ftp.voidcmd('TYPE I')
data = ftp.transfercmd('RETR large')
print(len(data.recv(1000, 256)))
print(ftp.abort()[:3])
data.close()
print(ftp.pwd())
try: print(ftp.abort()[:3])
except Exception as problem: print(str(problem)[:3])
print(ftp.quit()[:3])
`

;(vsftpd.available && installed('python3') ? test.serial : test.serial.skip)('a transfer that its client aborts, by urgent data, is aborted', async (t) => {
  const { origin, port, over } = await recording(t, {}, pyftpdlib.available ? pyftpdlib : vsftpd)
  writeFileSync(join(origin.folder, 'large'), Buffer.alloc(30_000_000, 'large'))
  const aborts = async (at: number): Promise<string> => {
    const { stdout, stderr } = await run(t, 'python3', ['-c', aborting, '127.0.0.1', String(at), origin.user, origin.password])
    return stdout.toString() + stderr
  }
  const recorded = await aborts(port)
  t.regex(recorded, /^1000\n(?:426|225|226)\n/)
  const server = await serving(t, await over())
  // How the second ABOR is read depends on whether QUIT comes with it: its last byte is urgent, and comes to nobody here.
  const untilThen = (output: string): string => output.split('\n').slice(0, 4).join('\n')
  t.is(untilThen(await aborts(server.port)), untilThen(recorded))
  t.deepEqual(missed(server), [])
})

;(installed('lftp') ? on : test.serial.skip)('lftp gets a file in segments at the same time, as recorded and out of one that was recorded whole', async (t) => {
  const large = randomBytes(3_000_000)
  const gets = async (at: number, origin: FtpServer, command: string): Promise<string> => {
    const to = join(temporaryFolder(t), 'large')
    await lftp(t, { host: '127.0.0.1', port: at, user: origin.user, password: origin.password, form: 'PASV' }, `${command} large -o ${to}`)
    return sha256(readFileSync(to))
  }
  for (const command of ['get', 'pget -n 4']) {
    const { origin, port, over } = await recording(t)
    writeFileSync(join(origin.folder, 'large'), large)
    t.is(await gets(port, origin, command), sha256(large))
    const server = await serving(t, await over())
    t.is(await gets(server.port, origin, 'pget -n 4'), sha256(large), command)
    t.deepEqual(missed(server), [], command)
  }
})

;(installed('lftp') ? on : test.serial.skip)('lftp mirrors a tree by four connections, from a recording of one and of four, in every mode', async (t) => {
  const { origin, port, over } = await recording(t)
  const tree: Record<string, string> = {}
  for (let folder = 0; folder < 3; folder++) {
    mkdirSync(join(origin.folder, `folder ${folder}`, 'ä'), { recursive: true })
    for (let file = 0; file < 4; file++) {
      const names = [`folder ${folder}/file ${file}`, `folder ${folder}/ä/${file}.txt`]
      for (const name of names) writeFileSync(join(origin.folder, name), tree[name] = `${name}\n`.repeat(1 + file * 1000))
    }
  }
  tree['file'] = content.toString()
  const mirror = async (at: number, form: 'PASV' | 'PORT' | 'EPSV', parallel: number, ...settings: string[]): Promise<Record<string, string>> => {
    const to = temporaryFolder(t)
    await lftp(t, { host: '127.0.0.1', port: at, user: origin.user, password: origin.password, form }, ...settings, `mirror --parallel=${parallel} / ${to}`)
    const names = readdirSync(to, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(to, name)).isFile())
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(to, name), 'utf8')]))
  }
  t.deepEqual(await mirror(port, 'PASV', 1), tree)
  t.deepEqual(await mirror(port, 'PASV', 4), tree)
  const server = await serving(t, await over())
  t.deepEqual(await mirror(server.port, 'PASV', 1), tree)
  t.deepEqual(await mirror(server.port, 'PORT', 4), tree)
  t.deepEqual(await mirror(server.port, 'EPSV', 4, 'set ftp:sync-mode off'), tree)
  t.deepEqual(missed(server), [])
})

on('replies come byte for byte, those of many lines too, but for the address of a data port', async (t) => {
  const { origin, port, over } = await recording(t)
  const said = ['USER tester', 'PASS secret', 'FEAT', 'HELP', 'STAT', 'NOOP', 'SITE HELP', 'QUIT']
  const talk = async (at: number): Promise<string> => {
    const peer = await connectTo(t, at)
    let heard = await peer.through('\r\n')
    for (const line of said) {
      peer.write(`${line}\r\n`)
      // No line before the last begins so.
      while (!/(?:^|\n)\d{3} [^\n]*\n$/.test(heard.slice(heard.lastIndexOf('\u0000') + 1))) heard += await peer.through('\r\n')
      heard += '\u0000'
    }
    return heard + (await peer.rest()).toString()
  }
  const recorded = await talk(port)
  const path = await over()
  const server = await serving(t, path)
  t.is(await talk(server.port), recorded)
  const file = opening(t, path)
  const [control] = file.connections()
  t.is(recorded.replaceAll('\u0000', ''), (await bytesOf(file.stream(control!.id, 'down', 'sent'))).toString())
  t.is(origin.user, 'tester')
})

on('over IPv6 what was recorded over IPv4', async (t) => {
  const { origin, port, over } = await recording(t)
  const recorded = await ftplib(t, { port }, origin, 'RETR file', 'STOR up')
  const server = await serving(t, await over(), { ftp: '[::1]:0' })
  t.deepEqual(await ftplib(t, server, { ...origin, host: '::1' }, 'RETR file', 'STOR up'), recorded)
  t.deepEqual(missed(server), [])
})

on('nobody else is dialled, and only the client gets data', async (t) => {
  const { origin, port, over } = await recording(t)
  await ftplib(t, { port }, origin, 'RETR file')
  const server = await serving(t, await over())
  const client = await loggedIn(t, server.port)
  t.regex(await client.ask('PORT 10,1,2,3,200,1'), /^500 /)
  t.regex(await client.ask('PORT 127,0,0,1,0,80'), /^500 /)
  t.regex(await client.ask('EPRT |1|10.1.2.3|20000|'), /^500 /)
  t.regex(await client.ask('EPRT nonsense'), /^501 /)
  t.regex(await client.ask('EPSV 2'), /^522 /)
  await client.ask('TYPE I')
  t.regex(await client.ask('RETR file'), /^425 /)
  const data = await peerServer(t)
  t.regex(await client.ask(`PORT ${sixNumbers(data.port)}`), /^200 /)
  client.write('RETR file\r\n')
  t.true((await (await data.next()).rest()).equals(content))
  t.regex(await client.through('\r\n'), /^1/)
  t.regex(await client.through('\r\n'), /^226/)
  t.regex(await client.ask('EPSV ALL'), /^200 /)
  t.regex(await client.ask('PASV'), /^501 /)
})

on('hostile clients: endless lines, garbage, leaving in the middle, never reading; the others are served', async (t) => {
  const { origin, port, over } = await recording(t)
  writeFileSync(join(origin.folder, 'large'), Buffer.alloc(20_000_000, 'large'))
  await ftplib(t, { port }, origin, 'RETR large', 'RETR file')
  const server = await serving(t, await over())
  const endless = await connectTo(t, server.port)
  endless.write(Buffer.alloc(200_000, 'x'))
  await endless.gone()
  const http = await connectTo(t, server.port)
  http.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await http.gone()
  const garbage = await connectTo(t, server.port)
  garbage.write(Buffer.from(Array.from({ length: 5000 }, (_, index) => index * 7919 % 256)), '\r\n\r\nQUIT\r\n')
  await garbage.over()
  for (const leave of [(peer: Peer) => peer.reset(), (peer: Peer) => peer.finish()]) {
    const client = await loggedIn(t, server.port)
    await client.ask('TYPE I')
    const data = await peerServer(t)
    await client.ask(`PORT ${sixNumbers(data.port)}`)
    client.write('RETR large\r\n')
    const receiving = await data.next()
    await receiving.take(100_000)
    leave(receiving)
    leave(client)
  }
  const deaf = await connectTo(t, server.port)
  deaf.socket.pause()
  deaf.write('FEAT\r\n'.repeat(50_000))
  const results = await Promise.all(Array.from({ length: 20 }, () => curlFtp(t, server, origin, 'file')))
  t.true(results.every(({ code, bytes }) => code === 0 && bytes.equals(content)))
  await server.stop()
})

on('the same client is told the same a hundred times', async (t) => {
  const { origin, port, over } = await recording(t)
  const session = async (place: number): Promise<string[]> => {
    const peer = await loggedIn(t, place)
    const told: string[] = []
    for (const line of [`USER ${origin.user}`, `PASS ${origin.password}`, 'PWD', 'TYPE I', 'SIZE file', 'MKD inner', 'CWD inner', 'PWD', 'SIZE file', 'CDUP', 'RMD inner', 'CWD inner', 'QUIT']) told.push(await peer.ask(line))
    await peer.gone()
    return told
  }
  const recorded = [await session(port), await session(port)]
  t.regex(recorded[0]!.join(''), /"\/"[^]*213 400000[^]*257 "\/inner"[^]*550[^]*250[^]*550[^]*221/)
  const path = await over()
  for (let time = 0; time < 100; time++) {
    const server = await serveRecording(path, { ftp: 0 })
    t.deepEqual([await session(server.port), await session(server.port)], recorded)
    t.is(server.missed, 0)
    await server.stop()
  }
})

test('where a user lands on one server says nothing of another', async (t) => {
  const server = (home: string): Promise<number> => scriptedFtp(t, (line, { reply }) => {
    if (line === 'PWD') reply(`257 "${home}"`)
    else if (line.startsWith('SIZE')) reply('213 42')
    else return false
    return true
  })
  const targets = [await server('/home/tester'), await server('/')] as const
  const tape = await taping(t, { ftp: targets.map((port) => `0=127.0.0.1:${port}`) })
  for (const [index, line] of ['PWD', 'SIZE a.txt'].entries()) {
    const client = await loggedIn(t, tape.relay.listeners[index]!.port)
    await client.ask(line)
    await client.ask('QUIT')
    await client.gone()
  }
  await tape.relay.stop()
  const stand = await serving(t, tape.path, { ftp: `0=127.0.0.1:${targets[1]}` })
  const client = await loggedIn(t, stand.port)
  t.is(await client.ask('SIZE /a.txt'), '213 42\r\n')
  t.deepEqual(missed(stand), [])
})

test('a recording of FTP in which nobody came has nothing to serve', async (t) => {
  const tape = await taping(t, { ftp: '0=127.0.0.1:1' })
  await tape.relay.stop()
  await t.throwsAsync(serveRecording(tape.path, { ftp: 0 }), { message: /no FTP session to serve/ })
})
