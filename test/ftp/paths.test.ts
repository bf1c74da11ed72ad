import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { bytesOf, taping } from '../real/relaying.js'
import { controlPair } from './control-pair.js'
import type { ControlPair } from './control-pair.js'
import { assertCompleted } from './sound.js'

/** Plays commands with their replies and gives each command's path. */
async function pathsOf(pair: ControlPair, steps: readonly (readonly [command: string, ...replies: string[]])[]): Promise<(string | null)[]> {
  for (const [command, ...replies] of steps) {
    await pair.asks(command)
    await pair.answers(...replies)
  }
  return [...(await pair.over()).ftpCommands()].map(({ path }) => path)
}

test('PWD and CWD make paths absolute', async (t) => {
  const paths = await pathsOf(await controlPair(t), [
    ['SIZE unknown', '550 No'], ['PWD', '257 "/home/me" is the current directory'], ['SIZE a', '213 1'], ['CWD sub', '250 Done'], ['SIZE b', '213 1'],
    ['CWD nowhere', '550 No'], ['SIZE c', '213 1'], ['CDUP', '250 Done'], ['SIZE d', '213 1'], ['CWD ../../else', '250 Done'], ['SIZE e', '213 1'],
    ['SIZE /abs/./x/../y', '213 1'], ['CWD /', '250 Done'], ['SIZE f', '213 1'], ['XCWD g', '200 Done'], ['DELE with space ', '250 Done'],
  ])
  t.deepEqual(paths, [
    null, null, '/home/me/a', '/home/me/sub', '/home/me/sub/b', '/home/me/sub/nowhere', '/home/me/sub/c', null, '/home/me/d', '/else', '/else/e',
    '/abs/y', '/', '/f', '/g', '/g/with space ',
  ])
})

test('quotes in a folder\'s name', async (t) => {
  const paths = await pathsOf(await controlPair(t), [['PWD', '257 "/a ""quoted"" one" is it'], ['SIZE x', '213 1']])
  t.deepEqual(paths, [null, '/a "quoted" one/x'])
})

test('a new login forgets the folder', async (t) => {
  const paths = await pathsOf(await controlPair(t), [
    ['PWD', '257 "/one"'], ['USER other', '331 Password'], ['PASS x', '230 In'], ['SIZE a', '213 1'], ['PWD', '257 "/two"'], ['SIZE a', '213 1'],
  ])
  t.deepEqual(paths, [null, null, null, null, null, '/two/a'])
})

test('pipelined: a command\'s path is in the folder that the commands before it led to', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('PWD')
  await pair.answers('257 "/"')
  pair.client.write('CWD a\r\nCWD b\r\nSIZE f\r\nCDUP\r\nSIZE g\r\nCWD missing\r\nSIZE h\r\n')
  await pair.server.through('SIZE h\r\n')
  await pair.answers('250 Done', '250 Done', '213 1', '250 Done', '213 1', '550 No', '213 1')
  const recording = await pair.over()
  t.deepEqual([...recording.ftpCommands({ where: 'path is not null' })].map(({ path }) => path), [
    '/a', '/a/b', '/a/b/f', '/a/g', '/a/missing', '/a/h',
  ])
})

test('LIST without a path, and with options', async (t) => {
  const paths = await pathsOf(await controlPair(t), [
    ['PWD', '257 "/in"'], ['LIST', '425 No'], ['LIST -la', '425 No'], ['LIST -a sub', '425 No'], ['NLST *.txt', '425 No'], ['MLSD other', '425 No'],
  ])
  t.deepEqual(paths, [null, '/in', '/in', '/in/sub', '/in/*.txt', '/in/other'])
})

const names: Record<string, Buffer> = {
  'UTF-8': Buffer.from('Grüße, 世界.txt'),
  'latin1': Buffer.from('Gr\xfc\xdfe.txt', 'latin1'),
  'spaces at both ends': Buffer.from(' a name '),
  'what a shell or a page would take for its own': Buffer.from('$(x) `y` <b> %2e \'"\\'),
}

for (const [name, bytes] of Object.entries(names)) {
  test(`a name in ${name} is kept: as bytes on the wire, as text in the record`, async (t) => {
    const pair = await controlPair(t)
    await pair.asks('PWD')
    await pair.answers('257 "/"')
    pair.client.write('SIZE ', bytes, '\r\n')
    t.true((await pair.server.take(bytes.length + 7)).equals(Buffer.concat([Buffer.from('SIZE '), bytes, Buffer.from('\r\n')])))
    await pair.answers('213 5')
    const recording = await pair.over()
    const [command] = recording.ftpCommands({ where: 'verb = \'SIZE\'' })
    const text = name === 'latin1' ? bytes.toString('latin1') : bytes.toString('utf8')
    t.is(command!.argument, text)
    t.is(command!.path, `/${text}`)
    const segments = [...recording.segments({ where: `message_id = ${command!.id} and direction = 'up'` })]
    t.true(Buffer.concat(segments.map(({ bytes }) => bytes)).equals(Buffer.concat([Buffer.from('SIZE '), bytes, Buffer.from('\r\n')])))
    t.is((await bytesOf(recording.stream(command!.connectionId, 'up'))).length, 'PWD\r\nSIZE \r\n'.length + bytes.length)
  })
}

const storing = `
import sys, io
from ftplib import FTP
host, port, user, password, encoding, name = sys.argv[1:]
ftp = FTP(encoding=encoding)
ftp.connect(host, int(port))
ftp.login(user, password)
ftp.cwd('below')
ftp.pwd()
ftp.storbinary('STOR ' + name, io.BytesIO(b'named'))
assert name in ftp.nlst(), ftp.nlst()
ftp.quit()
`

for (const [kind, encoding] of [[vsftpd, 'utf-8'], [vsftpd, 'latin-1'], [pyftpdlib, 'utf-8']] as const) {
  const here = kind.available && installed('python3') ? test : test.skip
  here(`python3's ftplib stores a name in ${encoding} at ${kind.name}`, async (t) => {
    const server = await kind.start(t)
    mkdirSync(join(server.folder, 'below'))
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
    const name = 'Käse é.txt'
    const client = await run(t, 'python3', ['-X', 'utf8', '-c', storing, '127.0.0.1', `${tape.port}`, server.user, server.password, encoding, name])
    t.is(client.code, 0, client.stderr)
    const onDisk = Buffer.concat([Buffer.from(`${server.folder}/below/`), Buffer.from(name, encoding === 'utf-8' ? 'utf8' : 'latin1')])
    t.true(existsSync(onDisk))
    t.is(readFileSync(onDisk, 'utf8'), 'named')
    const recording = await tape.recorded()
    const [stored, listed] = [...recording.ftpTransfers()]
    await assertCompleted(t, recording, stored!, Buffer.from('named'))
    t.is(stored!.path, server.path(`below/${name}`))
    t.deepEqual(recording.ftpListing(listed!.id).map((entry) => entry.name), [name])
  })
}

const withVsftpd = vsftpd.available && installed('curl') ? test : test.skip

withVsftpd('curl that walks through folders of vsftpd gets there by CWD, and the record names the whole path', async (t) => {
  const server = await vsftpd.start(t)
  mkdirSync(join(server.folder, 'one', 'two three'), { recursive: true })
  writeFileSync(join(server.folder, 'one', 'two three', 'file'), 'deep')
  const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  const curl = await run(t, 'curl', ['-sS', `ftp://127.0.0.1:${tape.port}/one/two%20three/file`])
  t.is(curl.stdout.toString(), 'deep')
  const recording = await tape.recorded()
  t.is([...recording.ftpTransfers()][0]!.path, server.path('one/two three/file'))
})
