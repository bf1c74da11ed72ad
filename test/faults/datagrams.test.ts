import test from 'ava'
import type { ExecutionContext } from 'ava'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { until, within } from '../real/deadline.js'
import { taping } from '../real/relaying.js'
import { lineWith, numbers, sendNumbered } from './numbered-datagrams.js'
import { untimed } from './untimed.js'

test('duplicate: those that are picked come so many times more', async (t) => {
  const line = await lineWith(t, ['duplicate:times=2,every=3'])
  const journal = await sendNumbered(line, 6, ({ length }) => length === 10)
  t.deepEqual(line.arrived, ['#0', '#1', '#2', '#2', '#2', '#3', '#4', '#5', '#5', '#5'])
  t.deepEqual(journal.map(({ kind, message, text }) => `${kind} ${message} ${text}`), ['duplicated 2 udp.datagram: sent 2 times more', 'duplicated 5 udp.datagram: sent 2 times more'])
})

test('reorder: one that is picked is overtaken by so many others', async (t) => {
  const line = await lineWith(t, ['reorder:by=2,ms=20000,every=4'])
  const journal = await sendNumbered(line, 10, ({ length }) => length === 10)
  t.deepEqual(line.arrived, ['#0', '#1', '#2', '#4', '#5', '#3', '#6', '#8', '#9', '#7'])
  t.deepEqual(journal.map(({ kind, fault, message, direction, bytes, text }) => [kind, fault, message, direction, bytes, text]), [
    ['fault', 'reorder', 3, 'up', 2, 'udp.datagram: overtaken, 2 went by'], ['fault', 'reorder', 7, 'up', 2, 'udp.datagram: overtaken, 2 went by'],
  ])
})

test('reorder: one that nobody overtakes goes on after a time', async (t) => {
  const line = await lineWith(t, ['reorder:by=5,ms=3000,every=2'])
  const began = performance.now()
  const journal = await sendNumbered(line, 3, ({ length }) => length === 3)
  t.true(performance.now() - began >= 2999)
  t.deepEqual(line.arrived, ['#0', '#2', '#1'])
  t.deepEqual(journal.map(({ text }) => text), ['udp.datagram: overtaken, 1 of 5 went by in 3000 ms'])
})

test('reorder: the same ones with the same seed, and each direction by itself', async (t) => {
  const round = async (seed: number): Promise<unknown> => {
    const line = await lineWith(t, ['reorder:by=1,ms=20000,share=0.2,direction=up'], seed)
    // The last has others after it that let it go.
    for (const text of [...numbers(60), ...Array.from({ length: 20 }, () => 'end')]) await line.client.send(text, line.relay.port)
    await until(() => line.arrived.filter((text) => text !== 'end').length === 60, 'all that was held')
    return line.arrived.filter((text) => text !== 'end')
  }
  const first = await round(5)
  t.deepEqual(await round(5), first)
  t.notDeepEqual(first, numbers(60))
  t.notDeepEqual(await round(6), first)
})

test('what is still held when the relay stops does no harm', async (t) => {
  const server = await datagramPeer(t)
  const { relay, recorded } = await taping(t, { udp: `0=127.0.0.1:${server.port}`, plugins: ['reorder:by=1,ms=5000,share=1'] })
  const client = await datagramPeer(t)
  await client.send('held', relay.port)
  await until(() => relay.connections().length === 1, 'the session')
  t.is([...(await recorded()).datagrams()].length, 1)
  await until(() => relay.journal().length === 2, 'what became of it')
  t.deepEqual(relay.journal().map(({ kind }) => kind).toSorted(), ['fault', 'udp-dropped'])
  t.is(server.left, 0)
})

test('udp-delay: each waits by itself; without jitter they keep their order, with it some are overtaken', async (t) => {
  const plain = await lineWith(t, ['udp-delay:ms=120,share=1'])
  const began = performance.now()
  const journal = await sendNumbered(plain, 30, ({ length }) => length === 30)
  t.true(performance.now() - began >= 119)
  t.deepEqual(plain.arrived, numbers(30))
  t.true(journal.every(({ kind, delayMs }) => kind === 'delayed' && delayMs === 120))
  const spread = await lineWith(t, ['udp-delay:ms=200,jitter=200'], 4)
  const drawn = await sendNumbered(spread, 30, ({ length }) => length === 30)
  t.notDeepEqual(spread.arrived, numbers(30))
  t.deepEqual(spread.arrived.toSorted(), numbers(30).toSorted())
  t.true(drawn.every(({ delayMs }) => delayMs! >= 0 && delayMs! <= 400) && new Set(drawn.map(({ delayMs }) => delayMs)).size > 10)
  const again = await lineWith(t, ['udp-delay:ms=200,jitter=200'], 4)
  t.deepEqual(untimed(await sendNumbered(again, 30, ({ length }) => length === 30)), untimed(drawn))
})

/** How many bits differ. */
const distance = (one: Buffer, other: Buffer): number => one.reduce((sum, byte, index) => sum + (byte ^ other[index]!).toString(2).replaceAll('0', '').length, 0)

async function corrupted(t: ExecutionContext, fault: string, datagrams: readonly Buffer[], seed = 1): Promise<{ got: Buffer[], texts: string[] }> {
  const echo = await datagramEcho(t)
  const { relay, recorded } = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [fault], seed })
  const client = await datagramPeer(t)
  const got: Buffer[] = []
  for (const bytes of datagrams) {
    await client.send(bytes, relay.port)
    got.push((await within(client.take(), 'an echo')).bytes)
  }
  const texts = relay.journal().map(({ kind, text }) => `${kind} ${text}`)
  const sent = [...(await recorded()).segments({ where: `leg = 'sent'` })].map(({ bytes }) => bytes)
  t.deepEqual(sent, got.filter((bytes, index) => !bytes.equals(datagrams[index]!)))
  return { got, texts }
}

test('udp-corrupt: so many bits are flipped, or bytes changed, and the journal says which', async (t) => {
  const zeros = Buffer.alloc(40)
  const flipped = await corrupted(t, 'udp-corrupt:bits=3,direction=up,every=2', [zeros, zeros, zeros, zeros])
  t.deepEqual(flipped.got.map((bytes) => distance(bytes, zeros)), [0, 3, 0, 3])
  const places = Array.from({ length: 320 }, (_, place) => place).filter((place) => (flipped.got[1]![place >> 3]! & (0x80 >> (place & 7))) !== 0)
  t.deepEqual(flipped.texts.slice(0, 2), [`fault udp.datagram: flipped bits ${places.join(', ')}`, 'changed udp.datagram: changed'])
  const changed = await corrupted(t, 'udp-corrupt:bytes=10,direction=up', [zeros, Buffer.alloc(4, 255), Buffer.alloc(0)])
  t.deepEqual(changed.got.map((bytes) => bytes.filter((byte) => byte !== (bytes.length === 4 ? 255 : 0)).length), [10, 4, 0])
  t.regex(changed.texts[0]!, /^fault udp\.datagram: changed bytes (?:\d+, ){7}\d+ and 2 more$/)
  t.is(changed.texts[2], 'fault udp.datagram: changed bytes 0, 1, 2, 3')
  const again = await corrupted(t, 'udp-corrupt:bytes=10,direction=up', [zeros, Buffer.alloc(4, 255), Buffer.alloc(0)])
  t.deepEqual(again, changed)
})
