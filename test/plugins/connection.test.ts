import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { close, definePlugin, delay, drop, reset, retarget } from 'wiretape'
import type { AnyPlugin, ConnectionEnd, ConnectionHooks, ConnectionInfo } from 'wiretape'
import { until, within } from '../real/deadline.js'
import { onlyConnection, taping } from '../real/relaying.js'

async function greeter(t: ExecutionContext, greeting: string): Promise<{ port: number, served: () => number }> {
  let served = 0
  const server = createServer((socket) => {
    served++
    socket.on('error', () => {}).end(greeting)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, served: () => served }
}

function greeted(port: number): Promise<string> {
  return text(connect({ port, host: '127.0.0.1' }))
}

function opening(name: string, open: NonNullable<ConnectionHooks['open']>): AnyPlugin {
  return definePlugin({ name, description: name, setup: () => ({ connection: { open } }) })
}

test('open is asked before anything is dialled, and may refuse', async (t) => {
  const server = await greeter(t, 'hello')
  const seen: ConnectionInfo[] = []
  const refuse = opening('refuse', (connection) => {
    seen.push(connection)
    return connection.ordinal === 1 ? close() : connection.ordinal === 2 ? reset() : undefined
  })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [refuse] })
  t.is(await greeted(port), '')
  await t.throwsAsync(greeted(port), { code: 'ECONNRESET' })
  t.is(server.served(), 0)
  t.is(await greeted(port), 'hello')
  t.like(seen[2], { ordinal: 3, relay: 0, protocol: 'tcp', target: `127.0.0.1:${server.port}` })
  const recording = await recorded()
  t.deepEqual([...recording.connections()].map(({ endReason }) => endReason), ['refused by a plugin', 'refused by a plugin', 'server closed'])
  t.deepEqual([...recording.events()].map(({ kind, source, hook }) => `${kind} ${source} ${hook}`),
    ['plugin-closed refuse connection.open', 'plugin-reset refuse connection.open'])
})

test('open may send a connection to another server, after a while', async (t) => {
  const one = await greeter(t, 'one')
  const other = await greeter(t, 'other')
  const move = opening('move', async () => {
    await sleep(20)
    return [delay(30), retarget(`127.0.0.1:${other.port}`)]
  })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${one.port}`, plugins: [move] })
  const began = Date.now()
  t.is(await greeted(port), 'other')
  t.true(Date.now() - began >= 49)
  t.is(one.served(), 0)
  const recording = await recorded()
  t.is(onlyConnection(recording).server?.port, other.port)
  t.deepEqual([...recording.events()].map(({ kind }) => kind), ['delayed', 'retargeted'])
})

test('a hook that throws, never returns or returns nonsense is told, and the connection goes on', async (t) => {
  const server = await greeter(t, 'hello')
  const lines: string[] = []
  const bad = (name: string, open: () => unknown): AnyPlugin =>
    definePlugin({ name, description: name, timeout: 50, setup: () => ({ connection: { open: open as never } }) })
  const { port, recorded } = await taping(t, {
    tcp: `0=127.0.0.1:${server.port}`, log: (line) => lines.push(line),
    plugins: [bad('throws', () => { throw new Error('boom') }), bad('hangs', () => new Promise(() => {})), bad('odd', () => 42)],
  })
  t.is(await greeted(port), 'hello')
  const recording = await recorded()
  t.deepEqual([...recording.events({ where: "kind = 'plugin-failed'" })].map(({ source, text: said }) => [source, said.replace(/:.*did/, ': it did')]), [
    ['throws', 'connection.open failed: boom'],
    ['hangs', 'connection.open failed: it did not return within 50 ms'],
    ['odd', 'connection.open failed: it returned 42, which is no action: return nothing, or delay(ms), drop(), respond(…) and the like'],
  ])
  t.is(lines.length, 3)
})

test("with onError 'cut', a failing hook costs the connection", async (t) => {
  const server = await greeter(t, 'hello')
  const bad = definePlugin({ name: 'bad', description: '', onError: 'cut', setup: () => ({ connection: { open: () => { throw new Error('boom') } } }) })
  const { port } = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, log: () => {}, plugins: [bad] })
  await t.throwsAsync(greeted(port), { code: 'ECONNRESET' })
  t.is(server.served(), 0)
})

test('close tells how it went', async (t) => {
  const server = await greeter(t, 'hello')
  const ends: ConnectionEnd[] = []
  const watch = definePlugin({ name: 'watch', description: '', setup: () => ({ connection: { close: (end) => { ends.push(end) } } }) })
  const { port, relay } = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [watch] })
  await greeted(port)
  await relay.stop()
  t.like(ends[0], { reason: 'server closed', error: null, bytesUp: 0, bytesDown: 5 })
})

test('the same seed gives each connection the same numbers, whatever the order', async (t) => {
  const server = await greeter(t, 'hello')
  const drawn = async (seed: number, together: boolean): Promise<Map<number, number[]>> => {
    const numbers = new Map<number, number[]>()
    const dice = definePlugin({
      name: 'dice', description: '',
      setup: ({ random }) => ({ connection: { open: async ({ ordinal }) => {
        if (together) await sleep(30 - ordinal * 10)
        numbers.set(ordinal, [random(), random(), random()])
      } } }),
    })
    const { port, relay } = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [dice], seed })
    if (together) await Promise.all([greeted(port), greeted(port)])
    else for (let n = 0; n < 2; n++) await greeted(port)
    t.is(relay.seed, seed)
    return numbers
  }
  const one = await drawn(7, false)
  t.deepEqual(new Map([...await drawn(7, true)].toSorted(([a], [b]) => a - b)), one)
  t.notDeepEqual(await drawn(8, false), one)
  t.true([...one.values()].flat().every((number) => number >= 0 && number < 1))
  t.is(new Set([...one.values()].flat()).size, 6)
})

test('an action that a hook does not take is a failure of it', async (t) => {
  const server = await greeter(t, 'hello')
  const bad = definePlugin({ name: 'bad', description: '', setup: () => ({ connection: { open: (() => drop()) as never } }) })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, log: () => {}, plugins: [bad] })
  t.is(await greeted(port), 'hello')
  t.deepEqual([...(await recorded()).events()].map(({ kind, text: said }) => [kind, said]), [
    ['plugin-failed', 'connection.open failed: it returned drop, which this hook does not take: it takes delay, close, reset, retarget'],
  ])
})

test('stopping does not wait for a connection that a plugin still holds, and counts it once', async (t) => {
  const server = await greeter(t, 'hello')
  const { port, relay, recorded } = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [opening('hold', () => delay(60_000))] })
  const client = connect({ port, host: '127.0.0.1' })
  client.on('error', () => {})
  await until(() => relay.stats().open === 1, 'the connection to be held')
  await within(relay.stop({ grace: 0 }), 'the relay to stop')
  const recording = await recorded()
  t.is(onlyConnection(recording).endReason, 'relay stopped')
  t.is(server.served(), 0)
})

test('a connection that was held is one connection', async (t) => {
  const server = await greeter(t, 'hello')
  const { port, relay } = await taping(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [opening('hold', () => delay(20))] })
  t.is(await greeted(port), 'hello')
  t.is(relay.stats().connections, 1)
})
