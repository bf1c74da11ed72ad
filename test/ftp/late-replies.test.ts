import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Direction } from '../../src/protocols/decoder.js'
import { FtpControl } from '../../src/relay/ftp/control.js'
import { readFtpOptions } from '../../src/relay/ftp/options.js'
import type { Pieces } from '../../src/relay/lane.js'
import { connectTo, peerServer } from '../real/peer.js'
import { controlPair, portIn, sixNumbers } from './control-pair.js'

test('a 227 of more than 256 KiB passes once and as it is, with an event', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('PASV')
  const lines = `227-${'x'.repeat(1000)}\r\n`.repeat(400)
  const reply = `${lines}227 Entering Passive Mode (${sixNumbers(pair.data.port)}).\r\n`
  pair.server.write(reply)
  t.is((await pair.client.take(reply.length)).toString('latin1'), reply)
  await pair.asks('NOOP')
  await pair.answers('200 Fine')
  await pair.passive()
  const recording = await pair.over()
  t.is([...recording.events({ where: 'kind = \'ftp-address-unreadable\'' })].length, 1)
  t.is([...recording.segments({ where: 'leg = \'sent\' and direction = \'down\'' })].length, 1)
})

test('a 227 of 200 KiB, in small pieces, is held and names the relay\'s port', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('PASV')
  const lines = `227-${'x'.repeat(10)}\r\n`.repeat(12_000)
  for (let at = 0; at < lines.length; at += 500) pair.server.write(lines.slice(at, at + 500))
  pair.server.write(`227 (${sixNumbers(pair.data.port)})\r\n`)
  const reply = await pair.client.through(')\r\n')
  t.is(reply.length, lines.length + 6 + sixNumbers(portIn(reply)).length + 2)
  await connectTo(t, portIn(reply))
  await pair.data.next()
})

test('a 421 in the place of the reply to a refused command reaches the client', async (t) => {
  const pair = await controlPair(t)
  pair.client.write('PORT 10,0,0,1,100,100\r\n')
  t.is(await pair.server.through('\r\n'), 'NOOP\r\n')
  await pair.answers('421 Going down.')
})

/** A relay's control connection by itself, on real sockets: what it does while a port is being opened can't be timed from outside. */
async function control(t: ExecutionContext): Promise<{ control: FtpControl, emitted: Record<Direction, string> }> {
  const listening = await peerServer(t)
  await connectTo(t, listening.port)
  const accepted = await listening.next()
  const server = await connectTo(t, listening.port)
  const ftp = new FtpControl({
    settings: readFtpOptions({}), tap: null, plugins: null, onClose: () => {}, client: accepted.socket, onData: ({ socket }) => socket.destroy(), onCut: (reason) => t.fail(reason),
  })
  t.teardown(() => ftp.close())
  ftp.connected(server.socket)
  const emitted = { up: '', down: '' }
  ftp.attach((direction, pieces) => { emitted[direction] += text(pieces) }, () => {})
  await ftp.pass('down', Buffer.from('220 ready\r\n'))
  return { control: ftp, emitted }
}

const text = (pieces: Pieces): string => Buffer.concat(pieces).toString('latin1')

test('the session turns encrypted while a PORT waits for its port: nothing is sent twice, or as it was', async (t) => {
  const { control: ftp, emitted } = await control(t)
  t.is(text(await ftp.pass('up', Buffer.from('AUTH TLS\r\n'))), 'AUTH TLS\r\n')
  const waiting = ftp.pass('up', Buffer.from(`PORT ${sixNumbers(40_000)}\r\nNOOP\r\nhello`))
  t.true(waiting instanceof Promise)
  t.is(text(await ftp.pass('down', Buffer.from('234 Go on\r\nhello'))), '234 Go on\r\nhello')
  t.is(emitted.up, '')
  const sent = text(await waiting)
  t.regex(sent, /^PORT 127,0,0,1,\d+,\d+\r\nNOOP\r\nhello$/)
  t.not(portIn(sent), 40_000)
  t.is(text(await ftp.pass('up', Buffer.from('encrypted'))), 'encrypted')
})

test('the client turns unreadable while a 227 waits for its port: nothing is sent twice, or as it was', async (t) => {
  const { control: ftp, emitted } = await control(t)
  await ftp.pass('up', Buffer.from('PASV\r\n'))
  const waiting = ftp.pass('down', Buffer.from(`227 (${sixNumbers(40_000)})\r\n200 mo`))
  t.true(waiting instanceof Promise)
  const line = 'x'.repeat(70_000)
  t.is(text(await ftp.pass('up', Buffer.from(line))), line)
  t.is(emitted.down, '')
  const sent = text(await waiting)
  t.regex(sent, /^227 \(127,0,0,1,\d+,\d+\)\r\n200 mo$/)
  t.not(portIn(sent), 40_000)
  t.is(text(await ftp.pass('down', Buffer.from('re\r\n'))), 're\r\n')
})
