import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { definePlugin, respond } from 'wiretape'
import type { Relay } from 'wiretape'
import { until, within } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { howItEndsForPython } from '../real/how-it-ends.js'
import { installed } from '../real/installed.js'
import { http, httpOrigin } from '../real/http-origin.js'
import { connectTo, peerServer, serve } from '../real/peer.js'
import { run, start } from '../real/program.js'
import { onlyConnection, onlyExchange, relaying, taping, textOf } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const look = http('look', { request: () => {}, response: () => {} })
const get1 = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

async function settled(relay: Relay): Promise<void> {
  await until(() => relay.stats().open === 0, 'every connection to be over')
}

test('2,000 requests on one connection, and nothing piles up', async (t) => {
  const server = await httpOrigin(t, (_request, response) => void response.end('ok'))
  const tape = await taping(t, { http: server.target, plugins: [look] })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (let n = 0; n < 2000; n++) {
    await new Promise<void>((resolve, reject) => {
      get({ port: tape.port, agent }, (response) => response.resume().on('end', resolve)).on('error', reject)
    })
  }
  agent.destroy()
  const recording = await tape.recorded()
  t.is([...recording.connections()].length, 1)
  t.is([...recording.exchanges({ where: 'status = 200 and error is null and not changed' })].length, 2000)
})

test('a dead server resets the client, as without plugins', async (t) => {
  const port = await freePort()
  const tape = await taping(t, { http: `0=http://127.0.0.1:${port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write(get1)
  t.is(await client.over(), 'ECONNRESET')
  const recording = await tape.recorded()
  t.like(onlyConnection(recording), { endReason: 'connect failed', error: `http://127.0.0.1:${port} refused the connection` })
})

test('a reset by the client in the middle of a body is one at the server, at once', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf')
  const served = await server.next()
  await served.through('half')
  client.reset()
  t.is(await served.over(), 'ECONNRESET')
  await settled(tape.relay)
  const recording = await tape.recorded()
  t.is(onlyConnection(recording).endReason, 'client reset')
})

test('a reset by the server in the middle of a response is one at the client', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write(get1)
  const served = await server.next()
  await served.through('\r\n\r\n')
  served.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
  await client.through('half')
  served.reset()
  t.is(await client.over(), 'ECONNRESET')
})

const withPython = installed('python3') ? test : test.skip

withPython('a reset right behind a response that lasts until the close is a reset: half of it must not look whole', async (t) => {
  const { port } = await serve(t, (socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(50_000)}`, () => socket.resetAndDestroy()))
  })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${port}`, plugins: [look] })
  for (let n = 0; n < 8; n++) t.is(await howItEndsForPython(t, tape.port, get1), 'reset')
  const recording = await tape.recorded()
  t.deepEqual(new Set([...recording.connections()].map(({ endReason }) => endReason)), new Set(['server reset']))
})

for (const [what, response] of [['in the middle of a response', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'], ['without a word', '']] as const) {
  test(`a server that closes ${what}: the client gets what there is, and the end`, async (t) => {
    const server = await peerServer(t)
    const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look, http('hold', { responseBody: () => {} })] })
    const client = await connectTo(t, tape.port)
    client.write(get1)
    const served = await server.next()
    await served.through('\r\n\r\n')
    served.write(response).finish()
    t.is((await client.rest()).toString(), response)
    client.finish()
    await client.gone()
    const recording = await tape.recorded()
    t.truthy(onlyExchange(recording).error)
  })
}

test('a client that has asked and closed its side still gets its answer', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look, http('slow', { request: () => sleep(50) })] })
  const client = await connectTo(t, tape.port)
  client.write(get1).finish()
  const served = await server.next()
  await served.through('\r\n\r\n')
  served.write(ok)
  t.is((await client.take(ok.length)).toString(), ok)
  t.is((await served.rest()).length, 0)
  served.finish()
  t.is((await client.rest()).length, 0)
})

test('a body that lasts until the server closes', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write(get1, get1)
  const served = await server.next()
  await served.through('\r\n\r\n')
  served.write('HTTP/1.1 200 OK\r\n\r\nuntil').write(' close').finish()
  t.is((await client.rest()).toString(), 'HTTP/1.1 200 OK\r\n\r\nuntil close')
  client.finish()
  await client.gone()
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ error }) => error === null), [true, false])
})

test('a slow client holds a fast server back', async (t) => {
  let sent = 0
  const { port } = await serve(t, (socket) => {
    const block = Buffer.alloc(1 << 18)
    const more = (): void => { while (sent < 256 << 20) { sent += block.length; if (!socket.write(block)) { socket.once('drain', more); return } } }
    socket.once('data', () => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n'); more() })
  })
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${port}`, plugins: [look] })
  const socket = connect({ port: relay.port, host: '127.0.0.1' })
  t.teardown(() => socket.destroy())
  socket.pause().write(get1)
  await sleep(400)
  t.true(relay.stats().bytesDown < 64 << 20, `${relay.stats().bytesDown} bytes were taken for a client that reads nothing`)
})

test('a slow server holds a fast client back', async (t) => {
  const { port } = await serve(t, (socket) => socket.pause(), '127.0.0.1', { pauseOnConnect: true })
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${port}`, plugins: [look] })
  const socket = connect({ port: relay.port, host: '127.0.0.1' })
  t.teardown(() => socket.destroy())
  socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 268435456\r\n\r\n')
  for (let n = 0; n < 128; n++) socket.write(Buffer.alloc(1 << 20))
  await sleep(400)
  t.true(relay.stats().bytesUp < 64 << 20, `${relay.stats().bytesUp} bytes were taken for a server that reads nothing`)
})

test('stopping waits for an exchange that a plugin takes its time over, and not for an idle connection', async (t) => {
  const server = await httpOrigin(t, (_request, response) => void response.end('ok'))
  let held: () => void = () => {}
  const holding = new Promise<void>((resolve) => { held = resolve })
  let letGo: () => void = () => {}
  const released = new Promise<void>((resolve) => { letGo = resolve })
  const slow = http('slow', {
    response: async (response) => {
      if (response.request.path !== '/slow') return
      held()
      await released
    },
  })
  const tape = await taping(t, { http: server.target, plugins: [slow], grace: 60_000 })
  const idle = await connectTo(t, tape.port)
  idle.write(get1)
  await idle.through('ok')
  const asked = run(t, 'curl', ['-s', `http://127.0.0.1:${tape.port}/slow`])
  await within(holding, 'the plugin to have the response')
  const stopped = tape.recorded()
  t.is(await idle.over(), 'end')
  t.is(tape.relay.stats().open, 1)
  letGo()
  const recording = await stopped
  t.is((await asked).stdout.toString(), 'ok')
  t.is([...recording.exchanges({ where: 'status = 200 and error is null' })].length, 2)
})

test('an idle connection is closed when its time is up', async (t) => {
  const server = await httpOrigin(t)
  const relay = await relaying(t, { http: server.target, plugins: [look], idleTimeout: 1000 })
  const client = await connectTo(t, relay.port)
  client.write(get1)
  await client.through('}')
  await client.over()
  await settled(relay)
  t.is(relay.stats().open, 0)
})

test('Host is rewritten on this path too', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, rewriteHost: true, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nx-a:1\r\nhOST:\tb.example \r\n\r\n')
  const expected = `GET / HTTP/1.1\r\nx-a:1\r\nhOST:\t127.0.0.1:${server.port} \r\n\r\n`
  const served = await server.next()
  t.is((await served.take(expected.length)).toString(), expected)
  client.finish()
  await served.over()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  t.is(await textOf(recording.message(onlyExchange(recording).id, 'request', 'sent')), expected)
})

test('stream stages stand behind the messages, in tunnels too', async (t) => {
  const server = await peerServer(t)
  const upper = definePlugin({
    name: 'upper', description: '',
    setup: () => ({ stream: ({ direction }) => direction === 'up' ? async function* (chunks) { for await (const chunk of chunks) yield chunk.toString().toUpperCase() } : undefined }),
  })
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [http('add', { request: (request) => request.headers.set('x-a', 'b') }), upper] })
  const client = await connectTo(t, relay.port)
  client.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')
  const served = await server.next()
  t.is(await served.through('\r\n\r\n'), 'CONNECT A:1 HTTP/1.1\r\nHOST: A\r\nX-A: B\r\n\r\n')
  served.write('HTTP/1.1 200 OK\r\n\r\n')
  await client.through('\r\n\r\n')
  client.write('tunnel')
  t.is((await served.take(6)).toString(), 'TUNNEL')
})

test('python3: http.server behind a plugin that answers some of it', async (t) => {
  const folder = temporaryFolder(t)
  const port = await freePort()
  start(t, 'python3', ['-m', 'http.server', '--bind', '127.0.0.1', '--directory', folder, String(port)])
  await until(() => new Promise<boolean>((resolve) => {
    connect(port, '127.0.0.1').on('connect', function (this: { destroy(): void }) { this.destroy(); resolve(true) }).on('error', () => resolve(false))
  }), 'python\'s server to listen')
  const mock = http('mock', { request: (request) => request.path === '/mock' ? respond({ body: 'mock' }) : undefined })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${port}`, plugins: [mock] })
  const url = `http://127.0.0.1:${tape.port}`
  const { stdout } = await run(t, 'curl', ['-s', '-o', '/dev/null', '-w', '%{http_code} ', `${url}/mock`, '--next', '-s', '-o', '/dev/null', '-w', '%{http_code} ', `${url}/none`, '--next', '-s', `${url}/mock`])
  t.is(stdout.toString(), '200 404 mock')
})

test('a head that never gets whole goes nowhere, and is recorded so', async (t) => {
  const server = await httpOrigin(t)
  const tape = await taping(t, { http: server.target, plugins: [look] })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: cu').finish()
  t.is((await client.rest()).length, 0)
  const recording = await tape.recorded()
  t.is(server.served(), 0)
  t.is(await textOf(recording.stream(onlyConnection(recording).id, 'up')), 'GET / HTTP/1.1\r\nHost: cu')
  t.is(await textOf(recording.stream(onlyConnection(recording).id, 'up', 'sent')), '')
})

test('a client that is torn down while its next requests wait is noticed', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [look] })
  const client = await connectTo(t, relay.port)
  client.write(get1, get1, get1)
  const served = await server.next()
  await served.through('\r\n\r\n')
  await sleep(50)
  client.reset()
  t.is(await served.over(), 'ECONNRESET')
  await settled(relay)
  t.is(relay.stats().open, 0)
})

test('a last answer goes to a reader that takes its time, whole', async (t) => {
  const { port } = await relaying(t, { http: '0=http://127.0.0.1:9', plugins: [http('big', { request: () => respond({ headers: { Connection: 'close' }, body: Buffer.alloc(30_000_000) }) })] })
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.end(get1)
  await sleep(1500)
  let size = 0
  for await (const chunk of client) size += (chunk as Buffer).length
  t.true(size > 30_000_000, `${size} bytes`)
})
