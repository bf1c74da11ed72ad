import test from 'ava'
import type { ExecutionContext } from 'ava'
import { loss } from 'wiretape/faults'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { until } from '../real/deadline.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { relaying, taping } from '../real/relaying.js'
import { lineWith, numbers, sendNumbered } from './numbered-datagrams.js'
import { untimed } from './untimed.js'

const sent = 400

/** Sends them through and says what became of each, with the journal. */
async function losing(t: ExecutionContext, fault: string, seed = 1, count = sent): Promise<{ pattern: string, journal: unknown[] }> {
  const line = await lineWith(t, [fault], seed)
  const journal = await sendNumbered(line, count, (arrived, { length }) => arrived.length + length === count)
  const arrived = new Set(line.arrived)
  return { pattern: numbers(count).map((text) => arrived.has(text) ? '.' : 'x').join(''), journal: untimed(journal) }
}

const runsOf = (pattern: string): number[] => [...pattern.matchAll(/x+/g)].map(([burst]) => burst.length)
const lostOf = (pattern: string): number => pattern.replaceAll('.', '').length

test('a share of the datagrams is lost, and the same ones with the same seed', async (t) => {
  const first = await losing(t, 'loss:share=0.2', 7)
  const again = await losing(t, 'loss:share=0.2', 7)
  const other = await losing(t, 'loss:share=0.2', 8)
  t.deepEqual(again, first)
  t.not(other.pattern, first.pattern)
  t.true(lostOf(first.pattern) > 0.12 * sent && lostOf(first.pattern) < 0.28 * sent, first.pattern)
  t.true(runsOf(first.pattern).includes(1), first.pattern)
  t.like(first.journal[0], { fault: 'loss', parameters: 'loss:share=0.2', kind: 'plugin-dropped', hook: 'udp.datagram', protocol: 'udp', relay: 0, connection: 1, direction: 'up', message: first.pattern.indexOf('x') })
})

test('with bursts the share stays what it was, and they are as long as they are said to be', async (t) => {
  const count = 1000
  const { pattern } = await losing(t, 'loss:share=0.25,burst=8', 3, count)
  const runs = runsOf(pattern)
  const average = lostOf(pattern) / runs.length
  t.true(lostOf(pattern) > 0.12 * count && lostOf(pattern) < 0.4 * count, pattern)
  t.true(average > 4 && average < 13, runs.join(', '))
  t.is((await losing(t, 'loss:share=0.25,burst=8', 3, count)).pattern, pattern)
})

test('every so-manieth is lost, alone or with those after it', async (t) => {
  t.is((await losing(t, 'loss:every=4', 1, 12)).pattern, '...x...x...x')
  t.is((await losing(t, 'loss:every=5,burst=3', 1, 15)).pattern, '....xxx..xxx..x')
  t.is((await losing(t, 'loss:share=1', 1, 5)).pattern, 'xxxxx')
  t.is((await losing(t, 'loss:share=1,burst=4', 1, 5)).pattern, 'xxxxx')
})

test('put into a running relay, changed and taken out: the open session has it at once', async (t) => {
  const line = await lineWith(t, [])
  const send = async (text: string): Promise<void> => line.client.send(text, line.relay.port)
  await send('before')
  await until(() => line.arrived.length === 1, 'the session')
  const fault = line.relay.inject(loss({ share: 1 }), { name: 'the loss' })
  await send('lost')
  await until(() => line.relay.journal().length === 1, 'the loss')
  fault.change({ share: 0 })
  await send('not lost')
  await until(() => line.arrived.length === 2, 'the next one')
  fault.remove()
  await send('after')
  await until(() => line.arrived.length === 3, 'the last')
  t.deepEqual(line.arrived, ['before', 'not lost', 'after'])
  t.like(line.relay.journal()[0], { fault: 'the loss', parameters: 'loss:share=1', message: 1 })
})

test('only one direction, and only one client, loses anything', async (t) => {
  const echo = await datagramEcho(t)
  const [one, other] = [await datagramPeer(t), await datagramPeer(t)]
  const { relay, recorded } = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [`loss:share=1,direction=down,client=127.0.0.1:${one.port}`] })
  await one.send('to one', relay.port)
  t.is(await echo.text(), 'to one')
  await other.send('to other', relay.port)
  t.is(await other.text(), 'to other')
  await one.send('to one again', relay.port)
  await echo.take()
  t.is(await echo.text(), 'to one again')
  await other.send('the last', relay.port)
  t.is(await other.text(), 'the last')
  t.is(one.left, 0)
  t.deepEqual(relay.journal().map(({ connection, direction }) => `${connection} ${direction}`), ['1 down', '1 down'])
  const lost = [...(await recorded()).segments({ where: `leg = 'sent'` })]
  t.deepEqual(lost.map(({ direction, replaces, bytes }) => [direction, replaces, bytes.length]), [['down', 6, 0], ['down', 12, 0]])
})

;(installed('socat') ? test : test.skip)('socat hears nothing of what is lost', async (t) => {
  const echo = await datagramEcho(t)
  const relay = await relaying(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: ['loss:every=2,direction=down'] })
  const ask = async (): Promise<string> => (await run(t, 'socat', ['-t', '1', '-', `UDP4:127.0.0.1:${relay.port}`], 'hello')).stdout.toString()
  t.deepEqual([await ask(), await ask()], ['hello', ''])
  t.deepEqual(relay.journal().map(({ kind, connection }) => `${kind} ${connection}`), ['plugin-dropped 2'])
})
