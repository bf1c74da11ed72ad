import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { close, definePlugin, delay, drop, duplicate, respond, retarget } from 'wiretape'
import type { AnyPlugin, ConnectionEnd, ConnectionInfo, Recording, UdpHooks } from 'wiretape'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { until } from '../real/deadline.js'
import { taping } from '../real/relaying.js'

function onDatagram(name: string, datagram: NonNullable<UdpHooks['datagram']>): AnyPlugin {
  return definePlugin({ name, description: name, setup: () => ({ udp: { datagram } }) })
}

/** Each datagram as it was received, with a mark where something else was sent, and what was sent. */
function told(recording: Recording): { received: string[], sent: string[], events: string[] } {
  const texts = new Map([...recording.datagrams()].map(({ id, bytes }) => [id, bytes.toString()]))
  return {
    received: [...recording.datagrams()].map(({ direction, bytes, changed }) => `${direction} ${bytes.toString()}${changed ? ' *' : ''}`),
    sent: [...recording.segments({ where: `leg = 'sent'` })].map(({ direction, messageId, replaces, bytes }) =>
      `${direction} ${messageId === null ? '-' : texts.get(messageId)} ${replaces} ${bytes.toString()}`),
    events: [...recording.events()].map(({ kind, source, hook, messageId }) => `${kind} ${source} ${hook} ${messageId === null ? '-' : texts.get(messageId)}`),
  }
}

test('a datagram is changed in either direction, and both versions are kept', async (t) => {
  const echo = await datagramEcho(t)
  const change = onDatagram('change', (datagram) => {
    if (datagram.direction === 'up' && datagram.bytes.toString() === 'one') datagram.bytes = Buffer.from('changed up')
    if (datagram.direction === 'down' && datagram.bytes.toString() === 'two') datagram.bytes.write('TWO')
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [change] })
  const client = await datagramPeer(t)
  const answers: string[] = []
  for (const text of ['one', 'two', 'three', '']) {
    await client.send(text, tape.port)
    answers.push(await client.text())
  }
  t.deepEqual(answers, ['changed up', 'TWO', 'three', ''])
  t.deepEqual(told(await tape.recorded()), {
    received: ['up one *', 'down changed up', 'up two', 'down two *', 'up three', 'down three', 'up ', 'down '],
    sent: ['up one 3 changed up', 'down two 3 TWO'],
    events: ['changed change udp.datagram one', 'changed change udp.datagram two'],
  })
})

test('where a plugin only looks, datagrams go out as they came and nothing is kept twice', async (t) => {
  const echo = await datagramEcho(t)
  const seen: string[] = []
  const look = onDatagram('look', async ({ direction, bytes, connection }) => {
    await sleep(1)
    seen.push(`${connection.protocol} ${connection.ordinal} ${direction} ${bytes.length}`)
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [look] })
  const client = await datagramPeer(t)
  await client.send(Buffer.alloc(60_000, 7), tape.port)
  t.deepEqual((await client.take()).bytes, Buffer.alloc(60_000, 7))
  t.deepEqual(seen, ['udp 1 up 60000', 'udp 1 down 60000'])
  const { sent, events } = told(await tape.recorded())
  t.deepEqual([sent, events], [[], []])
})

test('datagrams are dropped, sent more than once, overtaken and answered', async (t) => {
  const server = await datagramPeer(t)
  const act = onDatagram('act', ({ direction, bytes }) => {
    const text = bytes.toString()
    if (direction === 'down') return undefined
    return text === 'dropped' ? drop() : text === 'twice' ? [duplicate(), duplicate(1)] : text === 'slow' ? delay(3000) : text === 'answered' ? respond('an answer') : undefined
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, plugins: [act] })
  const client = await datagramPeer(t)
  for (const text of ['slow', 'dropped', 'twice', 'answered', 'plain']) await client.send(text, tape.port)
  const arrived: string[] = []
  for (let n = 0; n < 5; n++) arrived.push(await server.text())
  t.deepEqual(arrived, ['twice', 'twice', 'twice', 'plain', 'slow'])
  t.is(await client.text(), 'an answer')
  t.is(client.left + server.left, 0)
  t.deepEqual(told(await tape.recorded()), {
    received: ['up slow', 'up dropped *', 'up twice *', 'up answered *', 'up plain'],
    sent: ['up dropped 7 ', 'up twice 0 twice', 'up twice 0 twice', 'up answered 8 ', 'down - 0 an answer'],
    events: ['delayed act udp.datagram slow', 'plugin-dropped act udp.datagram dropped', 'duplicated act udp.datagram twice', 'duplicated act udp.datagram twice', 'answered act udp.datagram answered'],
  })
})

test('plugins see each datagram in their order, as the one before left it; a dropped one goes no further', async (t) => {
  const echo = await datagramEcho(t)
  const append = (name: string): AnyPlugin => onDatagram(name, (datagram) => {
    if (datagram.direction === 'down') return undefined
    if (datagram.bytes.toString().startsWith(`drop at ${name}`)) return drop()
    datagram.bytes = Buffer.concat([datagram.bytes, Buffer.from(` ${name}(${datagram.changedBy.join()})`)])
    return undefined
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [append('a'), append('b')] })
  const client = await datagramPeer(t)
  await client.send('drop at b', tape.port)
  await client.send('x', tape.port)
  t.is(await client.text(), 'x a() b(a)')
  t.is(client.left, 0)
})

test('a hook that fails, or makes what is no datagram, is told, and the datagram goes on unchanged', async (t) => {
  const echo = await datagramEcho(t)
  const plugins = [
    onDatagram('throws', (datagram) => {
      datagram.bytes[0] = 0
      throw new Error('boom')
    }),
    onDatagram('number', (datagram) => { (datagram as { bytes: unknown }).bytes = 42 }),
    onDatagram('large', ({ direction }) => direction === 'up' ? respond(Buffer.alloc(70_000)) : undefined),
  ]
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins, log: () => {} })
  const client = await datagramPeer(t)
  await client.send('hello', tape.port)
  t.is(await client.text(), 'hello')
  const recording = await tape.recorded()
  t.deepEqual([...recording.events({ where: `direction = 'up' AND kind = 'plugin-failed'` })].map(({ source, text }) => [source, text]), [
    ['throws', 'udp.datagram failed: boom'], ['number', 'udp.datagram failed: a datagram is bytes or a text, not number'],
    ['relay', 'udp.datagram: a datagram of 70000 bytes: 65527 is the most that one holds; it goes on unchanged'],
  ])
  t.deepEqual([...recording.datagrams()].map(({ changed }) => changed), [false, false])
})

test("with onError 'cut', a failing hook ends the session, and the next datagram opens a new one", async (t) => {
  const echo = await datagramEcho(t)
  const bad = definePlugin({
    name: 'bad', description: '', onError: 'cut',
    setup: () => ({ udp: { datagram: ({ bytes }) => { if (bytes.toString() === 'bad') throw new Error('boom') } } }),
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [bad], log: () => {} })
  const client = await datagramPeer(t)
  await client.send('bad', tape.port)
  await client.send('good', tape.port)
  t.is(await client.text(), 'good')
  t.is(echo.left, 1)
  const recording = await tape.recorded()
  t.deepEqual([...recording.connections()].map(({ endReason }) => endReason), ['cut for a plugin', 'relay stopped'])
})

test('open may refuse a session, hold it up or send it elsewhere, and close tells how it went', async (t) => {
  const [one, other] = [await datagramPeer(t), await datagramEcho(t)]
  const seen: ConnectionInfo[] = []
  const ends: ConnectionEnd[] = []
  const choose = definePlugin({
    name: 'choose', description: '',
    setup: () => ({ connection: {
      open: (connection) => {
        seen.push(connection)
        return connection.ordinal === 1 ? close() : [delay(50), retarget(`127.0.0.1:${other.port}`)]
      },
      close: (end) => { ends.push(end) },
    } }),
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${one.port}`, plugins: [choose] })
  const client = await datagramPeer(t)
  await client.send('refused', tape.port)
  await until(() => ends.length === 1, 'the first session to be refused')
  await client.send('first', tape.port)
  await client.send('second', tape.port)
  t.deepEqual([await client.text(), await client.text()], ['first', 'second'])
  t.is(one.left, 0)
  const recording = await tape.recorded()
  t.like(seen[1], { relay: 0, ordinal: 2, protocol: 'udp', target: `127.0.0.1:${one.port}`, client: { host: '127.0.0.1', port: client.port } })
  t.deepEqual([...recording.connections()].map(({ endReason, server }) => [endReason, server?.port]), [['refused by a plugin', one.port], ['relay stopped', other.port]])
  t.deepEqual([...recording.datagrams()].map(({ bytes }) => bytes.toString()), ['refused', 'first', 'second', 'first', 'second'])
  t.deepEqual(ends.map(({ reason, bytesUp, bytesDown }) => [reason, bytesUp, bytesDown]), [['refused by a plugin', 7, 0], ['relay stopped', 11, 11]])
})

test('the same seed loses the same datagrams', async (t) => {
  const echo = await datagramEcho(t)
  const lossy = definePlugin({ name: 'lossy', description: '', setup: ({ random }) => ({ udp: { datagram: ({ direction }) => direction === 'up' && random() < 0.5 ? drop() : undefined } }) })
  const arrived = async (seed: number): Promise<string> => {
    const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [lossy], seed })
    const client = await datagramPeer(t)
    for (let n = 0; n < 30; n++) await client.send('x', tape.port)
    await until(() => tape.relay.stats().bytesUp === 30, 'all datagrams')
    const recording = await tape.recorded()
    return [...recording.datagrams({ where: `direction = 'up'` })].map(({ changed }) => changed ? '-' : 'x').join('')
  }
  const one = await arrived(7)
  t.is(one.length, 30)
  t.regex(one, /-.*x|x.*-/)
  t.is(await arrived(7), one)
  t.not(await arrived(8), one)
})

test('of datagrams that wait for a plugin so many are held and no more', async (t) => {
  const server = await datagramPeer(t)
  const stuck = onDatagram('stuck', () => delay(60_000))
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, plugins: [stuck] })
  const client = await datagramPeer(t)
  while (tape.relay.stats().bytesUp < 4100) {
    for (let n = 0; n < 50; n++) await client.send('x', tape.port)
    await sleep(1)
  }
  const recording = await tape.recorded()
  const [event] = [...recording.events({ where: `kind = 'udp-dropped'` })]
  t.regex(event!.text, /^4096 datagrams of this session wait for plugins already$/)
  // Those that were held are lost with their session.
  t.is([...recording.events({ where: `kind = 'udp-dropped' AND text LIKE 'the session was over%'` })].length, 4096)
  t.is([...recording.datagrams({ where: 'changed = 1' })].length, [...recording.datagrams()].length)
})

test('secrets are masked in each datagram by itself, received and sent; what is sent has them', async (t) => {
  const echo = await datagramEcho(t)
  const more = onDatagram('more', (datagram) => {
    if (datagram.direction === 'up' && datagram.bytes.length > 0) datagram.bytes = Buffer.concat([datagram.bytes, Buffer.from(' {"token":"hunter3"}')])
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: ['redact', more] })
  const client = await datagramPeer(t)
  // The first ends where a mask that may wait would wait for more.
  for (const text of ['Cookie: abc', '', '{"password":"hunter2"}']) {
    await client.send(text, tape.port)
    t.is(await client.text(), text === '' ? '' : `${text} {"token":"hunter3"}`)
  }
  const { received, sent } = told(await tape.recorded())
  t.is(received.length, 6)
  t.is(received[2], 'up ')
  t.is(received[4], 'up {"password":"*******"} *')
  t.deepEqual([received, sent].flat().filter((line) => /hunter|abc/.test(line)), [])
})
