import test from 'ava'
import { connectTo, peerServer } from '../real/peer.js'
import { controlPair, portIn, sixNumbers } from './control-pair.js'
import { assertCompleted, onlyTransfer } from './sound.js'

for (const [name, command] of [
  ['PORT to a foreign host', 'PORT 192,0,2,1,100,100'],
  ['EPRT to a foreign host', 'EPRT |1|192.0.2.1|25700|'],
  ['EPRT to a host of another family', 'EPRT |2|2001:db8::1|25700|'],
  ['PORT to another loopback address', `PORT ${sixNumbers(40_000, '127.0.0.2')}`],
  ['PORT to a privileged port', `PORT ${sixNumbers(25)}`],
  ['EPRT to a privileged port', 'EPRT |1|127.0.0.1|1023|'],
] as const) {
  test(`${name} is refused with 500 and an event, and the server never sees it`, async (t) => {
    const pair = await controlPair(t)
    pair.client.write(`${command}\r\n`)
    t.is(await pair.server.through('\r\n'), 'NOOP\r\n')
    pair.server.write('200 NOOP ok.\r\n')
    t.regex(await pair.client.through('\r\n'), /^500 [^\r]+\r\n$/)
    await pair.asks('SYST')
    await pair.answers('215 UNIX Type: L8')
    const recording = await pair.over()
    const [event] = recording.events({ where: 'kind = \'ftp-bounce-refused\'' })
    t.truthy(event)
    t.is(event!.direction, 'up')
    const [refused, next] = [...recording.ftpCommands()]
    t.is(refused!.code, 500)
    t.true(refused!.changed)
    t.is(next!.code, 215)
    t.is([...recording.connections()].length, 1)
    const segments = [...recording.segments({ where: 'direction = \'up\' and leg = \'received\'' })]
    t.is(Buffer.concat(segments.map(({ bytes }) => bytes)).toString(), `${command}\r\nSYST\r\n`)
  })
}

test('the replies to pipelined commands around a refused PORT keep their order', async (t) => {
  const pair = await controlPair(t)
  pair.client.write('PWD\r\nPORT 192,0,2,1,100,100\r\nSYST\r\n')
  t.is(await pair.server.through('SYST\r\n'), 'PWD\r\nNOOP\r\nSYST\r\n')
  pair.server.write('257 "/"\r\n200 Fine\r\n215 UNIX\r\n')
  const replies = await pair.client.through('UNIX\r\n')
  t.regex(replies, /^257 "\/"\r\n500 [^\r]+\r\n215 UNIX\r\n$/)
  const recording = await pair.over()
  t.deepEqual([...recording.ftpCommands()].map(({ verb, code, changed }) => [verb, code, changed]), [
    ['PWD', 257, false], ['PORT', 500, true], ['SYST', 215, false],
  ])
})

test('a refused PORT leaves the passive port that was prepared before it', async (t) => {
  const pair = await controlPair(t)
  const port = await pair.passive()
  pair.client.write('PORT 192,0,2,1,100,100\r\n')
  await pair.server.through('NOOP\r\n')
  pair.server.write('200 Fine\r\n')
  t.regex(await pair.client.through('\r\n'), /^500 /)
  await pair.asks('RETR /f')
  const client = await connectTo(t, port)
  const server = await pair.data.next()
  await pair.answers('150 Opening')
  server.write('as before').finish()
  t.is((await client.rest()).toString(), 'as before')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  await assertCompleted(t, recording, transfer, Buffer.from('as before'))
  t.is(transfer.form, 'PASV')
})

test('EPRT to the client\'s own address passes with the relay\'s, in any spelling and delimiter', async (t) => {
  const pair = await controlPair(t)
  const listening = await peerServer(t)
  pair.client.write(`eprt !1!127.0.0.1!${listening.port}!\r\n`)
  const command = await pair.server.through('\r\n')
  const [, told] = /^eprt !1!127\.0\.0\.1!(\d+)!\r\n$/.exec(command) ?? []
  t.truthy(told, command)
  await pair.answers('200 Fine')
  await pair.asks('LIST')
  const server = await connectTo(t, Number(told))
  const client = await listening.next()
  await pair.answers('150 Here it comes')
  server.write('-rw-r--r-- 1 0 0 5 Jan 01 2020 a\r\n').finish()
  await client.rest()
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  await assertCompleted(t, recording, transfer)
  t.is(transfer.form, 'EPRT')
})

test('a PORT that the server refuses is closed at the relay', async (t) => {
  const pair = await controlPair(t)
  const listening = await peerServer(t)
  pair.client.write(`PORT ${sixNumbers(listening.port)}\r\n`)
  const told = portIn(await pair.server.through('\r\n'))
  await pair.answers('502 Not here.')
  const port = await pair.passive()
  t.not(port, told)
  await pair.asks('RETR /f')
  const client = await connectTo(t, port)
  const server = await pair.data.next()
  await pair.answers('150 Opening')
  server.write('passively').finish()
  t.is((await client.rest()).toString(), 'passively')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  await assertCompleted(t, recording, onlyTransfer(recording), Buffer.from('passively'))
})
