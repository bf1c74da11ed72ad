import { randomBytes } from 'node:crypto'
import test from 'ava'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { until } from '../real/deadline.js'
import { onlyConnection, relaying, taping } from '../real/relaying.js'

test('replies find their client, and the server sees distinct peers', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const clients = [await datagramPeer(t), await datagramPeer(t), await datagramPeer(t)]
  const seen = new Map<string, number>()
  for (const [index, client] of clients.entries()) {
    await client.send(`from ${index}`, tape.port)
    const { bytes, port } = await server.take()
    seen.set(bytes.toString(), port)
  }
  t.is(new Set(seen.values()).size, 3)
  for (const index of [2, 0, 1]) await server.send(`to ${index}`, seen.get(`from ${index}`)!)
  for (const [index, client] of clients.entries()) {
    const { bytes, port } = await client.take()
    t.is(bytes.toString(), `to ${index}`)
    t.is(port, tape.port, 'a reply comes from the port that was asked')
    t.is(client.left, 0)
  }
  const recording = await tape.recorded()
  const sessions = [...recording.connections()]
  t.deepEqual(sessions.map(({ client }) => client?.port), clients.map(({ port }) => port))
  t.deepEqual(sessions.map(({ dial }) => dial?.port), [0, 1, 2].map((index) => seen.get(`from ${index}`)))
  t.true(sessions.every(({ protocol, transport }) => protocol === 'udp' && transport === 'udp'))
})

for (const host of ['127.0.0.1', '::1']) {
  test(`datagrams of every size keep their boundaries and their order: ${host}`, async (t) => {
    const at = host === '::1' ? '[::1]' : host
    const echo = await datagramEcho(t, host)
    const tape = await taping(t, { udp: `${at}:0=${at}:${echo.port}` })
    t.is(tape.relay.listeners[0]!.host, host)
    const client = await datagramPeer(t, host)
    const sent = [0, 1, 512, 1472, 65507, 0, 0, 512, 2].map((size) => randomBytes(size))
    for (const bytes of sent) await client.send(bytes, tape.port, host)
    for (const bytes of sent) t.deepEqual((await client.take()).bytes, bytes)
    t.deepEqual(tape.relay.stats().bytesUp, sent.reduce((sum, { length }) => sum + length, 0))
    const recording = await tape.recorded()
    for (const direction of ['up', 'down']) {
      const datagrams = [...recording.datagrams({ where: `direction = '${direction}'` })]
      t.deepEqual(datagrams.map(({ bytes }) => bytes), sent)
      t.deepEqual(datagrams.map(({ size }) => size), sent.map(({ length }) => length))
    }
    const { client: from, server } = onlyConnection(recording)
    t.deepEqual(from, { host, port: client.port })
    t.deepEqual(server, { host, port: echo.port })
  })
}

test('an IPv4 client of a dual-stack listener is recorded by its IPv4 address', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `[::]:0=127.0.0.1:${echo.port}` })
  const client = await datagramPeer(t)
  await client.send('four', tape.port)
  t.is(await client.text(), 'four')
  t.deepEqual(onlyConnection(await tape.recorded()).client, { host: '127.0.0.1', port: client.port })
})

test('many clients at once get what is theirs', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}` })
  const clients = await Promise.all(Array.from({ length: 200 }, () => datagramPeer(t)))
  for (let round = 0; round < 3; round++) {
    await Promise.all(clients.map((client, index) => client.send(`${index} in ${round}`, tape.port)))
    t.deepEqual(await Promise.all(clients.map((client) => client.text())), clients.map((_, index) => `${index} in ${round}`))
  }
  t.is(tape.relay.stats().open, 200)
  const recording = await tape.recorded()
  const texts = new Map<number, string[]>()
  for (const { connectionId, direction, bytes } of recording.datagrams()) {
    texts.set(connectionId, [...texts.get(connectionId) ?? [], `${direction} ${bytes.toString()}`])
  }
  t.is(texts.size, 200)
  for (const { id, client } of recording.connections()) {
    const index = clients.findIndex(({ port }) => port === client?.port)
    t.deepEqual(texts.get(id), [0, 1, 2].flatMap((round) => [`up ${index} in ${round}`, `down ${index} in ${round}`]))
  }
})

test('a server may say more than it was asked, and first of all later', async (t) => {
  const server = await datagramPeer(t)
  const relay = await relaying(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send('subscribe', relay.port)
  const { port } = await server.take()
  for (let n = 0; n < 50; n++) await server.send(`news ${n}`, port)
  for (let n = 0; n < 50; n++) t.is(await client.text(), `news ${n}`)
  t.is(relay.stats().open, 1)
})

test('nobody but the server reaches a client through its session', async (t) => {
  const server = await datagramPeer(t)
  const stranger = await datagramPeer(t)
  const relay = await relaying(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send('hello', relay.port)
  const { port } = await server.take()
  await stranger.send('forged', port)
  await server.send('true', port)
  t.is(await client.text(), 'true')
  t.is(client.left, 0)
})

test('stopping ends every session and completes the recording', async (t) => {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}` })
  for (let n = 0; n < 5; n++) {
    const client = await datagramPeer(t)
    await client.send('x', tape.port)
    await client.take()
  }
  const recording = await tape.recorded()
  await until(() => tape.relay.stats().open === 0, 'every session to be over')
  t.deepEqual([...recording.connections()].map(({ endReason, error }) => [endReason, error]), Array.from({ length: 5 }, () => ['relay stopped', null]))
  const again = await datagramPeer(t, '127.0.0.1', tape.port)
  t.is(again.port, tape.port, 'the port is free again')
})
