import test from 'ava'
import { definePlugin } from 'wiretape'
import type { AnyPlugin, Hooks } from 'wiretape'
import { slicer } from 'wiretape/faults'
import { http } from '../real/http-origin.js'
import { connectTo, echoServer, peerServer } from '../real/peer.js'
import { relaying } from '../real/relaying.js'

const many = 300_000

/** What a stage had seen of them at each turn of the event loop, once it has begun. */
async function seenAtEachTurn(seen: () => number): Promise<Set<number>> {
  const at = new Set<number>()
  while (seen() < many) {
    await new Promise((resolve) => { setImmediate(resolve) })
    at.add(seen())
  }
  return at
}

/** Makes of what comes so many pieces, all of them ready at once, and takes them in again. */
function busy(): { readonly seen: () => number, readonly make: () => AsyncGenerator<Buffer>, readonly swallow: (pieces: AsyncIterable<unknown>) => AsyncGenerator<Buffer> } {
  let seen = 0
  return {
    seen: () => seen,
    async* make() {
      const piece = Buffer.from('x')
      for (let n = 0; n < many; n++) yield piece
    },
    async* swallow(pieces) {
      for await (const _ of pieces) seen++
      yield Buffer.from('all of them')
    },
  }
}

const stage = (name: string, hooks: Hooks): AnyPlugin => definePlugin({ name, description: name, setup: () => hooks })

test('a stage of a stream that has a great many pieces ready leaves others their turns', async (t) => {
  const { seen, make, swallow } = busy()
  const server = await peerServer(t)
  const relay = await relaying(t, {
    tcp: `0=127.0.0.1:${server.port}`,
    plugins: [
      stage('make', { stream: ({ direction }) => direction === 'down' ? undefined : async function* (chunks) { for await (const _ of chunks) yield* make() } }),
      stage('swallow', { stream: ({ direction }) => direction === 'down' ? undefined : swallow }),
    ],
  })
  const client = await connectTo(t, relay.port)
  client.write('go').finish()
  const at = await seenAtEachTurn(seen)
  t.true([...at].some((count) => count > 0 && count < many))
  t.is((await (await server.next()).rest()).toString(), 'all of them')
})

for (const hook of ['wire', 'transformBody'] as const) {
  test(`${hook}: a plugin that has a great many pieces of a response ready leaves others their turns`, async (t) => {
    const { seen, make, swallow } = busy()
    const server = await peerServer(t)
    const relay = await relaying(t, {
      http: `0=http://127.0.0.1:${server.port}`,
      plugins: [
        http('make', { response: (response) => response[hook](async function* (pieces) {
          for await (const _ of pieces) { /* all of it first */ }
          yield* make()
        }) }),
        http('swallow', { response: (response) => response[hook](swallow) }),
      ],
    })
    const client = await connectTo(t, relay.port)
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    const peer = await server.next()
    await peer.through('\r\n\r\n')
    peer.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok').finish()
    const at = await seenAtEachTurn(seen)
    t.true([...at].some((count) => count > 0 && count < many))
    t.true((await client.rest()).includes('all of them'))
  })
}

test('while pieces of one byte go through a slicer, another connection is answered, and every byte comes', async (t) => {
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  relay.inject(slicer({ size: 1, direction: 'up', every: 2 }))
  const other = await connectTo(t, relay.port)
  other.write('a')
  await other.take(1)
  const sliced = await connectTo(t, relay.port)
  const bytes = Buffer.alloc(300_000, 'abcdefg')
  sliced.write(bytes)
  await sliced.atLeast(1)
  other.write('b')
  t.is((await other.take(1)).toString(), 'b')
  t.true(sliced.unread < bytes.length)
  sliced.finish()
  t.true((await sliced.rest()).equals(bytes))
})
