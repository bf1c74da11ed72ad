import { once } from 'node:events'
import { connect } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { definePlugin } from 'wiretape'
import { ftpData, noop, reorder, slowHeaders, stallBody, udpDelay } from 'wiretape/faults'
import delay from '../../plugins/delay.js'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { until } from '../real/deadline.js'
import { ftpSrv } from '../real/ftp/ftp-srv.js'
import { httpOrigin } from '../real/http-origin.js'
import { connectTo, echoServer } from '../real/peer.js'
import { relaying, taping } from '../real/relaying.js'
import { ftplib } from './ftp-client.js'
import { lineWith, numbers } from './numbered-datagrams.js'

const hour = 3_600_000

for (const direction of ['up', 'down'] as const) {
  test(`a udp-delay of an hour for what goes ${direction}: removed or changed, it lets go what it holds at once and in its order`, async (t) => {
    const echo = await datagramEcho(t)
    const relay = await relaying(t, { udp: `0=127.0.0.1:${echo.port}` })
    const client = await datagramPeer(t)
    for (const how of ['removed', 'changed'] as const) {
      const fault = relay.inject(udpDelay({ ms: hour, direction }))
      const before = relay.journal().length
      for (const text of numbers(20)) await client.send(text, relay.port)
      await until(() => relay.journal().length === before + 20, 'the datagrams to be held')
      t.is(client.left, 0)
      if (how === 'removed') fault.remove()
      else fault.change({ ms: hour - 1 })
      const came: string[] = []
      for (const _ of numbers(20)) came.push(await client.text())
      t.deepEqual(came, numbers(20), how)
      fault.remove()
    }
  })
}

test('a session that a udp-delay of an hour has filled lives on when the delay is removed', async (t) => {
  const echo = await datagramEcho(t)
  const relay = await relaying(t, { udp: `0=127.0.0.1:${echo.port}` })
  const client = await datagramPeer(t)
  const fault = relay.inject(udpDelay({ ms: hour, direction: 'up' }))
  // Those that the system loses on the way to the relay are made up for by others.
  for (let sent = 0; relay.stats().bytesUp < 4200; sent++) {
    await client.send('x', relay.port)
    if (sent % 100 === 99) await new Promise((resolve) => { setImmediate(resolve) })
  }
  fault.remove()
  const short = relay.inject(udpDelay({ ms: 1, direction: 'up' }))
  let answered = false
  client.socket.on('message', (bytes) => { answered ||= bytes.toString() === 'after' })
  // Behind thousands that go on at once, one may be lost to a full buffer of the system's.
  await until(async () => {
    await client.send('after', relay.port)
    return answered
  }, 'an answer')
  short.remove()
  t.pass()
})

test('reorder lets go what it holds when it is taken out', async (t) => {
  const line = await lineWith(t, [])
  const fault = line.relay.inject(reorder({ by: 1000, ms: 20_000, share: 1 }))
  for (const text of numbers(5)) await line.client.send(text, line.relay.port)
  await until(() => line.relay.stats().bytesUp === 10, 'the datagrams to come')
  fault.remove()
  await until(() => line.arrived.length === 5, 'the datagrams to go on')
  t.deepEqual(line.arrived, numbers(5))
  t.deepEqual(line.relay.journal().map(({ text }) => text), Array.from({ length: 5 }, () => 'udp.datagram: let go when 0 of 1000 had gone by'))
})

test('a UDP session isn\'t idle while a plugin holds a datagram of it', async (t) => {
  const echo = await datagramEcho(t)
  const relay = await relaying(t, { udp: `0=127.0.0.1:${echo.port}`, udpIdleTimeout: 100, plugins: ['udp-delay:ms=1500,direction=up'] })
  const client = await datagramPeer(t)
  await client.send('held', relay.port)
  t.is(await echo.text(), 'held')
})

test('datagrams that are held when the session ends are told as dropped, and recorded as not sent', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [`udp-delay:ms=${hour},every=2,direction=up`, 'reorder:ms=20000,by=1000,share=1,direction=down'] })
  const client = await datagramPeer(t)
  for (const text of ['on', 'held', 'on too']) await client.send(text, tape.port)
  await until(() => tape.relay.stats().bytesDown === 8, 'the answers to come')
  await tape.relay.stop({ grace: 0 })
  t.is(client.left, 0)
  const dropped = tape.relay.journal().filter(({ kind }) => kind === 'udp-dropped')
  t.deepEqual(dropped.map(({ direction, bytes, text }) => `${direction} ${bytes} ${text}`).toSorted(), [
    ...['2', '6'].map((bytes) => `down ${bytes} the session was over (relay stopped) while plugins held it`), 'up 4 the session was over (relay stopped) while plugins held it',
  ])
  const recording = await tape.recorded()
  t.is([...recording.events({ where: `kind = 'udp-dropped'` })].length, 3)
  t.deepEqual([...recording.segments({ where: `leg = 'sent'` })].map(({ direction, bytes }) => `${direction} ${bytes.length}`).toSorted(), ['down 0', 'down 0', 'up 0'])
  t.deepEqual([...recording.datagrams({ where: 'changed' })].map(({ direction }) => direction).toSorted(), ['down', 'down', 'up'])
})

test('bytes that a UDP relay has sent on are counted', async (t) => {
  const echo = await datagramEcho(t)
  const relay = await relaying(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: ['loss:every=2,direction=up'] })
  const client = await datagramPeer(t)
  for (const text of ['on', 'lost', 'on too']) await client.send(text, relay.port)
  t.is(await client.text(), 'on')
  t.is(await client.text(), 'on too')
  const { bytesUp, bytesDown, sent } = relay.trafficOf(relay.listeners[0]!)
  t.deepEqual({ bytesUp, bytesDown, sent }, { bytesUp: 12, bytesDown: 8, sent: { up: 8, down: 8 } })
})

for (const how of ['removed', 'changed'] as const) {
  for (const [what, fault, later] of [
    ['a delay', { plugin: delay, options: { ms: hour } }, { ms: 1 }], ['a stall-body', stallBody({ ms: hour, after: 2 }), { ms: 1 }],
    ['slow-headers', slowHeaders({ ms: hour, bytes: 10 }), { ms: 1 }], ['slow-headers of a request', slowHeaders({ ms: hour, bytes: 10, direction: 'up' }), { ms: 1 }],
  ] as const) {
    test(`HTTP: ${what} of an hour that is ${how} lets the exchange go on`, async (t) => {
      const { target } = await httpOrigin(t)
      const relay = await relaying(t, { http: target })
      const injected = relay.inject(fault)
      const answer = fetch(`http://127.0.0.1:${relay.port}/`, { method: 'POST', body: 'all of it' }).then((response) => response.json())
      await until(() => relay.journal().length > 0, 'the message to be held')
      if (how === 'removed') injected.remove()
      else injected.change(later)
      t.is((await answer as { body: string }).body, 'all of it')
    })
  }
}

test('TCP: a delay of an hour that is removed lets the connection open', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const fault = relay.inject({ plugin: delay, options: { ms: hour } })
  const client = await connectTo(t, relay.port)
  client.write('hello').finish()
  await until(() => relay.journal().length === 1, 'the connection to be held')
  fault.remove()
  t.is((await client.rest()).toString(), 'hello')
})

test('FTP: commands and data connections that are held for an hour go on when that is removed or changed', async (t) => {
  const server = await ftpSrv.start(t)
  writeFileSync(join(server.folder, 'file'), 'content')
  const relay = await relaying(t, { ftp: `0=127.0.0.1:${server.port}` })
  for (const [fault, how] of [
    [ftpData({ how: 'delay', ms: hour }), 'removed'], [ftpData({ how: 'delay', ms: hour }), 'changed'], [{ plugin: delay, options: { ms: hour } }, 'removed'],
  ] as const) {
    const injected = relay.inject(fault)
    const before = relay.journal().length
    const outcomes = ftplib(t, relay, server, 'RETR file')
    await until(() => relay.journal().length > before, 'it to be held')
    if (how === 'changed') injected.change({ ms: 1 })
    else injected.remove()
    t.deepEqual((await outcomes).map(([word, , bytes]) => `${word} ${bytes}`), ['fine 7'])
    injected.remove()
  }
})

test('a hook that waits by sleep is told when its plugin goes, changes, or the connection is over', async (t) => {
  const whole: boolean[] = []
  const waiting = definePlugin({
    name: 'waiting', description: 'Waits.', options: { ms: { type: 'number', default: hour, description: 'How long.' } }, timeout: hour,
    setup: ({ options, sleep }) => ({ udp: { datagram: async ({ direction }) => { if (direction === 'up') whole.push(await sleep(options.ms)) } } }),
  })
  const echo = await datagramEcho(t)
  const relay = await relaying(t, { udp: `0=127.0.0.1:${echo.port}` })
  const client = await datagramPeer(t)
  const send = async (text: string): Promise<void> => {
    const before = relay.stats().bytesUp
    await client.send(text, relay.port)
    await until(() => relay.stats().bytesUp > before, 'the datagram to come')
  }
  const fault = relay.inject(waiting)
  relay.inject(noop())
  await send('one')
  fault.change({ ms: 1 })
  t.is(await client.text(), 'one')
  t.deepEqual(whole, [false])
  fault.remove()
  const longer = relay.inject(waiting)
  await send('two')
  longer.remove()
  t.is(await client.text(), 'two')
  relay.inject(waiting)
  await send('three')
  relay.cut(relay.connections()[0]!.id)
  await until(() => whole.length === 3, 'the hook to end')
  t.deepEqual(whole, [false, false, false])
})

test('a request that is held for an hour goes to no server when its client has left', async (t) => {
  const { target, served } = await httpOrigin(t)
  const relay = await relaying(t, { http: target })
  const fault = relay.inject({ plugin: delay, options: { ms: hour } })
  const socket = connect(relay.port, '127.0.0.1')
  socket.write('GET /held HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => relay.journal().length === 1, 'the request to be held')
  socket.resetAndDestroy()
  await once(socket, 'close')
  await until(() => relay.connections().length === 0, 'the connection to be over')
  fault.remove()
  t.is((await fetch(`http://127.0.0.1:${relay.port}/`)).status, 200)
  t.is(served(), 1)
})
