import { once } from 'node:events'
import { createServer, connect, Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { definePlugin } from 'wiretape'
import type { AnyPlugin, StreamStage } from 'wiretape'
import { until } from '../real/deadline.js'
import { bytesOf, onlyConnection, taping } from '../real/relaying.js'

/** Sends back what it gets, and ends when the client does. */
async function echo(t: ExecutionContext): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function exchange(port: number, pieces: readonly (Buffer | string)[]): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  socket.end()
  return buffer(socket)
}

function staging(name: string, stage: (direction: 'up' | 'down') => StreamStage | undefined): AnyPlugin {
  return definePlugin({ name, description: name, setup: () => ({ stream: ({ direction }) => stage(direction) }) })
}

test('a stage that passes everything on changes nothing, and nothing is recorded as changed', async (t) => {
  const pass = staging('pass', () => async function* (chunks) { yield* chunks })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [pass] })
  const sent = Buffer.alloc(3_000_000, 'abcdefg')
  t.true((await exchange(port, [sent.subarray(0, 1_000_000), sent.subarray(1_000_000)])).equals(sent))
  const recording = await recorded()
  const connection = onlyConnection(recording)
  t.false(connection.changed)
  t.true((await bytesOf(recording.stream(connection.id, 'up'))).equals(sent))
  t.deepEqual([...recording.segments({ where: "leg = 'sent'" })], [])
  t.is(connection.endReason, 'client closed')
})

test('what a stage makes of the bytes goes on, and the recording has both', async (t) => {
  const shout = staging('shout', (direction) => direction === 'down' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) yield chunk.toString().toUpperCase()
  })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [shout] })
  t.is((await exchange(port, ['hello ', 'world'])).toString(), 'HELLO WORLD')
  const recording = await recorded()
  const { id, changed } = onlyConnection(recording)
  t.true(changed)
  t.is((await bytesOf(recording.stream(id, 'up'))).toString(), 'hello world')
  t.is((await bytesOf(recording.stream(id, 'up', 'sent'))).toString(), 'HELLO WORLD')
  t.is((await bytesOf(recording.stream(id, 'down', 'sent'))).toString(), 'HELLO WORLD')
  const [event] = recording.events({ where: "kind = 'changed'" })
  t.like(event, { source: 'shout', hook: 'stream', connectionId: id, direction: 'up' })
  t.is([...recording.records({ where: 'changed' })].length, 1)
})

test('any stage that cuts, joins and delays gives the same bytes, unchanged in the recording too where only cuts were made', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 1000 }), async (pieces, size) => {
    const slicer = staging('slicer', () => async function* (chunks) {
      for await (const chunk of chunks) for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
    })
    const joiner = staging('joiner', (direction) => direction === 'up' ? undefined : async function* (chunks) {
      const all: Buffer[] = []
      for await (const chunk of chunks) all.push(chunk)
      yield Buffer.concat(all)
    })
    const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [slicer, joiner] })
    const sent = Buffer.concat(pieces)
    t.true((await exchange(port, pieces.map((piece) => Buffer.from(piece)))).equals(sent))
    const recording = await recorded()
    const { id } = onlyConnection(recording)
    t.deepEqual([...recording.segments({ where: "leg = 'sent' AND direction = 'up'" })], [])
    t.true((await bytesOf(recording.stream(id, 'down', 'sent'))).equals(sent))
    recording.close()
  }), { numRuns: 15 })
})

test('a stage that ends early closes the direction, and what it left out is told', async (t) => {
  const limit = staging('limit', (direction) => direction === 'up' ? undefined : async function* (chunks) {
    let left = 10
    for await (const chunk of chunks) {
      yield chunk.subarray(0, left)
      left -= chunk.length
      if (left <= 0) return
    }
  })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [limit] })
  t.is((await exchange(port, ['0123456789abcdef'])).toString(), '0123456789')
  const recording = await recorded()
  const { id } = onlyConnection(recording)
  t.is((await bytesOf(recording.stream(id, 'down'))).toString(), '0123456789abcdef')
  t.is((await bytesOf(recording.stream(id, 'down', 'sent'))).toString(), '0123456789')
})

test('a stage that throws after it took bytes cuts the connection: a hole would go unseen', async (t) => {
  const lines: string[] = []
  const broken = staging('broken', () => async function* (chunks) {
    for await (const chunk of chunks) {
      if (chunk.length > 0) throw new Error('no good')
      yield chunk
    }
  })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [broken], log: (line) => lines.push(line) })
  await t.throwsAsync(exchange(port, ['hello']), { code: 'ECONNRESET' })
  const recording = await recorded()
  const [event] = recording.events({ where: "kind = 'plugin-failed'" })
  t.like(event, { source: 'broken', hook: 'stream' })
  t.regex(event!.text, /no good/)
  t.regex(lines.join('\n'), /broken: stream failed: no good.*stream\.test/)
})

test('a stage that throws before it took anything lets the bytes go on', async (t) => {
  const broken = staging('broken', () => async function* () {
    yield* []
    throw new Error('no good')
  })
  const { port } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [broken], log: () => {} })
  t.is((await exchange(port, ['hello'])).toString(), 'hello')
})

test('a slow stage holds a fast sender back', async (t) => {
  let passed = 0
  const slow = staging('slow', (direction) => direction === 'down' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) {
      await sleep(5)
      yield chunk
      passed += chunk.length
    }
  })
  const { port, relay } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [slow] })
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {}).resume()
  t.teardown(() => socket.destroy())
  const block = Buffer.alloc(1 << 20)
  for (let n = 0; n < 32; n++) socket.write(block)
  for (let looked = 0; looked < 20; looked++) {
    await sleep(10)
    const held = relay.stats().bytesUp - passed
    t.true(held < 2 ** 20, `${held} bytes were taken that the stage has not let go of`)
  }
  await until(() => passed > 0, 'the stage to let go of some')
  t.pass()
})

test('a hook that fails to make its stage is told, and the bytes go on; with onError cut they do not', async (t) => {
  const bad = (onError: 'pass' | 'cut'): AnyPlugin => definePlugin({ name: 'bad', description: '', onError, setup: () => ({ stream: () => { throw new Error('no stage') } }) })
  const passing = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [bad('pass')], log: () => {} })
  t.is((await exchange(passing.port, ['hello'])).toString(), 'hello')
  t.like([...(await passing.recorded()).events({ where: "kind = 'plugin-failed'" })][0], { source: 'bad', hook: 'stream', text: 'stream failed: no stage' })
  const cutting = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [bad('cut')], log: () => {} })
  await t.throwsAsync(exchange(cutting.port, ['hello']), { code: 'ECONNRESET' })
})

test('a chunk that a stage writes to in place is changed', async (t) => {
  const scribble = staging('scribble', (direction) => direction === 'down' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) {
      chunk[0] = 0x58
      yield chunk
    }
  })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [scribble] })
  t.is((await exchange(port, ['hello'])).toString(), 'Xello')
  const recording = await recorded()
  const { id, changed } = onlyConnection(recording)
  t.true(changed)
  t.is((await bytesOf(recording.stream(id, 'up'))).toString(), 'hello')
  t.is((await bytesOf(recording.stream(id, 'up', 'sent'))).toString(), 'Xello')
})

test('what a stage does to a chunk that it has given on changes nothing', async (t) => {
  const wipe = staging('wipe', () => async function* (chunks) {
    for await (const chunk of chunks) {
      yield chunk
      chunk.fill(0)
    }
  })
  const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [wipe] })
  const sent = Buffer.alloc(3_000_000, 'abcdefg')
  t.true((await exchange(port, [sent])).equals(sent))
  const recording = await recorded()
  const connection = onlyConnection(recording)
  t.false(connection.changed)
  t.true((await bytesOf(recording.stream(connection.id, 'down', 'sent'))).equals(sent))
})

test.serial('what passes as it came goes out together; what a stage cut goes out piece by piece', async (t) => {
  const size = 1_000
  const cut = staging('cut', (direction) => direction === 'down' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
  })
  const pass = staging('pass', (direction) => direction === 'down' ? undefined : async function* (chunks) { yield* chunks })
  // Of all sockets in this process: only those behind a stage are corked.
  let joined = 0
  const { cork } = Socket.prototype
  Socket.prototype.cork = function (this: Socket) {
    joined++
    cork.call(this)
  }
  t.teardown(() => { Socket.prototype.cork = cork })
  const sink = createServer((socket) => socket.on('end', () => socket.end()).resume()).listen(0, '127.0.0.1')
  await once(sink, 'listening')
  t.teardown(() => sink.close())
  for (const [plugin, joins] of [[cut, false], [pass, true]] as const) {
    const { port, recorded } = await taping(t, { tcp: `0=127.0.0.1:${(sink.address() as AddressInfo).port}`, plugins: [plugin] })
    joined = 0
    const socket = connect(port, '127.0.0.1')
    socket.end(Buffer.alloc(2_000_000, 'a'))
    socket.resume()
    await once(socket, 'close')
    t.is(joined > 0, joins, plugin.name)
    await recorded()
  }
})

test('what comes after a stage has ended its direction is recorded as not sent', async (t) => {
  const first = staging('first', (direction) => direction === 'down' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) {
      yield chunk
      return
    }
  })
  const { port, relay, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [first] })
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write('one')
  t.is((await once(socket, 'data') as [Buffer])[0].toString(), 'one')
  socket.write('two')
  await until(() => relay.stats().bytesUp === 6, 'the relay to take what comes after the end')
  socket.end()
  t.is((await buffer(socket)).toString(), '')
  const recording = await recorded()
  const { id } = onlyConnection(recording)
  t.is((await bytesOf(recording.stream(id, 'up'))).toString(), 'onetwo')
  t.is((await bytesOf(recording.stream(id, 'up', 'sent'))).toString(), 'one')
})

test('stages come to their end with a connection that is torn down', async (t) => {
  let ended = 0
  const holding = staging('holding', () => async function* (chunks) {
    try {
      yield* chunks
    } finally {
      ended++
    }
  })
  const { port, relay } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [holding] })
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write('hello')
  await once(socket, 'data')
  socket.resetAndDestroy()
  await until(() => relay.stats().open === 0, 'the connection to be over')
  await until(() => ended === 2, 'both stages to end')
  t.is(ended, 2)
})

test('a slow reader costs a stage no listener for each write', async (t) => {
  const pass = staging('pass', () => async function* (chunks) { yield* chunks })
  const warnings: string[] = []
  const warn = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  const { port } = await taping(t, { tcp: `0=127.0.0.1:${await echo(t)}`, plugins: [pass] })
  const sent = Buffer.alloc(20_000_000)
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(sent)
  await sleep(300)
  t.is((await buffer(socket)).length, sent.length)
  t.deepEqual(warnings.filter((name) => name === 'MaxListenersExceededWarning'), [])
})
