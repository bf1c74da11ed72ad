import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { JournalEntry, Relay } from 'wiretape'
import { httpOrigin } from '../real/http-origin.js'
import { settled } from '../real/deadline.js'
import { connectTo, peerServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { onlyExchange, relaying, taping, textOf } from '../real/relaying.js'

/*
 * The faults of HTTP messages with `direction=up`: what a server sees of a client that is slow, breaks off, or speaks no HTTP.
 */

const body = 'abcdefghij'.repeat(1000)

/** What curl, sending the body, ends with, and what it prints. */
async function upload(t: ExecutionContext, { port }: Pick<Relay, 'port'>, ...args: string[]): Promise<readonly [code: number | null, stdout: string]> {
  const { code, stdout } = await run(t, 'curl', ['-sS', '-H', 'Expect:', '--data-binary', '@-', ...args, `http://127.0.0.1:${port}/up`], body)
  return [code, stdout.toString('latin1')]
}

const said = (relay: Relay): string[] => relay.journal().map(({ fault, kind, text }: JournalEntry) => `${fault} ${kind} ${text}`)

for (const [how, code] of [['close', 52], ['reset', 56]] as const) {
  test(`an upload that is cut short, by a ${how}: the server has so many bytes of it, then the connection is gone`, async (t) => {
    const server = await peerServer(t)
    const { relay, recorded } = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [`truncate:direction=up,after=7000,how=${how}`] })
    const uploading = upload(t, relay)
    const served = await server.next()
    t.regex(await served.through('\r\n\r\n'), /\r\nContent-Length: 10000\r\n/)
    t.is((await served.take(7000)).toString(), body.slice(0, 7000))
    await served.over()
    t.is(served.unread, 0)
    t.is((await uploading)[0], code)
    t.deepEqual(said(relay), [
      `truncate fault http.request: body cut after 7000 bytes, connection ${how === 'close' ? 'closed' : 'reset'}`, 'truncate changed http.request: changed what goes over the wire',
    ])
    const recording = await recorded()
    const { id, changed } = onlyExchange(recording)
    t.true(changed)
    t.is(await textOf(recording.body(id, 'request')), body)
    t.is(await textOf(recording.body(id, 'request', 'sent')), body.slice(0, 7000))
  })
}

test('a request that is malformed: a server refuses it, and the connection is closed after its answer', async (t) => {
  const relay = await relaying(t, { http: (await httpOrigin(t)).target, plugins: ['malformed:direction=up'] })
  const [code, stdout] = await upload(t, relay, '-o', '/dev/null', '-w', '%{http_code}')
  t.deepEqual([code, stdout], [0, '400'])
  t.is(said(relay)[0], 'malformed fault http.request: the size of the first chunk is no number')
})

test('a request with a length that lies: the server waits for the rest, until the client gives up', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: ['malformed:direction=up,kind=wrong-length,by=5'] })
  const client = await connectTo(t, relay.port)
  client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello`)
  const served = await server.next()
  t.is(await served.through('hello'), 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello')
  client.finish()
  t.is(await served.over(), 'end')
})

test('slow heads and stalled bodies of requests change nothing but the time, and the connection goes on', async (t) => {
  const origin = await httpOrigin(t)
  const { relay, recorded } = await taping(t, { http: origin.target, plugins: ['slow-headers:direction=up,ms=2,bytes=16', 'stall-body:direction=up,ms=20,after=5000'] })
  const { stdout } = await run(t, 'curl', [
    '-sS', '-w', ' %{num_connects} ', '--data-binary', '@-', `http://127.0.0.1:${relay.port}/1`, '--next', '-sS', '-w', ' %{num_connects}', `http://127.0.0.1:${relay.port}/2`,
  ], body)
  const [first, connects, second, later] = stdout.toString().split(/ (?=[01{])/)
  t.deepEqual([connects?.trim(), later], ['1', '0'])
  t.is(JSON.parse(first!).body, body)
  t.is(JSON.parse(second!).url, '/2')
  t.deepEqual(relay.journal().map(({ fault, direction, message, delayMs }) => [fault, direction, message, delayMs === null ? null : delayMs > 0]), [
    ['slow-headers', 'up', 0, true], ['stall-body', 'up', 0, true], ['slow-headers', 'up', 1, true],
  ])
  t.deepEqual([...(await recorded()).exchanges()].map(({ changed }) => changed), [false, false])
})

test('a client that goes while a fault holds its request back takes it along', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: ['stall-body:direction=up,ms=3600000,after=10'] })
  const client = await connectTo(t, relay.port)
  client.write(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  const served = await server.next()
  await served.through('\r\n\r\n')
  t.is((await served.take(10)).toString(), body.slice(0, 10))
  client.reset()
  await served.over()
  t.is(served.unread, 0)
})

test('a request that is cut is the last of its connection: what came behind it goes nowhere', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: ['truncate:direction=up,how=reset,after=4000000'] })
  const client = await connectTo(t, relay.port)
  const head = 'POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4040000\r\n\r\n'
  client.write(head, Buffer.alloc(4_040_000, 'x'), 'POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz')
  const served = await server.next()
  served.socket.pause()
  await settled(() => relay.stats().bytesUp)
  served.socket.resume()
  await served.over()
  const came = served.takeAll()
  t.true(came.length <= head.length + 4_000_000, `${came.length}`)
  t.false(came.includes('POST /2'))
})

test('a server hears that the client has left once it has the request that was held back', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: ['slow-headers:direction=up,ms=10,bytes=16'] })
  const client = await connectTo(t, relay.port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n').finish()
  t.is((await (await server.next()).rest()).toString(), 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')
})

test('both directions are counted each by itself; a CONNECT is left alone', async (t) => {
  const server = await peerServer(t)
  const relay = await relaying(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: ['slow-headers:direction=both,every=2,ms=1,bytes=30'] })
  const client = await connectTo(t, relay.port)
  const asked = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
  const answered = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
  client.write(asked)
  const served = await server.next()
  for (let n = 0; n < 4; n++) {
    if (n > 0) client.write(asked)
    t.is(await served.through('\r\n\r\n'), asked)
    served.write(answered)
    t.is(await client.through('\r\n\r\n'), answered)
  }
  t.deepEqual(relay.journal().map(({ direction, message }) => [direction, message]), [['up', 1], ['down', 1], ['up', 3], ['down', 3]])
  client.write('CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n')
  await served.through('\r\n\r\n')
  served.write('HTTP/1.1 200 OK\r\n\r\n')
  await client.through('\r\n\r\n')
  client.write('x')
  t.is((await served.take(1)).toString(), 'x')
  t.is(relay.journal().length, 4)
})
