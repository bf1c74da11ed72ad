import { networkInterfaces } from 'node:os'
import test from 'ava'
import { connectTo, peerServer } from '../real/peer.js'
import { controlPair, portIn, sixNumbers } from './control-pair.js'
import type { ControlPair } from './control-pair.js'
import { assertCompleted, onlyTransfer } from './sound.js'

/** The last two of six numbers. */
const six = /(?:\d+,){4}(\d+),(\d+)/

const port = (pair: ControlPair): number => pair.data.port

/** What a server may answer to PASV or EPSV, and what the client has to get, for the port that it's then told. */
const replies: Record<string, { asks: string, says: (pair: ControlPair) => string, told: (port: number, pair: ControlPair) => string, reads: RegExp }> = {
  'without parentheses': {
    asks: 'PASV', says: (pair) => `227 Entering Passive Mode ${sixNumbers(port(pair))}\r\n`,
    told: (port) => `227 Entering Passive Mode ${sixNumbers(port)}\r\n`, reads: six,
  },
  'with text after it, in lower case': {
    asks: 'pasv', says: (pair) => `227 =${sixNumbers(port(pair))} is it; 42 others wait\r\n`,
    told: (port) => `227 =${sixNumbers(port)} is it; 42 others wait\r\n`, reads: six,
  },
  'over several lines': {
    asks: 'PASV', says: (pair) => `227-Mind you:\r\n 1,2,3\r\n227 (${sixNumbers(port(pair))})\r\n`,
    told: (port) => `227-Mind you:\r\n 1,2,3\r\n227 (${sixNumbers(port)})\r\n`, reads: six,
  },
  'with LF alone': {
    asks: 'PASV', says: (pair) => `227 (${sixNumbers(port(pair))})\n`, told: (port) => `227 (${sixNumbers(port)})\n`, reads: six,
  },
  'extended': {
    asks: 'EPSV', says: (pair) => `229 Entering Extended Passive Mode (|||${port(pair)}|)\r\n`,
    told: (port) => `229 Entering Extended Passive Mode (|||${port}|)\r\n`, reads: /\|\|\|(\d+)\|/,
  },
  'extended, with another delimiter and a family asked for': {
    asks: 'EPSV 1', says: (pair) => `229 ok (!!!${port(pair)}!)\r\n`, told: (port) => `229 ok (!!!${port}!)\r\n`, reads: /!!!(\d+)!/,
  },
}

for (const [name, { asks, says, told, reads }] of Object.entries(replies)) {
  test(`an address ${name} is found, and nothing else in the reply changes`, async (t) => {
    const pair = await controlPair(t)
    await pair.asks(asks)
    pair.server.write(says(pair))
    let reply = ''
    while (!reads.test(reply)) reply += await pair.client.through('\n')
    const found = reads.exec(reply)!
    const own = found[2] === undefined ? Number(found[1]) : Number(found[1]) * 256 + Number(found[2])
    t.is(reply, told(own, pair))
    t.not(own, port(pair))
    const client = await connectTo(t, own)
    const server = await pair.data.next()
    t.is((await (server.write('through'), client).take(7)).toString(), 'through')
  })
}

test('EPSV ALL passes, and EPSV works after it', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('EPSV ALL')
  await pair.answers('200 EPSV ALL ok')
  await pair.asks('EPSV')
  pair.server.write(`229 (|||${port(pair)}|)\r\n`)
  const [, own] = /(\d+)\|\)/.exec(await pair.client.through('\r\n'))!
  await connectTo(t, Number(own))
  await pair.data.next()
  const recording = await pair.over()
  t.deepEqual([...recording.ftpCommands()].map(({ verb, argument, code }) => [verb, argument, code]), [['EPSV', 'ALL', 200], ['EPSV', null, 229]])
})

test('a private address in a 227 is not dialled: the server is, where it is itself', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('PASV')
  pair.server.write(`227 Entering Passive Mode (${sixNumbers(port(pair), '10.11.12.13')}).\r\n`)
  const client = await connectTo(t, portIn(await pair.client.through('\r\n')))
  await pair.asks('RETR /f')
  const server = await pair.data.next()
  await pair.answers('150 Opening')
  server.write('from the server').finish()
  t.is((await client.rest()).toString(), 'from the server')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  await assertCompleted(t, recording, transfer, Buffer.from('from the server'))
  t.deepEqual(recording.connection(transfer.connectionId!).server, { host: '127.0.0.1', port: port(pair) })
  const [event] = recording.events({ where: 'kind = \'ftp-address-ignored\'' })
  t.regex(event!.text, /10\.11\.12\.13/)
})

// Linux answers for all of 127.0.0.0/8.
const otherLoopback = process.platform === 'linux' && networkInterfaces()['lo'] !== undefined ? test : test.skip

otherLoopback('ftpTrustPasv: the address in a 227 is dialled, and no event tells of it', async (t) => {
  const elsewhere = await peerServer(t, '127.0.0.3')
  const pair = await controlPair(t, { ftpTrustPasv: true })
  await pair.asks('PASV')
  pair.server.write(`227 Entering Passive Mode (${sixNumbers(elsewhere.port, '127.0.0.3')}).\r\n`)
  const client = await connectTo(t, portIn(await pair.client.through('\r\n')))
  const server = await elsewhere.next()
  server.write('elsewhere').finish()
  t.is((await client.rest()).toString(), 'elsewhere')
  const recording = await pair.over()
  t.deepEqual([...recording.connections({ where: 'role = \'data\'' })][0]!.server, { host: '127.0.0.3', port: elsewhere.port })
  t.deepEqual([...recording.events()], [])
})

for (const reply of [
  '227 Entering Passive Mode (127,0,0,1,300,1).', '227 Entering Passive Mode (127,0,0,1,0,0).', '227 Entering Passive Mode.', '227',
  '227 (1,2,3,4,5)', '229 Extended (|||70000|)', '229 Extended (||||)', '229 (|||0|)',
]) {
  test(`an address that can't be read passes as it is, with an event: ${reply}`, async (t) => {
    const pair = await controlPair(t)
    await pair.asks(reply.startsWith('229') ? 'EPSV' : 'PASV')
    await pair.answers(reply)
    await pair.asks('NOOP')
    await pair.answers('200 Fine')
    const recording = await pair.over()
    t.is([...recording.events({ where: 'kind = \'ftp-address-unreadable\' and direction = \'down\'' })].length, 1)
    t.is([...recording.ftpCommands()].length, 2)
  })
}

for (const command of [
  'PORT 127,0,0,1,300,1', 'PORT 300,0,0,1,4,1', 'PORT', 'PORT nonsense', 'PORT 127,0,0,1,4', 'EPRT |1|127.0.0.1|70000|', 'EPRT |3|127.0.0.1|7000|', 'EPRT',
  'PORT\t10,0,0,1,0,22', '\tPORT 10,0,0,1,0,22', '\x00 \x0bPORT 10,0,0,1,0,22', 'PORT 10,0,0,1,0,22,', 'PORT (10,0,0,1,0,22)', 'PORT +10,0,0,1,0,22', 'PORT10,0,0,1,0,22',
  'PO\x00RT 10,0,0,1,0,22', 'EPRT |1|10.0.0.1|22', 'eprt\t|1|10.0.0.1|22|', '\xff\xfaPORT 10,0,0,1,0,22', '\xff\xfdPORT 10,0,0,1,0,22',
  '\xef\xbb\xbfPORT 10,0,0,1,0,22', 'NOOP\rPORT 10,0,0,1,0,22', `${'x'.repeat(511)}PORT 10,0,0,1,0,22`, `STOR ${'x'.repeat(1019)}eprt |1|10.0.0.1|22|`, 'LPRT 4,4,10,0,0,1,2,0,22',
]) {
  test(`an argument that is no address, or that only some servers read, is answered by the relay: ${JSON.stringify(command.slice(0, 40))}`, async (t) => {
    const pair = await controlPair(t)
    pair.client.write(`${command}\r\n`)
    t.is(await pair.server.through('\r\n'), 'NOOP\r\n')
    pair.server.write('200 NOOP ok.\r\n')
    t.regex(await pair.client.through('\r\n'), /^50[12] [^\r]+\r\n$/)
    await pair.asks('NOOP')
    await pair.answers('200 Fine')
    const recording = await pair.over()
    t.is([...recording.events({ where: 'kind = \'ftp-address-unreadable\' and direction = \'up\'' })].length, 1)
    t.deepEqual([...recording.ftpCommands()].map(({ code }) => code).map((code) => code! >= 500), [true, false])
  })
}

for (const command of ['XPORT 10,0,0,1,0,22', 'PORTS', 'SITE PORT 10,0,0,1,0,22', 'STOR port 10,0,0,1,0,22', `STOR ${'x'.repeat(600)} port 2 of 3`, 'PO RT 10,0,0,1,0,22', '\xff\xf4\xffREPORT']) {
  test(`what no server takes for PORT passes as it is: ${JSON.stringify(command.slice(0, 40))}`, async (t) => {
    const pair = await controlPair(t)
    await pair.asks(command)
    await pair.answers('200 Fine')
    const recording = await pair.over()
    t.deepEqual([...recording.events()], [])
  })
}
