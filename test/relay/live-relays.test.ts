import test from 'ava'
import type { ExecutionContext } from 'ava'
import { connect } from 'node:net'
import { definePlugin, delay } from 'wiretape'
import type { Relay } from 'wiretape'
import { parseRelayAddress } from '../../src/relay/address.js'
import type { RelayAddress } from '../../src/relay/address.js'
import { until, within } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { connectTo, echoServer } from '../real/peer.js'
import { relaying, taping, onlyConnection } from '../real/relaying.js'

/** Relays that come, move and go while others run, also when several of that is asked for at once. */

const tcp = (text: string): RelayAddress => parseRelayAddress('tcp', text)

const noop = definePlugin({ name: 'does-nothing', description: 'Nothing.', setup: () => ({ stream: () => undefined }) })

test('a relay that is moved may not lead back to itself, and stays as it was', async (t) => {
  const { relay, port } = await echoing(t)
  const [listener] = relay.listeners
  const client = await connectTo(t, port)
  t.is((await client.write('one').take(3)).toString(), 'one')
  const error = await t.throwsAsync(relay.change(listener!, tcp(`${port}=127.0.0.1:${port}`)), { code: 'usage' })
  t.regex(error.message, /relays to itself/)
  t.is((await client.write('two').take(3)).toString(), 'two', 'what was open is open')
  t.is(listener!.enabled, true)
})

test('a relay keeps its protocol', async (t) => {
  const { relay, port } = await echoing(t)
  const error = await t.throwsAsync(relay.change(relay.listeners[0]!, parseRelayAddress('http', '0=http://127.0.0.1:1')), { code: 'usage' })
  t.regex(error.message, /is for tcp, not http/)
  t.true(await answers(port))
})

test('switched on twice at once, it listens once', async (t) => {
  const { relay, port } = await echoing(t)
  const [listener] = relay.listeners
  relay.disable(listener!)
  t.false(await answers(port))
  await Promise.all([relay.enable(listener!), relay.enable(listener!)])
  t.true(await answers(port))
})

test('what is asked for last holds: off, gone, or moved while it is being switched on', async (t) => {
  const { relay, port } = await echoing(t)
  const [listener] = relay.listeners
  relay.disable(listener!)
  const off = relay.enable(listener!)
  relay.disable(listener!)
  await off
  t.false(await answers(port))
  t.false(listener!.enabled)

  const [next, echo] = [await freePort(), await echoServer(t)]
  const moved = relay.enable(listener!)
  await Promise.all([moved, relay.change(listener!, tcp(`${next}=127.0.0.1:${echo}`))])
  t.deepEqual([await answers(port), await answers(next)], [false, true])
  t.is(listener!.port, next)

  relay.disable(listener!)
  const gone = relay.enable(listener!)
  relay.remove(listener!)
  await gone
  t.false(await answers(next))
})

test('once stopped, no relay is added, switched on or moved', async (t) => {
  const { relay, echo } = await echoing(t)
  const [listener] = relay.listeners
  const port = await freePort()
  const late = relay.add(tcp(`${port}=127.0.0.1:${echo}`), 'late')
  const stopped = relay.stop()
  await t.throwsAsync(late, { code: 'usage', message: /has been stopped/ })
  await stopped
  t.false(await answers(port))
  await t.throwsAsync(relay.add(tcp(`0=127.0.0.1:${echo}`), 'later'), { code: 'usage', message: /has been stopped/ })
  await t.throwsAsync(relay.enable(listener!), { code: 'usage', message: /has been stopped/ })
  await t.throwsAsync(relay.change(listener!, tcp(`0=127.0.0.1:${echo}`)), { code: 'usage', message: /has been stopped/ })
})

test('a fault is for a relay that there is', async (t) => {
  const { relay, echo } = await echoing(t)
  const gone = await relay.add(tcp(`0=127.0.0.1:${echo}`), 'gone')
  relay.remove(gone)
  t.throws(() => relay.inject(noop, { on: gone }), { code: 'usage', message: /gone is none, or was removed/ })
  t.throws(() => relay.inject(noop, { on: 'gone' as never }), { code: 'usage', message: /expected one of this relay's listeners/ })
  t.throws(() => relay.inject(null as never), { code: 'usage', message: /expected a plugin/ })
  t.throws(() => relay.inject(undefined as never), { code: 'usage', message: /expected a plugin/ })
  t.deepEqual(relay.faults, [])
})

test('a connection that still waits for a plugin is cut as asked: a reset is one', async (t) => {
  const waits = definePlugin({ name: 'waits', description: 'Waits.', setup: () => ({ connection: { open: () => delay(60_000) } }) })
  const { relay, port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [waits] })
  const client = await connectTo(t, port)
  await until(() => relay.connections().length === 1, 'the connection to wait')
  const { id } = relay.connections()[0]!
  t.throws(() => relay.cut(id, 'explode' as never), { code: 'usage', message: /expected "close" or "reset", not "explode"/ })
  t.true(relay.cut(id, 'reset'))
  t.is(await client.over(), 'ECONNRESET')
  t.false(relay.cut(id, 'reset'))
  t.is(onlyConnection(await recorded()).endReason, 'cut on request')
})

async function echoing(t: ExecutionContext): Promise<{ relay: Relay, port: number, echo: number }> {
  const echo = await echoServer(t)
  // Its port is given back and taken again, which no connection of another test may come between.
  const relay = await relaying(t, { tcp: `${await freePort()}=127.0.0.1:${echo}` })
  return { relay, port: relay.port, echo }
}

/** Whether somebody listens there. */
async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  const answer = within(new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false))), `port ${port} to accept or refuse`)
  return answer.finally(() => socket.destroy())
}
