import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { randomPieces, seeded } from '../real/chunking.js'
import { until } from '../real/deadline.js'
import { bytesOf, opening } from '../real/relaying.js'
import { Ingesting } from '../recording/ingesting.js'
import { controlPair } from './control-pair.js'

const secret = 'xyzzy-Plugh_42'

/** Every byte that the recording left on disk, write-ahead log and all. */
function onDisk(path: string): Buffer {
  const folder = dirname(path)
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))
}

const lines: Record<string, readonly string[]> = {
  'in one packet': [`PASS ${secret}\r\n`],
  'split in the verb': ['PA', `SS ${secret}\r\n`],
  'split after the verb': ['PASS', ' ', `${secret}\r\n`],
  'split in the password': [`PASS ${secret.slice(0, 5)}`, secret.slice(5, 9), `${secret.slice(9)}\r\n`],
  'split before the line end': [`PASS ${secret}`, '\r', '\n'],
  'byte for byte': `PASS ${secret}\r\n`.split(''),
  'in lower case': [`pass ${secret}\r\n`],
  'with spaces before it': [`  PASS ${secret}\r\n`],
  'with a password that begins with a space': [`PASS  ${secret}\r\n`],
  'with LF alone': [`PASS ${secret}\n`],
  'behind telnet bytes': [`\xff\xf4\xff\xf2PASS ${secret}\r\n`],
  'with telnet bytes in the verb': [`PA\xff\xf1SS ${secret}\r\n`],
  'with a telnet subnegotiation in the verb': [`P\xff\xfa\x18PASSWORDS\xff\xf0ASS ${secret}\r\n`],
  'with a telnet subnegotiation in the verb, byte for byte': `PAS\xff\xfa\x18 \xff\xff\xff\xf0S ${secret}\r\n`.split(''),
  'behind what looks like HTTP': ['GET / HTTP/1.1\r\n', `PASS ${secret}\r\n`],
  'behind what looks like SSH': ['SSH-2.0-x\r\n', `PASS ${secret}\r\nPASS`, ` ${secret}\r\n`],
  'behind what looks like TLS': ['\x16\x03\x01\r\n', `PASS ${secret}\r\n`],
  'behind a line longer than a line may be': [`${'x'.repeat(70_000)}\r\nPASS ${secret}\r\n`],
  'with a tab instead of a space': [`PASS\t${secret}\r\n`],
  'as an account': [`ACCT ${secret}\r\n`],
  'behind other commands, in one packet': [`NOOP\r\nUSER someone\r\nPASS ${secret}\r\nSYST\r\n`],
  'never ended by a line end': [`PASS ${secret}`],
  'longer than a line may be': [`PASS ${secret.repeat(6000)}`],
  'twice': [`PASS ${secret}\r\n`, `PASS ${secret}\r\n`],
}

for (const [name, pieces] of Object.entries(lines)) {
  test(`no byte on disk tells a password, ${name}`, async (t) => {
    const pair = await controlPair(t)
    let told = ''
    for (const piece of pieces) {
      pair.client.write(piece)
      told += piece
      // Long enough for the relay to read the pieces apart, and for a commit between them.
      await sleep(pieces.length > 5 ? 5 : 60)
    }
    if (told.endsWith('\n')) t.is((await pair.server.take(told.length)).toString('latin1'), told)
    t.false(onDisk(pair.tape.path).includes(secret), 'while it is open')
    t.false(onDisk(pair.tape.path).includes(secret.slice(5)), 'nor the end of it')
    const recording = await pair.over()
    const control = [...recording.connections()][0]!
    t.is(control.bytesUp, Buffer.byteLength(told, 'latin1'))
    const up = await bytesOf(recording.stream(control.id, 'up'))
    t.is(up.length, told.length, 'its length is kept')
    t.false(onDisk(pair.tape.path).includes(secret))
    t.false(onDisk(pair.tape.path).includes(secret.slice(5)))
    for (const { argument } of recording.ftpCommands({ where: 'verb in (\'PASS\', \'ACCT\')' })) t.is(argument, '****')
  })
}

test('no byte on disk tells a password, after a greeting that is not FTP', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control('\xef\xbb\xbf220 ready\r\n')
  tape.says(control, 'up', 'USER someone\r\n', 'PASS ', `${secret}\r\n`)
  tape.commits()
  t.false(onDisk(tape.path).includes(secret))
  tape.closes(control)
  const recording = tape.recorded()
  t.is([...recording.events({ where: 'kind = \'undecodable\'' })].length, 2)
  const up = await bytesOf(recording.stream([...recording.connections()][0]!.id, 'up'))
  t.is(up.toString(), `USER someone\r\nPASS ${'*'.repeat(secret.length)}\r\n`)
})

test('no byte on disk tells a password, in what is sent on instead of another', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASS mine\r\nUSER me\r\nPASS next\r\n')
  const sent = (offset: number, replaced: number, text: string): void =>
    tape.ingest.sent(control, 'up', 100, offset, Buffer.from(text), replaced, 'command')
  sent(0, 11, `PASS ${secret}\r\n`)
  sent(11, 9, 'PA')
  sent(20, 0, `SS ${secret}\r\n`)
  sent(25, 4, secret)
  sent(22, 9, `SS ${secret}\r\n`)
  tape.closes(control)
  const recording = tape.recorded()
  t.false(onDisk(tape.path).includes(secret))
  t.is([...recording.segments({ where: 'leg = \'sent\'' })].map(({ bytes }) => bytes.length).join(), '21,2,19,14,19')
})

test('after AUTH TLS nothing is masked', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'AUTH TLS\r\n')
  tape.says(control, 'down', '234 Go\r\n')
  const encrypted = '\x16\x03\x01 whatever\nPASS this is no password\n'
  tape.says(control, 'up', encrypted)
  tape.closes(control)
  const recording = tape.recorded()
  const up = await bytesOf(recording.stream([...recording.connections()][0]!.id, 'up'))
  t.is(up.toString('latin1'), `AUTH TLS\r\n${encrypted}`)
})

test('after AUTH TLS that no handshake follows, passwords are masked still', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'AUTH TLS\r\n')
  tape.says(control, 'down', '234 Go\r\n')
  tape.says(control, 'up', `PASS ${secret}\r\n`)
  tape.closes(control)
  tape.recorded()
  t.false(onDisk(tape.path).includes(secret))
})

test('a command that is typed slowly has its bytes, whatever was committed meanwhile', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  for (const piece of ['RE', 'TR', ' ', 'a file', '\r\nPA', 'SS ', 'hunter2', '\r\n']) {
    tape.says(control, 'up', piece)
    tape.commits()
  }
  tape.closes(control)
  const recording = tape.recorded()
  for (const [verb, text] of [['RETR', 'RETR a file\r\n'], ['PASS', 'PASS *******\r\n']] as const) {
    const [command] = recording.ftpCommands({ where: `verb = '${verb}'` })
    const bytes = [...recording.segments({ where: `message_id = ${command!.id}` })].map((segment) => segment.bytes)
    t.is(Buffer.concat(bytes).toString(), text)
  }
})

test('what is masked is the password alone', async (t) => {
  const pair = await controlPair(t)
  pair.client.write(`USER someone\r\nPASS ${secret}\r\nSYST\r\n`)
  await pair.server.through('SYST\r\n')
  await pair.answers('331 Password?', '230 In', '215 UNIX')
  const recording = await pair.over()
  const up = await bytesOf(recording.stream([...recording.connections()][0]!.id, 'up'))
  t.is(up.toString(), `USER someone\r\nPASS ${'*'.repeat(secret.length)}\r\nSYST\r\n`)
})

test('passwords cut anywhere are masked', async (t) => {
  const random = seeded(3)
  const pair = await controlPair(t)
  const text = Array.from({ length: 40 }, (_, n) => `PASS ${secret}${n}\r\nNOOP ${n}\r\n`).join('')
  for (const piece of randomPieces(Buffer.from(text), random)) {
    pair.client.write(piece)
    await sleep(1)
  }
  await pair.server.take(text.length)
  const recording = await pair.over()
  t.false(onDisk(pair.tape.path).includes(secret))
  const up = await bytesOf(recording.stream([...recording.connections()][0]!.id, 'up'))
  t.is(up.toString(), text.replaceAll(/(PASS )(\S+)/g, (_, verb: string, word: string) => verb + '*'.repeat(word.length)))
})

test('a password that is cut off by a reset is masked, and its length is kept', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('USER someone')
  pair.client.write(`PASS ${secret}`)
  const recording = opening(t, pair.tape.path)
  await until(() => [...recording.ftpCommands()].length > 0, 'the command before it')
  pair.client.reset()
  await pair.server.over()
  const whole = await pair.tape.recorded()
  const control = [...whole.connections()][0]!
  t.is((await bytesOf(whole.stream(control.id, 'up'))).length, control.bytesUp)
  t.false(onDisk(pair.tape.path).includes(secret))
})

test('keepPasswords keeps them', async (t) => {
  const pair = await controlPair(t, { keepPasswords: true })
  await pair.asks(`PASS ${secret}`)
  await pair.answers('230 In')
  const recording = await pair.over()
  t.is([...recording.ftpCommands()][0]!.argument, secret)
  t.is((await bytesOf(recording.stream([...recording.connections()][0]!.id, 'up'))).toString(), `PASS ${secret}\r\n`)
})

test('a password that is being typed is masked in what is read meanwhile', async (t) => {
  const pair = await controlPair(t)
  pair.client.write(`USER someone\r\nPASS ${secret}`)
  await pair.server.through('USER someone\r\n')
  const recording = opening(t, pair.tape.path)
  await until(() => [...recording.ftpCommands()].length > 0, 'the command before it')
  t.false(onDisk(pair.tape.path).includes(secret))
})
