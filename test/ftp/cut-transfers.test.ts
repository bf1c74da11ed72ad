import test from 'ava'
import { freePort } from '../real/free-port.js'
import { connectTo, peerServer } from '../real/peer.js'
import { bytesOf } from '../real/relaying.js'
import { controlPair } from './control-pair.js'
import { onlyTransfer, sha256 } from './sound.js'

for (const mode of ['passive', 'active'] as const) {
  test(`an upload that ends by a reset, ${mode}: the server sees a reset, the transfer is aborted`, async (t) => {
    const pair = await controlPair(t)
    const listening = await peerServer(t)
    const port = mode === 'passive' ? await pair.passive() : await pair.active(listening.port)
    await pair.asks('STOR /half')
    const dialled = await connectTo(t, port)
    const other = await (mode === 'passive' ? pair.data : listening).next()
    const [client, server] = mode === 'passive' ? [dialled, other] : [other, dialled]
    await pair.answers('150 Ok to send')
    client.write('the first half')
    await server.take(14)
    client.reset()
    t.is(await server.over(), 'ECONNRESET')
    await pair.answers('226 Complete, says the server')
    const recording = await pair.over()
    const transfer = onlyTransfer(recording)
    t.is(transfer.outcome, 'aborted')
    t.is(transfer.error, 'client reset the connection')
    t.is(transfer.bytes, 14)
    t.is(transfer.sha256, sha256(Buffer.from('the first half')))
    t.is(transfer.code, 226)
  })
}

test('a download that the server resets', async (t) => {
  const pair = await controlPair(t)
  const client = await connectTo(t, await pair.passive())
  await pair.asks('RETR /half')
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write('the first half')
  await client.take(14)
  server.reset()
  t.is(await client.over(), 'ECONNRESET')
  await pair.answers('426 Failure writing network stream.')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  t.is(transfer.outcome, 'aborted')
  t.is(transfer.bytes, 14)
  t.is(recording.connection(transfer.connectionId!).endReason, 'server reset')
})

for (const [code, verb] of [[426, 'RETR'], [451, 'RETR'], [552, 'STOR']] as const) {
  test(`${code} after all bytes of a ${verb}: the transfer is aborted, though nothing is missing`, async (t) => {
    const pair = await controlPair(t)
    const client = await connectTo(t, await pair.passive())
    await pair.asks(`${verb} /all`)
    await pair.answers('150 Opening')
    const server = await pair.data.next()
    const [sender, receiver] = verb === 'RETR' ? [server, client] : [client, server]
    sender.write('every byte').finish()
    t.is((await receiver.rest()).toString(), 'every byte')
    receiver.finish()
    await pair.answers(`${code} It went wrong`)
    const recording = await pair.over()
    const transfer = onlyTransfer(recording)
    t.is(transfer.outcome, 'aborted')
    t.is(transfer.error, `${code} It went wrong`)
    t.is(transfer.bytes, 10)
    t.is(transfer.code, code)
    t.is((await bytesOf(recording.transferBody(transfer.id))).toString(), 'every byte')
  })
}

test('a control connection that is lost during a transfer: the bytes go on, the transfer is aborted', async (t) => {
  const pair = await controlPair(t)
  const client = await connectTo(t, await pair.passive())
  await pair.asks('RETR /all')
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write('begun, ')
  await client.take(7)
  pair.server.reset()
  t.is(await pair.client.over(), 'ECONNRESET')
  server.write('ended').finish()
  t.is((await client.rest()).toString(), 'ended')
  client.finish()
  await client.gone()
  const recording = await pair.tape.recorded()
  const transfer = onlyTransfer(recording)
  t.is(transfer.outcome, 'aborted')
  t.is(transfer.error, 'no final reply: server reset the connection')
  t.is(transfer.bytes, 12)
  t.is(transfer.sha256, sha256(Buffer.from('begun, ended')))
})

test('a server that names a port on which nobody listens: the client\'s connection ends, and the record says why', async (t) => {
  const pair = await controlPair(t)
  const client = await connectTo(t, await pair.passive(await freePort()))
  await pair.asks('RETR /f')
  await client.gone()
  await pair.answers('425 Nobody came.')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  t.not(transfer.outcome, 'completed')
  t.is(transfer.code, 425)
  const data = [...recording.connections({ where: 'role = \'data\'' })][0]!
  t.is(data.connected, null)
  t.regex(data.error!, /refused the connection$/)
})

test('421 during a transfer ends it', async (t) => {
  const pair = await controlPair(t)
  const client = await connectTo(t, await pair.passive())
  await pair.asks('RETR /f')
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write('some').finish()
  await client.rest()
  client.finish()
  await pair.answers('421 Going down')
  pair.server.finish()
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  t.is(transfer.outcome, 'aborted')
  t.is(transfer.code, 421)
  t.is([...recording.ftpSessions()][0]!.outcome, '421 Going down')
})
