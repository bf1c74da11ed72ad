import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { once } from 'node:events'
import test from 'ava'
import { noop } from 'wiretape/faults'
import { resetBehind } from '../../src/relay/ending.js'
import { resetSocket } from '../../src/relay/reset-socket.js'
import { until, within } from '../real/deadline.js'
import { connectTo, peerServer } from '../real/peer.js'
import { relaying } from '../real/relaying.js'

for (const [how, plugins] of [['as they come', []], ['through stages', [noop(), noop()]]] as const) {
  test(`clients that close and then reset in the middle of an answer leave no connection behind, bytes ${how}`, async (t) => {
    const body = Buffer.alloc(256 * 1024)
    const server = createServer((_, response) => response.end(body))
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    const relay = await relaying(t, { tcp: `0=127.0.0.1:${(server.address() as AddressInfo).port}`, plugins })
    const fetchPart = async (): Promise<void> => {
      const socket = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true })
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20))
      await once(socket, 'readable')
      socket.end()
      socket.destroy()
      await once(socket, 'close')
    }
    for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, fetchPart))
    await until(() => relay.connections().length === 0, 'all connections to be gone')
    t.is(relay.stats().connections, 200)
  })
}

test('a socket that is ended, reset and destroyed in one breath tells its close', async (t) => {
  const server = await peerServer(t)
  const { socket } = await connectTo(t, server.port)
  const peer = await server.next()
  socket.write('last words')
  socket.end()
  resetSocket(socket)
  socket.destroy()
  await within(once(socket, 'close'), 'the close')
  t.is((await peer.take(10)).toString(), 'last words')
  t.not(await peer.over(), null)
})

test('what was written goes out before the reset', async (t) => {
  const server = await peerServer(t)
  const { socket } = await connectTo(t, server.port)
  const peer = await server.next()
  socket.write('last words')
  resetSocket(socket)
  t.is((await peer.take(10)).toString(), 'last words')
  t.true(await peer.over() === 'ECONNRESET' || resetBehind(peer.socket) !== null)
})

test('a peer that does not read is not waited for', async (t) => {
  const server = await peerServer(t)
  const { socket } = await connectTo(t, server.port)
  const peer = await server.next()
  peer.socket.pause()
  socket.write(Buffer.alloc(20_000_000))
  resetSocket(socket)
  await within(once(socket, 'close'), 'the close')
  peer.socket.resume()
  t.true(await peer.over() === 'ECONNRESET' || resetBehind(peer.socket) !== null)
})
