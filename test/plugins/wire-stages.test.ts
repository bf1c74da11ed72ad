import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { AnyPlugin, WireStage } from 'wiretape'
import { seeded } from '../real/chunking.js'
import { settled, until, within } from '../real/deadline.js'
import { http } from '../real/http-origin.js'
import { connectTo, peerServer, serve } from '../real/peer.js'
import { run } from '../real/program.js'
import { onlyConnection, onlyExchange, relaying, taping, textOf } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

const onWire = (stage: WireStage): AnyPlugin => http('wire', { response: (response) => response.wire(stage) })

/** The answers that are told apart by how their end is found. */
const answers: Readonly<Record<string, string>> = {
  length: 'HTTP/1.1 200 OK\r\ncontent-length: 11\r\nX-Odd:  spaced \r\n\r\nhello world',
  chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n06\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n',
  bodyless: 'HTTP/1.1 204 No Content\r\nX-Odd:  spaced \r\n\r\n',
  'until close': 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world',
}

/** Answers each connection's requests with this, and closes where only that ends it. */
async function origin(t: ExecutionContext, answer: string): Promise<string> {
  const closes = answer.includes('close')
  const { port } = await serve(t, (socket) => {
    // A client that has sent its last leaves the answer to come.
    socket.on('end', () => setTimeout(() => socket.end(), 20))
    socket.on('data', () => {
      socket.write(answer.slice(0, 50), 'latin1')
      setImmediate(() => {
        socket.write(answer.slice(50), 'latin1')
        if (closes) socket.end()
      })
    })
  })
  return `0=http://127.0.0.1:${port}`
}

const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const head = answers['length']!.slice(0, answers['length']!.indexOf('\r\n\r\n') + 4)

for (const [kind, answer] of Object.entries(answers)) {
  test(`${kind}: a stage that only takes its time, in odd pieces, changes nothing, and the connection goes on`, async (t) => {
    const odd = onWire(async function* (pieces, wire) {
      for await (const { bytes } of pieces) {
        for (let at = 0; at < bytes.length; at += 3) {
          yield bytes.subarray(at, at + 3)
          await wire.sleep(1)
        }
      }
    })
    const { port, recorded, relay } = await taping(t, { http: await origin(t, answer), plugins: [odd, odd] })
    const client = await connectTo(t, port)
    const times = kind === 'until close' ? 1 : 2
    let came = ''
    for (let n = 0; n < times; n++) {
      client.write(request)
      came += (await client.take(answer.length)).toString('latin1')
    }
    if (kind === 'until close') t.is((await client.rest()).length, 0)
    t.is(came, answer.repeat(times))
    t.deepEqual(relay.journal(), [])
    client.finish()
    const recording = await recorded()
    t.deepEqual([...recording.segments({ where: `leg = 'sent'` })], [])
    t.deepEqual([...recording.exchanges()].map(({ changed, error }) => [changed, error]), Array.from({ length: times }, () => [false, null]))
  })
}

test('a head that another plugin changed goes through as it was changed, and is kept whole', async (t) => {
  const byByte = onWire(async function* (pieces) {
    for await (const { bytes } of pieces) for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
  })
  const { port, recorded } = await taping(t, { http: await origin(t, answers['length']!), plugins: [byByte, 'set-header:name=X-Odd,value=even,on=response'] })
  const client = await connectTo(t, port)
  client.write(request)
  const came = await client.through('world')
  t.is(came, answers['length']!.replace(' spaced ', 'even'))
  client.finish()
  const recording = await recorded()
  const [exchange] = [...recording.exchanges()]
  t.is(await textOf(recording.message(exchange!.id, 'response', 'sent')), came)
  t.deepEqual([...recording.segments({ where: `leg = 'sent'` })].map(({ kind, replaces }) => [kind, replaces]), [['head', head.length]])
})

/** Does to each piece what chance says. */
const scramble = (random: () => number): WireStage => async function* (pieces, wire) {
  let held: Buffer[] = []
  for await (const { bytes } of pieces) {
    const chance = random()
    if (chance < 0.3) yield bytes
    else if (chance < 0.4) yield* [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]
    else if (chance < 0.5) yield* [bytes.subarray(0, bytes.length >> 1), 'INSERTED', bytes.subarray(bytes.length >> 1)]
    else if (chance < 0.6) bytes[0] = 0x7e
    else if (chance < 0.7) yield bytes.fill('m')
    else if (chance < 0.8) held.push(bytes)
    else if (chance < 0.9) yield 'before'
    if (random() < 0.3) {
      yield* held
      held = []
    }
    if (random() < 0.2) await wire.sleep(1)
    if (random() < 0.05) return
  }
  yield* held
}

for (const [kind, answer] of Object.entries(answers)) {
  test(`${kind}: whatever stages make of it, the recording has what the client got`, async (t) => {
    for (let seed = 1; seed <= 25; seed++) {
      const stages = [onWire(scramble(seeded(seed))), ...seed % 2 === 0 ? [onWire(scramble(seeded(100 + seed)))] : [], ...seed % 3 === 0 ? ['set-header:name=X-A,value=b,on=response'] : []]
      const { port, recorded } = await taping(t, { http: await origin(t, answer), plugins: stages })
      const client = await connectTo(t, port)
      client.write(request.replace('GET', seed % 5 === 0 && kind !== 'chunked' ? 'HEAD' : 'GET')).finish()
      const came = (await client.rest()).toString('latin1')
      const recording = await recorded()
      const [connection] = [...recording.connections()]
      t.is(await textOf(recording.stream(connection!.id, 'down', 'sent')), came, `seed ${seed}`)
    }
  })
}

/** @returns how the connection ended, and what came before. */
async function ending(t: ExecutionContext, stage: WireStage, answer = answers['length']!): Promise<{ tape: Taped, how: string, came: string, journal: string[] }> {
  const tape = await taping(t, { http: await origin(t, answer), plugins: [onWire(stage)], log: () => {} })
  // Node can take a reset that comes with data for an end.
  const { stdout } = await run(t, 'python3', ['-c', reading, String(tape.port), request])
  const [how = '', ...came] = stdout.toString('latin1').split('\n')
  return { tape, how, came: came.join('\n'), journal: tape.relay.journal().map(({ kind, text, message }) => `${kind} ${text} ${message}`) }
}

const reading = `
import socket, sys
connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
connection.sendall(sys.argv[2].encode())
came, how = b'', 'reset'
try:
    while True:
        some = connection.recv(65536)
        if not some:
            how = 'end'
            break
        came += some
except ConnectionResetError:
    pass
sys.stdout.buffer.write(how.encode() + b'\\n' + came)
`

test('a stage that ends before its message, or says so, closes the connection', async (t) => {
  const early = await ending(t, async function* (pieces) {
    for await (const { bytes } of pieces) {
      yield bytes
      return
    }
  })
  t.deepEqual([early.how, early.came], ['end', head])
  t.deepEqual(early.journal, ['changed http.response: changed what goes over the wire 0'])
  const closed = await ending(t, async function* (pieces, wire) {
    for await (const { kind, bytes } of pieces) {
      yield bytes
      if (kind !== 'head') continue
      wire.tell('enough')
      wire.close()
    }
  })
  t.deepEqual([closed.how, closed.came], ['end', head])
  t.deepEqual(closed.journal, ['fault http.response: enough 0', 'changed http.response: changed what goes over the wire 0'])
  for (const { tape } of [early, closed]) {
    const recording = await tape.recorded()
    t.is(await textOf(recording.stream(onlyConnection(recording).id, 'down', 'sent')), head)
    t.true(onlyExchange(recording).changed)
  }
})

test('one that throws, or says so, resets it, after what it gave on', async (t) => {
  const large = `HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`
  const reset = await ending(t, async function* (pieces, wire) {
    let size = 0
    for await (const { bytes } of pieces) {
      yield bytes
      if ((size += bytes.length) === large.length) wire.reset()
    }
  }, large)
  t.deepEqual([reset.how, reset.came.length], ['reset', large.length])
  const thrown = await ending(t, async function* (pieces) {
    for await (const { bytes } of pieces) yield bytes
    throw new Error('no')
  })
  t.deepEqual([thrown.how, thrown.came], ['reset', answers['length']!])
  t.deepEqual(thrown.journal, ['plugin-failed http.response wire failed: no 0'])
  const recording = await thrown.tape.recorded()
  t.is(onlyConnection(recording).endReason, 'cut for a plugin')
})

test('a slow stage holds the server back', async (t) => {
  const size = 24 * 1024 * 1024
  let written = 0
  const server = await serve(t, (socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      const block = Buffer.alloc(64 * 1024, 'x')
      const more = (): void => {
        while (written < size) {
          written += block.length
          if (!socket.write(block)) {
            socket.once('drain', more)
            return
          }
        }
      }
      more()
    })
  })
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => { open = resolve })
  const { port } = await relaying(t, {
    http: `0=http://127.0.0.1:${server.port}`, plugins: [onWire(async function* (pieces) {
      for await (const { kind, bytes } of pieces) {
        if (kind === 'body') await gate
        yield bytes
      }
    })],
  })
  const client = await connectTo(t, port)
  let came = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (bytes) => came += bytes.length)
  client.write(request)
  t.true(await settled(() => written) < size / 2)
  open()
  await until(() => came > size, 'all of it').catch((failure: unknown) => {
    t.log(`${came} of ${size} came, ${written} were written`)
    throw failure
  })
})

test('a client that leaves wakes a stage that sleeps', async (t) => {
  const woken: boolean[] = []
  const { port } = await taping(t, {
    http: await origin(t, answers['length']!), plugins: [onWire(async function* (pieces, wire) {
      for await (const { bytes } of pieces) {
        yield bytes
        woken.push(await wire.sleep(1_000_000))
      }
    })],
  })
  const client = await connectTo(t, port)
  client.write(request)
  await client.through('\r\n\r\n')
  client.reset()
  await until(() => woken.length > 0, 'the stage to wake')
  t.deepEqual(woken, [false])
})

test('a server that stops in the middle: what came goes through, then the end', async (t) => {
  const server = await peerServer(t)
  const { port } = await taping(t, {
    http: `0=http://127.0.0.1:${server.port}`, plugins: [onWire(async function* (pieces, wire) {
      for await (const { bytes } of pieces) {
        await wire.sleep(30)
        yield bytes
      }
    })],
  })
  const client = await connectTo(t, port)
  client.write(request)
  const peer = await server.next()
  await peer.through('\r\n\r\n')
  peer.write(answers['length']!.slice(0, -3)).finish()
  t.is((await within(client.rest(), 'the end')).toString('latin1'), answers['length']!.slice(0, -3))
})

test('neither a 1xx nor what opens a tunnel has a wire', async (t) => {
  const server = await peerServer(t)
  const { port, relay } = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [onWire((pieces) => pieces as never)], log: () => {} })
  const client = await connectTo(t, port)
  client.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n')
  const peer = await server.next()
  await peer.through('\r\n\r\n')
  const answer = 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello'
  peer.write(answer)
  t.is(await client.through('hello'), answer)
  t.deepEqual(relay.journal().map(({ kind, text }) => `${kind} ${text}`), [
    'plugin-failed http.response failed: wire: a response with status 103 is not the final one',
    'plugin-failed http.response failed: wire: a response with status 101 is the beginning of a tunnel',
  ])
})
