import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { definePlugin } from 'wiretape'
import type { Fault } from 'wiretape'
import { httpError, latency, limitData, stallBody } from 'wiretape/faults'
import { selfSigned } from '../real/certificate.js'
import { cutAt } from '../real/chunking.js'
import { settled, until } from '../real/deadline.js'
import { http } from '../real/http-origin.js'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { bytesOf, onlyConnection, relaying, taping, textOf } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/*
 * An HTTP connection that came while no plugin listened to messages is a pipe. Where one comes later, it is handed over to the path that
 * carries messages, between two exchanges.
 */

async function origin(t: ExecutionContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  // Longer than a busy machine takes from one request to the next.
  server.keepAliveTimeout = 600_000
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const hello: RequestListener = (request, response) => response.end(`hello ${request.headers.host} ${request.url}`)

/** Asks on one connection, and reads one answer with a length. */
function asking(client: Peer): (path: string) => Promise<string> {
  return async (path) => {
    client.write(`GET ${path} HTTP/1.1\r\nhost:  x\r\n\r\n`)
    const head = await client.through('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(head)![1])
    return `${head.slice(9, 12)} ${(await client.take(length)).toString()}`
  }
}

for (const rewriteHost of [false, true]) {
  test(`a fault of messages comes and goes on a connection that is open, and nothing else is changed${rewriteHost ? ', Host rewritten' : ''}`, async (t) => {
    const target = await origin(t, hello)
    const { relay, port, recorded } = await taping(t, { http: `0=${target}`, rewriteHost })
    const client = await connectTo(t, port)
    const ask = asking(client)
    const host = rewriteHost ? target.slice(7) : 'x'
    t.is(await ask('/1'), `200 hello ${host} /1`)
    const [{ id } = { id: 0 }] = relay.connections()
    await relay.with(httpError({ status: 503, body: 'injected' }), async () => {
      t.is(await ask('/2'), '503 injected')
      t.is(await ask('/3'), '503 injected')
    })
    t.is(await ask('/4'), `200 hello ${host} /4`)
    t.is(relay.stats().connections, 1)
    t.deepEqual(relay.connections().map((connection) => connection.id), [id])
    t.deepEqual(relay.journal().map(({ fault, kind, message }) => ({ fault, kind, message })), [
      { fault: 'http-error', kind: 'answered', message: 1 }, { fault: 'http-error', kind: 'answered', message: 2 },
    ])
    client.finish()
    t.is((await client.rest()).length, 0)
    const recording = await recorded()
    t.deepEqual([...recording.exchanges()].map(({ path, status, changed, error }) => ({ path, status, changed, error })), [
      { path: '/1', status: 200, changed: rewriteHost, error: null }, { path: '/2', status: 503, changed: true, error: null },
      { path: '/3', status: 503, changed: true, error: null }, { path: '/4', status: 200, changed: rewriteHost, error: null },
    ])
    t.is(onlyConnection(recording).endReason, 'client closed')
  })
}

test('an agent that keeps its connection gets a fault that comes between two of its requests', async (t) => {
  const relay = await relaying(t, { http: `0=${await origin(t, hello)}` })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const ask = async (): Promise<number> => {
    const asked = get({ agent, port: relay.port, host: '127.0.0.1', path: '/' })
    const [response] = await once(asked, 'response')
    await text(response)
    return response.statusCode
  }
  t.is(await ask(), 200)
  const fault = relay.inject(httpError({ status: 418 }))
  t.is(await ask(), 418)
  fault.remove()
  t.is(await ask(), 200)
  t.is(relay.stats().connections, 1)
})

test('to a server over TLS', async (t) => {
  const server = createSecureServer(selfSigned(temporaryFolder(t)), hello).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 600_000
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const relay = await relaying(t, { http: `0=https://127.0.0.1:${(server.address() as AddressInfo).port}`, insecure: true })
  const ask = asking(await connectTo(t, relay.port))
  t.is(await ask('/1'), '200 hello x /1')
  relay.inject(httpError({ path: '/2', status: 500, body: 'no' }))
  t.is(await ask('/2'), '500 no')
  t.is(await ask('/3'), '200 hello x /3')
  t.is(relay.stats().connections, 1)
})

test('where it was asked not to, a fault of messages begins with the next connection', async (t) => {
  const relay = await relaying(t, { http: `0=${await origin(t, hello)}`, injectable: false })
  const ask = asking(await connectTo(t, relay.port))
  t.is(await ask('/1'), '200 hello x /1')
  relay.inject(httpError({ status: 500, body: 'no' }))
  t.is(await ask('/2'), '200 hello x /2')
  t.is(await asking(await connectTo(t, relay.port))('/3'), '500 no')
})

test('what is under way goes on to its end: a request, a response, and requests sent in one go', async (t) => {
  const server = await peerServer(t)
  const { relay, port, recorded } = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, port)
  client.write('POST /1 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 18\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  relay.inject(httpError({ status: 503, body: 'injected' }))
  served.write('HTTP/1.1 100 Continue\r\n\r\n')
  await client.through('\r\n\r\n')
  // A body that reads like the next request.
  client.write('GET / HTTP/1.1\r\n\r\n')
  t.is((await served.take(18)).toString(), 'GET / HTTP/1.1\r\n\r\n')
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'
  served.write(`${head}on`)
  t.is((await client.take(head.length + 2)).toString(), `${head}on`)
  // In the middle of the response, two more.
  client.write('GET /2 HTTP/1.1\r\nHost: h\r\n\r\n', 'GET /3 HTTP/1.1\r\nHost: h\r\n\r\n')
  await served.through('GET /3 HTTP/1.1\r\nHost: h\r\n\r\n')
  served.write(`ce${head}two.${head}thre`)
  t.is((await client.take(2 + head.length * 2 + 8)).toString(), `ce${head}two.${head}thre`)
  client.write('GET /4 HTTP/1.1\r\nHost: h\r\n\r\n')
  t.regex(await client.through('injected'), /^HTTP\/1.1 503 /)
  client.finish()
  served.finish()
  await client.over()
  t.deepEqual([...(await recorded()).exchanges()].map(({ path, status, changed }) => ({ path, status, changed })), [
    { path: '/1', status: 200, changed: false }, { path: '/2', status: 200, changed: false }, { path: '/3', status: 200, changed: false }, { path: '/4', status: 503, changed: true },
  ])
})

for (const [name, asked, answered] of [
  ['CONNECT', 'CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['101', 'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
] as const) {
  test(`what goes through a tunnel isn't read, whatever it looks like: ${name}`, async (t) => {
    const server = await peerServer(t)
    const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}` })
    const client = await connectTo(t, relay.port)
    client.write(asked)
    const served = await server.next()
    await served.through('\r\n\r\n')
    served.write(answered)
    await client.through('\r\n\r\n')
    relay.inject(httpError())
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    t.is(await served.through('\r\n\r\n'), 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    served.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    await client.through('\r\n\r\n')
    t.deepEqual(relay.journal(), [])
  })
}

test('faults of bytes that stand there already go on where they were', async (t) => {
  const relay = await relaying(t, { http: `0=${await origin(t, hello)}` })
  const client = await connectTo(t, relay.port)
  const ask = asking(client)
  t.is(await ask('/1'), '200 hello x /1')
  relay.inject(latency({ ms: 1, direction: 'both' }))
  const limit = relay.inject(limitData({ bytes: 1_000_000, direction: 'down' }))
  t.is(await ask('/2'), '200 hello x /2')
  t.is(await ask('/3'), '200 hello x /3')
  const error = relay.inject(httpError({ status: 503, body: 'injected' }))
  t.is(await ask('/4'), '503 injected')
  error.remove()
  // It has counted two answers more than those that came with this connection's new path.
  const before = relay.connections()[0]!.bytesDown
  limit.change({ bytes: 50 })
  client.write('GET /5 HTTP/1.1\r\nhost: x\r\n\r\n')
  await client.over()
  t.is(client.takeAll().length, 0)
  t.true(before > 50)
})

for (const direction of ['up', 'down'] as const) {
  test(`a fault of bytes that went just before leaves nothing in the way: ${direction}`, async (t) => {
    const relay = await relaying(t, { http: `0=${await origin(t, hello)}` })
    for (const turns of [0, 1, 2, 30]) {
      const ask = asking(await connectTo(t, relay.port))
      await ask('/1')
      await relay.with(latency({ ms: 1, direction }), async () => { await ask('/2') })
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => { setImmediate(resolve) })
      const fault = relay.inject(httpError({ path: '/no' }))
      t.is(await ask('/3'), '200 hello x /3')
      t.is(await ask('/4'), '200 hello x /4')
      fault.remove()
    }
  })
}

test('a client that sends without end to a server that does not read is stopped after the hand-over too', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, relay.port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  served.socket.pause()
  served.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  await client.through('\r\n\r\n')
  relay.inject(httpError({ path: '/no' }))
  const size = 60_000_000
  client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`, Buffer.alloc(size))
  const taken = await settled(() => relay.stats().bytesUp)
  t.true(taken < size / 2, `${taken} bytes`)
})

test('what a stage changes after the hand-over is told as something that the recording does not have', async (t) => {
  const server = await peerServer(t)
  const { relay, port, recorded } = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const shout = definePlugin({ name: 'shout', description: 'In capitals.', setup: () => ({
    stream: ({ direction }) => direction === 'up' ? undefined : async function* (chunks) {
      for await (const chunk of chunks) yield Buffer.from(chunk.toString('latin1').replace('hello', 'HELLO'))
    },
  }) })
  relay.inject(shout)
  const client = await connectTo(t, port)
  let first: Peer | null = null
  for (const path of ['/1', '/2', '/3']) {
    if (path === '/2') relay.inject(httpError({ path: '/no' }))
    client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)
    const served: Peer = first ?? await server.next()
    first = served
    await served.through('\r\n\r\n')
    served.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
    t.regex(await client.through('HELLO'), /200 OK/)
  }
  t.deepEqual(relay.journal().map(({ text }) => text), [
    'stream: changed what goes down from here on', 'stream: changed what goes down from here on, which the recording has as it was before',
  ])
  client.finish()
  t.deepEqual([...(await recorded()).exchanges()].map(({ changed }) => changed), [true, false, false])
})

test('large answers to a slow reader, before and after: every byte once', async (t) => {
  const body = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789')
  const relay = await relaying(t, { http: `0=${await origin(t, (_, response) => response.end(body))}` })
  const client = await connectTo(t, relay.port)
  const read = async (): Promise<string> => {
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await client.through('\r\n\r\n')
    client.socket.pause()
    await new Promise((resolve) => { setTimeout(resolve, 50) })
    client.socket.resume()
    return createHash('sha256').update(await client.take(body.length)).digest('hex')
  }
  const expected = createHash('sha256').update(body).digest('hex')
  t.is(await read(), expected)
  relay.inject(stallBody({ ms: 20, after: 1_000_000 }))
  t.is(await read(), expected)
  t.is(await read(), expected)
  t.true(relay.journal().length >= 2)
  t.is(relay.stats().connections, 1)
})

test('between exchanges a stop closes it at once', async (t) => {
  const relay = await relaying(t, { http: `0=${await origin(t, hello)}`, grace: 60_000 })
  const client = await connectTo(t, relay.port)
  const ask = asking(client)
  await ask('/1')
  relay.inject(httpError({ path: '/no' }))
  t.is(await ask('/2'), '200 hello x /2')
  await relay.stop()
  t.is(relay.stats().open, 0)
  await client.over()
})

const exchanges: readonly (readonly [request: string, response: string])[] = [
  ['GET /a?b HTTP/1.1\r\nhOST:   h\t\r\nx-LAST:first\r\n\r\n', 'HTTP/1.1 200   Fine  \r\nX-B:2\r\nCONTENT-length: 2\r\n\r\nok'],
  ['POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0;last\r\nX-Sum: 5\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;x\r\n0123456789\r\n00\r\n\r\n'],
  ['\r\nPUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nGET / HTTP/1', 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n'],
  ['HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n'],
  ['GET /last HTTP/1.1\r\nHost: h\r\n\r\n', 'HTTP/1.1 204 Nothing\r\n\r\n'],
]

test('whenever a plugin comes, and however all is cut, every byte goes on once and the recording is the same', async (t) => {
  const server = await peerServer(t)
  const { relay, port, recorded } = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const looking = http('looking', { request: () => {}, response: () => {} })
  let runs = 0
  await fc.assert(fc.asyncProperty(
    fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }), fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }), fc.integer({ min: 0, max: 30 }),
    async (up, down, when) => {
      runs++
      const client = await connectTo(t, port)
      let steps = 0
      const faults: Fault[] = []
      const send = async (from: Peer, to: Peer, what: string, places: readonly number[]): Promise<void> => {
        for (const piece of cutAt(Buffer.from(what, 'latin1'), places.filter((place) => place < what.length))) {
          if (steps++ === when) faults.push(relay.inject(looking))
          from.write(piece)
          await new Promise((resolve) => { setImmediate(resolve) })
        }
        const arrived = (await to.take(what.length)).toString('latin1')
        if (arrived !== what) throw new Error(`arrived as ${JSON.stringify(arrived)}`)
      }
      const served = await server.next()
      for (const [request, response] of exchanges) {
        await send(client, served, request, up)
        await send(served, client, response, down)
      }
      client.finish()
      if ((await served.rest()).length > 0) throw new Error('more than was sent')
      served.finish()
      if ((await client.rest()).length > 0) throw new Error('more than was answered')
      await client.gone()
      for (const fault of faults) fault.remove()
    }), { numRuns: 40 })
  await until(() => relay.stats().open === 0, 'the connections to end')
  const recording = await recorded()
  const connections = [...recording.connections()]
  t.is(connections.length, runs)
  t.is([...recording.exchanges({ where: 'changed or error is not null' })].length, 0)
  t.is([...recording.exchanges()].length, runs * exchanges.length)
  for (const { id, endReason } of connections.slice(0, 5)) {
    t.is(endReason, 'client closed')
    t.is(await textOf(recording.stream(id, 'up')), exchanges.map(([request]) => request).join(''))
    t.is((await bytesOf(recording.stream(id, 'down'))).toString('latin1'), exchanges.map(([, response]) => response).join(''))
  }
})
