import type { Socket } from 'node:net'
import test from 'ava'
import { definePlugin } from 'wiretape'
import { latency } from 'wiretape/faults'
import { resetBehind } from '../../src/relay/ending.js'
import { blocked, total } from '../real/blocked-stream.js'
import { until, within } from '../real/deadline.js'
import { connectTo, serve } from '../real/peer.js'
import { relaying } from '../real/relaying.js'

/** What a reader gets that reads on now, and how its stream ends: Node can take a reset that comes with data for an end. */
async function readOut(socket: Socket): Promise<{ readonly got: Buffer, readonly end: string }> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const over = new Promise<string>((resolve) => {
    socket.once('end', () => resolve(resetBehind(socket) === null ? 'end' : 'ECONNRESET')).once('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
  })
  socket.resume()
  const end = await within(over, 'the end of the stream')
  return { got: Buffer.concat(chunks), end }
}

for (const direction of ['up', 'down'] as const) {
  for (const protocol of ['tcp', 'http'] as const) {
    test(`${protocol}, ${direction}: a connection that is cut while bytes wait for their reader is reset, as half a stream isn't to look like a whole one`, async (t) => {
      const { relay, from, to } = await blocked(t, direction, protocol)
      await within(relay.stop({ grace: 0 }), 'the relay to stop')
      const { got, end } = await readOut(to)
      t.is(end, 'ECONNRESET')
      t.true(got.length < total)
      from.destroy()
    })
  }
}

test('the idle timeout does the same, and the recording names it', async (t) => {
  const { to, from, relay, recorded } = await blocked(t, 'up', 'tcp', { idleTimeout: 3000 })
  while (relay.stats().open > 0) await new Promise((resolve) => { setTimeout(resolve, 20) })
  const { end } = await readOut(to)
  t.is(end, 'ECONNRESET')
  from.destroy()
  const [connection] = [...(await recorded()).connections()]
  t.is(connection!.endReason, 'idle timeout')
})

test('what a fault still holds counts as bytes that wait', async (t) => {
  let accepted: (socket: Socket) => void
  const accepting = new Promise<Socket>((resolve) => { accepted = resolve })
  const { port } = await serve(t, (socket) => accepted(socket.on('error', () => {})), '127.0.0.1', { pauseOnConnect: true })
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${port}`, plugins: [latency({ ms: 3_600_000 })] })
  const client = await connectTo(t, relay.port)
  client.write('held for an hour')
  const server = await within(accepting, 'the relay to connect')
  await until(() => relay.stats().bytesUp > 0, 'the relay to have read it')
  await within(relay.stop({ grace: 0 }), 'the relay to stop')
  const { got, end } = await readOut(server)
  t.is(end, 'ECONNRESET')
  t.is(got.length, 0)
})

test('an answer that a fault still holds, of a relay whose plugins see messages, is cut with a reset too', async (t) => {
  const { port } = await serve(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nlasts until the end')))
  const relay = await relaying(t, {
    http: `0=http://127.0.0.1:${port}`,
    plugins: [latency({ ms: 3_600_000, direction: 'down' }), { plugin: definePlugin({ name: 'looks', description: 'Looks at requests.', setup: () => ({ http: { request: () => {} } }) }), options: {} }],
  })
  const client = await connectTo(t, relay.port)
  client.write('GET / HTTP/1.1\r\nHost: t\r\n\r\n')
  await until(() => relay.stats().bytesDown > 0, 'the answer')
  client.socket.pause()
  await within(relay.stop({ grace: 0 }), 'the relay to stop')
  client.socket.resume()
  t.is(await client.over(), 'ECONNRESET')
})
