import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { latency } from 'wiretape/faults'
import { freePort } from '../real/free-port.js'
import { connectTo, Peer, peerServer } from '../real/peer.js'
import { controlPair, portIn, sixNumbers } from './control-pair.js'
import { assertCompleted, onlyTransfer } from './sound.js'

/** How a connection from that address of our own to the port ends. */
async function howItEnds(t: ExecutionContext, port: number, localAddress: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  t.teardown(() => socket.destroy())
  return new Peer(socket).over()
}

test('two PASV in a row: the first port closes, the second works', async (t) => {
  const pair = await controlPair(t)
  const first = await pair.passive()
  const second = await pair.passive()
  t.not(first, second)
  t.is(await howItEnds(t, first, '127.0.0.1'), 'ECONNREFUSED')
  const client = await connectTo(t, second)
  await pair.asks('RETR /file')
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write('by the second').finish()
  t.is((await client.rest()).toString(), 'by the second')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  await assertCompleted(t, recording, onlyTransfer(recording), Buffer.from('by the second'))
})

test.serial('memory doesn\'t grow with the ports that are prepared, stages or not', async (t) => {
  for (const plugins of [[], [latency({ ms: 0 })]]) {
    const pair = await controlPair(t, { plugins })
    const before = process.memoryUsage().arrayBuffers
    for (let n = 0; n < 200; n++) await pair.passive()
    // A buffer of reads for each would be 50 MB.
    t.true(process.memoryUsage().arrayBuffers - before < 10_000_000)
  }
})

test('two PASV answered in one packet: the first port closes, the second works', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('PASV')
  await pair.asks('PASV')
  pair.server.write(`227 one (${sixNumbers(pair.data.port)}).\r\n227 two (${sixNumbers(pair.data.port)}).\r\n`)
  const first = portIn(await pair.client.through('\r\n'))
  const second = portIn(await pair.client.through('\r\n'))
  t.not(first, second)
  t.is(await howItEnds(t, first, '127.0.0.1'), 'ECONNREFUSED')
  await connectTo(t, second)
  await pair.data.next()
})

test('PASV, then PORT: the passive port closes, and the transfer is an active one', async (t) => {
  const pair = await controlPair(t)
  const passive = await pair.passive()
  const listening = await peerServer(t)
  const told = await pair.active(listening.port)
  t.is(await howItEnds(t, passive, '127.0.0.1'), 'ECONNREFUSED')
  await pair.asks('RETR /file')
  const server = await connectTo(t, told)
  const client = await listening.next()
  await pair.answers('150 Opening')
  server.write('actively').finish()
  t.is((await client.rest()).toString(), 'actively')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  await assertCompleted(t, recording, transfer, Buffer.from('actively'))
  t.is(transfer.form, 'PORT')
})

test('a failed RETR leaves its port to the next command', async (t) => {
  const pair = await controlPair(t)
  const port = await pair.passive()
  await pair.asks('RETR /missing')
  await pair.answers('550 No such file')
  await pair.asks('RETR /there')
  const client = await connectTo(t, port)
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write('found').finish()
  t.is((await client.rest()).toString(), 'found')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const [missing, there] = [...recording.ftpTransfers()]
  t.is(missing!.outcome, 'refused')
  t.is(missing!.code, 550)
  t.is(missing!.connectionId, null)
  await assertCompleted(t, recording, there!, Buffer.from('found'))
})

test('a port that was connected to before a failed RETR carries the next transfer', async (t) => {
  const pair = await controlPair(t)
  const client = await connectTo(t, await pair.passive())
  const server = await pair.data.next()
  await pair.asks('RETR /missing')
  await pair.answers('550 No such file')
  await pair.asks('RETR /there')
  await pair.answers('150 Opening')
  server.write('found').finish()
  t.is((await client.rest()).toString(), 'found')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const [missing, there] = [...recording.ftpTransfers()]
  t.is(missing!.outcome, 'refused')
  t.is(missing!.bytes, 0)
  await assertCompleted(t, recording, there!, Buffer.from('found'))
})

test('nobody but the client may use a data port, and whoever tries doesn\'t use it up', async (t) => {
  const pair = await controlPair(t)
  const port = await pair.passive()
  t.not(await howItEnds(t, port, '127.0.0.2'), 'ECONNREFUSED')
  await pair.asks('RETR /secret')
  const client = await connectTo(t, port)
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write('for the client').finish()
  t.is((await client.rest()).toString(), 'for the client')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  await assertCompleted(t, recording, onlyTransfer(recording), Buffer.from('for the client'))
  const [event] = recording.events({ where: 'kind = \'ftp-foreign-data\'' })
  t.regex(event!.text, /^127\.0\.0\.2:\d+ /)
  t.is([...recording.connections({ where: 'role = \'data\'' })].length, 1)
})

test('in active mode nobody but the server may use the data port', async (t) => {
  const pair = await controlPair(t)
  const listening = await peerServer(t)
  const told = await pair.active(listening.port)
  t.not(await howItEnds(t, told, '127.0.0.2'), 'ECONNREFUSED')
  await connectTo(t, told)
  await listening.next()
  const recording = await pair.over()
  t.is([...recording.events({ where: 'kind = \'ftp-foreign-data\'' })].length, 1)
})

test('a data port serves one connection', async (t) => {
  const pair = await controlPair(t)
  const port = await pair.passive()
  await connectTo(t, port)
  await pair.data.next()
  t.is(await howItEnds(t, port, '127.0.0.1'), 'ECONNREFUSED')
})

test('the port of a session that has ended is closed', async (t) => {
  const pair = await controlPair(t)
  const port = await pair.passive()
  pair.client.finish()
  pair.server.finish()
  await pair.client.gone()
  await pair.server.gone()
  t.is(await howItEnds(t, port, '127.0.0.1'), 'ECONNREFUSED')
})

test('ftpDataPorts: ports are taken from the range, and each can be had again', async (t) => {
  const first = await freePort()
  const pair = await controlPair(t, { ftpDataPorts: `${first}-${first + 2}` })
  for (let n = 0; n < 8; n++) {
    const port = await pair.passive()
    t.true(port >= first && port <= first + 2, `${port} is not one of ${first} to ${first + 2}`)
  }
})

test('ftpDataPorts: more sessions than ports, and the event says what to do', async (t) => {
  const first = await freePort()
  const taken = await Promise.all([first, first + 1].map((port) => holding(t, port).catch(() => null)))
  const pair = await controlPair(t, { ftpDataPorts: `${first}-${first + 1}` })
  await pair.asks('EPSV')
  pair.server.write(`229 Entering Extended Passive Mode (|||${pair.data.port}|)\r\n`)
  t.regex(await pair.client.through('\r\n'), /^425 /)
  const [event] = [...(await pair.over()).events({ where: 'kind = \'ftp-data-refused\'' })]
  t.regex(event!.text, new RegExp(`EPSV asked for: all 2 ports from ${first} to ${first + 1} are in use`))
  for (const server of taken) server?.close()
})

test('ftpDataPorts: with all in use 425 is answered, and the session goes on', async (t) => {
  const only = await freePort()
  const taken = await holding(t, only)
  const pair = await controlPair(t, { ftpDataPorts: `${only}-${only}` })
  await pair.asks('PASV')
  pair.server.write(`227 Entering Passive Mode (${sixNumbers(pair.data.port)}).\r\n`)
  t.regex(await pair.client.through('\r\n'), /^425 /)
  await new Promise((resolve) => taken.close(resolve))
  t.is(await pair.passive(), only)
  const recording = await pair.over()
  const events = [...recording.events({ where: 'kind = \'ftp-data-refused\'' })]
  t.is(events.length, 1)
  t.regex(events[0]!.text, new RegExp(`^no port for the data connection that PASV asked for: the one port ${only} is in use, .*: --ftp-data-ports takes a wider range$`))
  const [refused, prepared] = [...recording.ftpCommands({ where: 'verb = \'PASV\'' })]
  t.is(refused!.code, 425)
  t.true(refused!.changed)
  t.is(prepared!.code, 227)
})

/** Something else that listens there. */
async function holding(t: ExecutionContext, port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return server
}

test('ftpDataHost is what a 227 names', async (t) => {
  const pair = await controlPair(t, { ftpDataHost: '203.0.113.7' })
  await pair.asks('PASV')
  pair.server.write(`227 Entering Passive Mode (${sixNumbers(pair.data.port)}).\r\n`)
  const reply = await pair.client.through('\r\n')
  t.is(reply, `227 Entering Passive Mode (${sixNumbers(portIn(reply), '203.0.113.7')}).\r\n`)
  const client = await connectTo(t, portIn(reply))
  const server = await pair.data.next()
  server.write('here')
  t.is((await client.take(4)).toString(), 'here')
})
