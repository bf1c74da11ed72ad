import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { connectTo } from '../real/peer.js'
import { bytesOf, taping } from '../real/relaying.js'
import { controlPair } from './control-pair.js'

const replies: Record<string, { bytes: string, code: number | null }> = {
  'one line': { bytes: '200 Fine\r\n', code: 200 },
  'several lines': { bytes: '211-First\r\n second\r\n211 Last\r\n', code: 211 },
  'other codes in the lines between': { bytes: '211-First\r\n220 not the end\r\n211-nor this\r\n500-\r\n211 Last\r\n', code: 211 },
  'the code before every line': { bytes: '211-First\r\n211-Second\r\n211 Last\r\n', code: 211 },
  'an indented last line within': { bytes: '211-First\r\n 211 not the end\r\n211 Last\r\n', code: 211 },
  'empty lines': { bytes: '211-\r\n\r\n\r\n211 \r\n', code: 211 },
  'no text': { bytes: '200 \r\n', code: 200 },
  'a bare code': { bytes: '200\r\n', code: 200 },
  'a bare code at the end': { bytes: '211-First\r\n211\r\n', code: 211 },
  'LF alone': { bytes: '211-First\n second\n211 Last\n', code: 211 },
  'latin1 and control characters': { bytes: '200 caf\xe9 \x07\x1b[31m\x00\r\n', code: 200 },
  'telnet bytes': { bytes: '\xff\xf1200 \xff\xff fine\r\n', code: 200 },
}

for (const [name, { bytes, code }] of Object.entries(replies)) {
  test(`a reply passes byte for byte: ${name}`, async (t) => {
    const pair = await controlPair(t)
    await pair.asks('STAT')
    pair.server.write(bytes)
    t.is((await pair.client.take(bytes.length)).toString('latin1'), bytes)
    await pair.asks('NOOP')
    await pair.answers('201 After it')
    const recording = await pair.over()
    t.deepEqual([...recording.ftpCommands()].map((command) => command.code), [code, 201])
    const control = [...recording.connections()][0]!
    t.is((await bytesOf(recording.stream(control.id, 'down'))).toString('latin1'), `220 ready\r\n${bytes}201 After it\r\n`)
    t.is([...recording.segments({ where: 'leg = \'sent\'' })].length, 0)
  })
}

const oddities = ['hello there', '99 no reply', '1000 none either', '600 beyond', '']

for (const line of oddities) {
  test(`a line that is no reply passes and leaves an event: ${JSON.stringify(line)}`, async (t) => {
    const pair = await controlPair(t)
    await pair.asks('NOOP')
    await pair.answers(line, '200 Fine')
    const recording = await pair.over()
    t.deepEqual([...recording.ftpCommands()].map(({ code }) => code), [200])
    t.is([...recording.events({ where: 'kind = \'ftp-odd\' and direction = \'down\'' })].length, 1)
  })
}

test('commands of every spelling pass byte for byte', async (t) => {
  const pair = await controlPair(t)
  const commands = ['noop\r\n', '  NOOP\r\n', 'NOOP \r\n', 'SITE CHMOD 644 x\r\n', 'HOST ftp.example.com\r\n', 'XYZZY\r\n', 'CLNT x\n', '\r\n', 'OPTS UTF8 ON\r\n',
    'DELE caf\xe9\r\n', 'DELE \xff\xff\r\n', 'STAT \x00\x01\r\n']
  for (const command of commands) {
    pair.client.write(command)
    t.is((await pair.server.take(command.length)).toString('latin1'), command)
    await pair.answers('200 Fine')
  }
  const recording = await pair.over()
  const control = [...recording.connections()][0]!
  t.is((await bytesOf(recording.stream(control.id, 'up'))).toString('latin1'), commands.join(''))
  t.is([...recording.ftpCommands({ where: 'code = 200' })].length, commands.length)
})

test('a client that sends CR, and LF a while later, has sent one line end', async (t) => {
  const pair = await controlPair(t)
  pair.client.write('NOOP\r')
  await sleep(400)
  pair.client.write('\n')
  t.is(await pair.server.through('\n'), 'NOOP\r\n')
  await pair.answers('200 Fine')
  await pair.asks('SYST')
  await pair.answers('215 UNIX')
  const recording = await pair.over()
  t.is((await bytesOf(recording.stream([...recording.connections()][0]!.id, 'up'))).toString(), 'NOOP\r\nSYST\r\n')
})

test('pipelined commands: each reply finds its own', async (t) => {
  const pair = await controlPair(t)
  const commands = Array.from({ length: 200 }, (_, n) => `SITE ${n}\r\n`).join('')
  pair.client.write(commands)
  t.is((await pair.server.take(commands.length)).toString(), commands)
  await pair.answers(...Array.from({ length: 200 }, (_, n) => `200 answer ${n}`))
  const recording = await pair.over()
  t.deepEqual([...recording.ftpCommands()].map(({ argument, text, ordinal }) => [argument, text, ordinal]),
    Array.from({ length: 200 }, (_, n) => [`${n}`, `answer ${n}`, n]))
})

test('a command of a megabyte without a line end passes, and leaves an event', async (t) => {
  const pair = await controlPair(t)
  const line = Buffer.alloc(1024 * 1024, 'long ')
  pair.client.write(line)
  t.true((await pair.server.take(line.length)).equals(line))
  await pair.answers('500 Too long')
  const recording = await pair.over()
  t.true([...recording.events({ where: 'kind = \'undecodable\' and direction = \'up\'' })].length > 0)
  t.true((await bytesOf(recording.stream([...recording.connections()][0]!.id, 'up'))).equals(line))
})

test('a reply of a megabyte without a line end passes, and leaves an event', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('PASV')
  const line = Buffer.concat([Buffer.from('227 '), Buffer.alloc(1024 * 1024, 'long ')])
  pair.server.write(line)
  t.true((await pair.client.take(line.length)).equals(line))
  const recording = await pair.over()
  t.true([...recording.events({ where: 'kind = \'undecodable\' and direction = \'down\'' })].length > 0)
})

test('binary on the control channel passes both ways, and leaves events', async (t) => {
  const pair = await controlPair(t)
  const [up, down] = [randomBytes(200_000), randomBytes(200_000)] as const
  pair.client.write(up).finish()
  t.true((await pair.server.rest()).equals(up))
  pair.server.write(down).finish()
  t.true((await pair.client.rest()).equals(down))
  const recording = await pair.over()
  const control = [...recording.connections()][0]!
  t.true((await bytesOf(recording.stream(control.id, 'down'))).subarray(11).equals(down))
  t.is(control.bytesUp, up.length)
  t.true([...recording.events()].length > 0)
})

test('a target that speaks HTTP: the bytes pass, an event says so, and the relay lives on', async (t) => {
  const http = createServer((_request, response) => response.end('not FTP'))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.teardown(() => http.close())
  const tape = await taping(t, { ftp: `0=127.0.0.1:${(http.address() as AddressInfo).port}` })
  for (let n = 0; n < 2; n++) {
    const client = await connectTo(t, tape.port)
    client.write('USER anonymous\r\n\r\n')
    t.regex((await client.rest()).toString(), /^HTTP\/1\.1 400 /)
    await client.gone()
  }
  const recording = await tape.recorded()
  t.is([...recording.events({ where: 'kind = \'undecodable\' and text like \'%HTTP%\'' })].length >= 2, true)
  t.is([...recording.ftpSessions({ where: 'ended is not null' })].length, 2)
})
