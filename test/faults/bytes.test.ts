import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { definePlugin } from 'wiretape'
import type { Relay } from 'wiretape'
import { bandwidth, corrupt, latency, limitData, noop, resetPeer, slicer, slowClose, stall, timeout } from 'wiretape/faults'
import type { ShippedFault } from 'wiretape/faults'
import { connectTo, echoServer, peerServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { until } from '../real/deadline.js'
import { relaying, taping } from '../real/relaying.js'

const body = Buffer.alloc(100_000, 'wiretape ')

/** A web server with one page, and a relay of bytes before it. */
async function web(t: ExecutionContext, plugins: readonly ShippedFault[]): Promise<Relay> {
  const server = createServer((_, response) => response.end(body))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return relaying(t, { tcp: `0=127.0.0.1:${(server.address() as AddressInfo).port}`, plugins, seed: 7 })
}

async function curl(t: ExecutionContext, relay: Relay): Promise<{ code: number | null, body: Buffer, seconds: number }> {
  const { code, stdout, stderr } = await run(t, 'curl', ['-s', '-w', '%{stderr}%{time_total}', `http://127.0.0.1:${relay.port}/`])
  return { code, body: stdout, seconds: Number(stderr) }
}

/** What the faults say that they did, without times. */
function told(relay: Relay): string[] {
  return relay.journal().filter(({ kind }) => kind.startsWith('fault')).map(({ fault, text, direction, bytes, delayMs }) =>
    [fault, text.replace('stream: ', ''), direction, ...bytes === null ? [] : [`${bytes} B`], ...delayMs === null ? [] : [`${delayMs} ms`]].join(' · '))
}

test('curl: latency in one direction is waited out, and nothing is changed', async (t) => {
  const relay = await web(t, [latency({ ms: 300, direction: 'down' })])
  const { code, body: got, seconds } = await curl(t, relay)
  t.is(code, 0)
  t.true(got.equals(body))
  t.true(seconds >= 0.3, `${seconds} s`)
  t.regex(told(relay)[0]!, /^latency · held back · down · \d+ B · 300 ms$/)
})

test('latency holds each chunk back from when it came: two at once come together, and two faults add up', async (t) => {
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [latency({ ms: 150, direction: 'up' }), latency({ ms: 150, direction: 'up' })] })
  const peer = await connectTo(t, port)
  const chunks = Array.from({ length: 200 }, (_, n) => `${n}\n`)
  let written = 0
  for (const chunk of chunks) {
    await sleep(5)
    written = performance.now()
    peer.write(chunk)
  }
  t.is(await peer.through('199\n'), chunks.join(''))
  const took = performance.now() - written
  t.true(took >= 299, `${took}`)
  // Held back one after the other it would be a minute.
  t.true(took < 20_000, `${took}`)
})

test('latency with jitter: every wait is within its bounds, and no chunk overtakes another', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [latency({ ms: 20, jitter: 20, direction: 'up' })] })
  const peer = await connectTo(t, relay.port)
  for (let i = 0; i < 50; i++) {
    peer.write(`${i}\n`)
    await sleep(1)
  }
  peer.finish()
  t.is((await peer.rest()).toString(), Array.from({ length: 50 }, (_, i) => `${i}\n`).join(''))
  await relay.stop()
  const [first] = relay.journal()
  t.true(first!.delayMs! >= 0 && first!.delayMs! < 40)
})

test('curl: bandwidth takes its time, and a lower rate trickles', async (t) => {
  const relay = await web(t, [bandwidth({ rate: 200, direction: 'down' })])
  const { code, body: got, seconds } = await curl(t, relay)
  t.is(code, 0)
  t.true(got.equals(body))
  t.true(seconds >= 0.49, `${seconds} s`)
})

test('curl: the bandwidth of a relay is shared by its connections', async (t) => {
  const relay = await web(t, [bandwidth({ rate: 200, direction: 'down', scope: 'relay' })])
  // From before both: one may be over before the other has begun.
  const start = performance.now()
  const both = await Promise.all([curl(t, relay), curl(t, relay)])
  t.true(performance.now() - start >= 980)
  t.true(both.every(({ body: got }) => got.equals(body)))
})

test('bandwidth 0 blocks; taken out, all goes on', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const fault = relay.inject(bandwidth({ rate: 0 }))
  const peer = await connectTo(t, relay.port)
  peer.write('held')
  await sleep(100)
  t.is(peer.unread, 0)
  fault.remove()
  t.is((await peer.take(4)).toString(), 'held')
})

test('slow-close holds the end back and nothing else', async (t) => {
  const server = await peerServer(t)
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [slowClose({ delay: 300 })] })
  const client = await connectTo(t, port)
  const start = performance.now()
  client.write('all there is').finish()
  const peer = await server.next()
  t.is((await peer.take(12)).toString(), 'all there is')
  t.is(peer.ending, null)
  await peer.over()
  t.true(performance.now() - start >= 299)
})

test('curl: timeout lets nothing through and then closes (52, an empty reply)', async (t) => {
  const relay = await web(t, [timeout({ ms: 200, direction: 'down' })])
  const { code, seconds } = await curl(t, relay)
  t.is(code, 52)
  t.true(seconds >= 0.2)
  t.true(told(relay).some((line) => line === 'timeout · closed the connection · down · 200 ms'), told(relay).join('\n'))
})

test('timeout closes a connection on which nothing is said', async (t) => {
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [timeout({ ms: 100 })] })
  t.is(await (await connectTo(t, port)).over(), 'end')
})

test('timeout 0 is for ever; changed it stays, and taken out it closes the connection', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const fault = relay.inject(timeout())
  const peer = await connectTo(t, relay.port)
  peer.write('lost')
  await sleep(50)
  fault.change({ ms: 3_600_000 })
  peer.write('lost too')
  await sleep(50)
  t.is(peer.ending, null)
  fault.remove()
  t.is(await peer.over(), 'end')
  t.is(peer.unread, 0)
})

test('curl: reset-peer is a real reset (56, failure in receiving)', async (t) => {
  const relay = await web(t, [resetPeer({ direction: 'down' })])
  t.is((await curl(t, relay)).code, 56)
  t.regex(told(relay).join('\n'), /^reset-peer · reset the connection · down · \d+ B · 0 ms$/)
})

test('python3: reset-peer is a ConnectionResetError, also on a connection that was open before', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const peer = await connectTo(t, relay.port)
  peer.write('hello')
  await peer.take(5)
  relay.inject(resetPeer({ direction: 'up' }))
  peer.write('more')
  t.is(await peer.over(), 'ECONNRESET')
  const { stdout } = await run(t, 'python3', ['-c', `
import socket
s = socket.create_connection(('127.0.0.1', ${relay.port}))
s.sendall(b'hello')
try: print(s.recv(10))
except ConnectionResetError as e: print(type(e).__name__)`])
  t.is(stdout.toString().trim(), 'ConnectionResetError')
})

test('reset-peer resets the server too, after its time', async (t) => {
  const server = await peerServer(t)
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [resetPeer({ ms: 200, direction: 'up' })] })
  const client = await connectTo(t, port)
  const start = performance.now()
  client.write('x')
  const peer = await server.next()
  t.is(await peer.over(), 'ECONNRESET')
  t.is(await client.over(), 'ECONNRESET')
  t.true(performance.now() - start >= 199)
})

test('slicer: pieces are of the size or smaller, and the bytes the same', async (t) => {
  const server = await peerServer(t)
  const sizes: number[] = []
  // What reads them from a socket can find several at once.
  const measure = definePlugin({
    name: 'measure', description: '', setup: () => ({
      stream: ({ direction }) => direction === 'down' ? undefined : async function* (chunks) {
        for await (const chunk of chunks) {
          sizes.push(chunk.length)
          yield chunk
        }
      },
    }),
  })
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [slicer({ size: 100, variation: 20, delay: 5_000, direction: 'up' }), measure] })
  const client = await connectTo(t, port)
  const peer = await server.next()
  client.write(body.subarray(0, 1000)).finish()
  t.true((await peer.rest()).equals(body.subarray(0, 1000)))
  t.true(sizes.length >= 9 && sizes.every((size) => size <= 120), sizes.join(' '))
})

test('curl: limit-data lets exactly so many bytes pass (18, a partial file), and closes on an exact hit', async (t) => {
  const relay = await web(t, [limitData({ bytes: 50_000, direction: 'down' })])
  const { code, body: got } = await curl(t, relay)
  t.is(code, 18)
  t.true(got.length > 49_000 && got.length < 50_000 && got.equals(body.subarray(0, got.length)))
  const exact = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [limitData({ bytes: 5, direction: 'down' })] })
  const peer = await connectTo(t, exact.port)
  peer.write('12345')
  t.is((await peer.rest()).toString(), '12345')
})

test('limit-data counts on when its limit is changed', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const fault = relay.inject(limitData({ bytes: 100, direction: 'up' }))
  const client = await connectTo(t, relay.port)
  const peer = await server.next()
  client.write('123456')
  t.is((await peer.take(6)).toString(), '123456')
  fault.change({ bytes: 10 })
  client.write('7890abc')
  t.is((await peer.rest()).toString(), '7890')
  t.is(await client.over(), 'end')
})

test('limit-data before latency: what was let through arrives before the connection is closed', async (t) => {
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [limitData({ bytes: 4, direction: 'down' }), latency({ ms: 200, direction: 'down' })] })
  const peer = await connectTo(t, port)
  peer.write('12345678')
  t.is((await peer.rest()).toString(), '1234')
})

test('noop changes nothing and tells nothing', async (t) => {
  const relay = await web(t, [noop(), noop()])
  t.true((await curl(t, relay)).body.equals(body))
  t.deepEqual(relay.journal(), [])
})

test('corrupt at a rate that no double tells from 0 leaves everything as it is', async (t) => {
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [corrupt({ rate: 1e-20 })] })
  const peer = await connectTo(t, port)
  t.true((await peer.write(body).take(body.length)).equals(body))
})

test('corrupt flips one bit in some bytes: the same ones with the same seed, however the bytes come', async (t) => {
  const send = async (pieces: number): Promise<Buffer> => {
    const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [corrupt({ rate: 0.01, direction: 'up' })], seed: 3 })
    const peer = await connectTo(t, port)
    const size = body.length / pieces
    for (let at = 0; at < body.length; at += size) {
      peer.write(body.subarray(at, at + size))
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    peer.finish()
    return peer.rest()
  }
  const once = await send(1)
  t.true(once.equals(await send(50)))
  let hit = 0
  for (const [at, byte] of once.entries()) {
    const difference = byte ^ body[at]!
    if (difference === 0) continue
    hit++
    t.is(difference & (difference - 1), 0)
  }
  // 1,000 expected: six standard deviations.
  t.true(hit > 810 && hit < 1190, `${hit}`)
})

test('stall stops after so many bytes, once, and goes on', async (t) => {
  const server = await peerServer(t)
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${server.port}`, plugins: [stall({ at: 4, ms: 300, direction: 'up' })] })
  const client = await connectTo(t, port)
  const start = performance.now()
  client.write('12345678')
  const peer = await server.next()
  t.is((await peer.take(4)).toString(), '1234')
  t.is((await peer.take(4)).toString(), '5678')
  t.true(performance.now() - start >= 299)
})

test('stall stops once, also where its place is changed while it holds something', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${server.port}` })
  const fault = relay.inject(stall({ at: 4, ms: 3_600_000, direction: 'up' }))
  const client = await connectTo(t, relay.port)
  client.write('12345678')
  const peer = await server.next()
  t.is((await peer.take(4)).toString(), '1234')
  fault.change({ at: 10 })
  t.is((await peer.take(4)).toString(), '5678')
  client.write('90123').finish()
  t.is((await peer.rest()).toString(), '90123')
  t.is(relay.journal().filter(({ kind }) => kind === 'fault').length, 1)
})

test('share draws by connection, every counts them, client and protocol match', async (t) => {
  const outcome = async (fault: ShippedFault): Promise<string> => {
    const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [fault], seed: 11 })
    let all = ''
    for (let i = 0; i < 12; i++) {
      const peer = await connectTo(t, port)
      peer.write('x')
      peer.finish()
      all += await peer.over() === 'ECONNRESET' ? 'R' : '.'
    }
    return all
  }
  const half = await outcome(resetPeer({ share: 0.5, direction: 'up' }))
  t.regex(half, /R/)
  t.regex(half, /\./)
  t.is(await outcome(resetPeer({ share: 0.5, direction: 'up' })), half)
  t.is(await outcome(resetPeer({ share: 0 })), '............')
  t.is(await outcome(resetPeer({ every: 3, direction: 'up' })), '..R..R..R..R')
  t.is(await outcome(resetPeer({ client: '127.0.0.2' })), '............')
  t.is(await outcome(resetPeer({ client: '127.0.0.1' })), 'RRRRRRRRRRRR')
  t.is(await outcome(resetPeer({ protocol: 'ftp' })), '............')
})

test('the same seed and the same traffic give the same journal', async (t) => {
  const faults = [latency({ ms: 5, jitter: 5 }), corrupt({ rate: 0.2 }), limitData({ bytes: 60, direction: 'down', share: 0.5 }), slicer({ size: 3, variation: 2 })]
  const journal = async (seed: number): Promise<{ lines: string[], bytes: string }> => {
    const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: faults, seed })
    const digest = createHash('sha256')
    for (let connection = 0; connection < 4; connection++) {
      const peer = await connectTo(t, relay.port)
      let length = 0
      for (let i = 0; i < 8; i++) {
        peer.write('0123456789')
        length += 10
        await peer.atLeast(Math.min(length, 60))
      }
      peer.finish()
      await peer.over()
      digest.update(peer.takeAll())
    }
    await relay.stop()
    const lines = relay.journal().map(({ fault, parameters, kind, text, connection, direction, bytes, delayMs }) => JSON.stringify([fault, parameters, kind, text, connection, direction, bytes, delayMs]))
    return { lines: lines.toSorted(), bytes: digest.digest('hex') }
  }
  const first = await journal(42)
  t.true(first.lines.length > 20)
  t.deepEqual(await journal(42), first)
  t.notDeepEqual(await journal(43), first)
})

test('of several faults on a stream only those that change bytes are told as changing them, with their options', async (t) => {
  const { relay, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, seed: 3 })
  relay.inject(latency({ ms: 1, direction: 'up' }))
  const first = relay.inject(corrupt({ rate: 1, direction: 'up' }))
  relay.inject(slicer({ size: 3, direction: 'up' }))
  const holding = relay.inject(latency({ ms: 3_600_000, direction: 'up' }))
  const peer = await connectTo(t, relay.port)
  const changed = (): string[] => relay.journal().filter(({ kind }) => kind === 'changed').map(({ fault, parameters, hook, direction }) => `${fault} ${parameters} ${hook} ${direction}`)
  peer.write('hello world')
  await until(() => relay.journal().some(({ parameters, kind }) => kind === 'fault' && parameters?.startsWith('latency:ms=3600000') === true), 'the bytes to be held')
  t.deepEqual(changed(), [])
  // Its bytes are still on their way when it is gone.
  first.remove()
  holding.remove()
  t.is((await peer.take(11)).length, 11)
  t.deepEqual(changed(), ['corrupt corrupt:rate=1,direction=up stream up'])
  relay.inject(limitData({ bytes: 4, direction: 'up' }), { name: 'short' })
  peer.write('and more')
  await peer.over()
  const all = ['corrupt corrupt:rate=1,direction=up stream up', 'short limit-data:bytes=4,direction=up stream up']
  t.deepEqual(changed(), all)
  const events = [...(await recorded()).events({ where: `kind = 'changed'` })]
  t.deepEqual(events.map(({ source, parameters, hook, direction }) => `${source} ${parameters} ${hook} ${direction}`), all)
})

test('who writes into what he was given is told as changing it, wherever he stands, and those beside him aren\'t', async (t) => {
  const { relay } = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const writer = definePlugin({
    name: 'writer', description: 'writes in place', setup: () => ({
      stream: ({ direction }) => direction === 'down' ? undefined : async function* (chunks) {
        for await (const chunk of chunks) {
          chunk[0] = 0x78
          yield chunk
        }
      },
    }),
  })
  relay.inject(noop({ direction: 'up' }), { name: 'before' })
  relay.inject(writer)
  relay.inject(noop({ direction: 'up' }), { name: 'after' })
  const peer = await connectTo(t, relay.port)
  peer.write('hello')
  t.is((await peer.take(5)).toString(), 'xello')
  t.deepEqual(relay.journal().filter(({ kind }) => kind === 'changed').map(({ fault }) => fault), ['writer'])
})
