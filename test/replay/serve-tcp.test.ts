import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { definePlugin, serveRecording } from 'wiretape'
import type { WiretapeError } from 'wiretape'
import { within } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { howItEndsForPython, resettingServer } from '../real/how-it-ends.js'
import { installed } from '../real/installed.js'
import { connectTo, echoServer, peerServer, serve } from '../real/peer.js'
import { run } from '../real/program.js'
import { redisServer, talk } from '../real/redis.js'
import { taping } from '../real/relaying.js'
import { alter, serving, written } from './serving-bytes.js'

const withRedis = installed('redis-server') && installed('redis-cli') ? test : test.skip
const withPython = installed('python3') ? test : test.skip

withRedis('redis-cli and clients of Redis repeat what they did, with the server gone: same answers, nothing missed, 100 times', async (t) => {
  const redis = await redisServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${redis.port}` })
  const cli = async (port: number): Promise<string> =>
    (await run(t, 'redis-cli', ['-p', String(port)], 'set book "Dune"\nget book\nincr count\nincr count\nlpush list a b c\nlrange list 0 -1\nhset h k v\nhgetall h\nnonsense\nget none\n'))
      .stdout.toString()
  const large = 'x'.repeat(300_000)
  const clients = async (port: number): Promise<string[][]> => Promise.all([
    connectTo(t, port).then((peer) => talk(peer, [['SET', 'one', '1'], ['GET', 'one']], [['MGET', 'one', 'none']])),
    connectTo(t, port).then((peer) => talk(peer, [['SET', 'large', large]], [['GET', 'large'], ['STRLEN', 'large']])),
    connectTo(t, port).then((peer) => talk(peer, [['PING']], [['MULTI'], ['INCR', 'n'], ['INCR', 'n'], ['EXEC']], [['GET', 'n']])),
  ])
  const told = await cli(tape.port)
  t.regex(told, /Dune\n1\n2\n3\nc\nb\na\n1\nk\nv\nERR unknown command/)
  const answers = await clients(tape.port)
  t.is(answers[1]![1], large)
  await tape.relay.stop()
  await redis.stop()

  const server = await serving(t, tape.path, { tcp: 0 })
  t.is(server.listeners[0]!.target, `127.0.0.1:${redis.port}`)
  t.is(await cli(server.port), told)
  for (let round = 0; round < 100; round++) t.deepEqual(await clients(server.port), answers)
  t.deepEqual(server.misses, [])
  t.true(server.served > 700)
})

;(installed('redis-benchmark') ? withRedis : test.skip)('redis-benchmark, pipelining, runs against its recording', async (t) => {
  const redis = await redisServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${redis.port}` })
  const benchmark = (port: number) => run(t, 'redis-benchmark', ['-p', String(port), '-c', '1', '-P', '8', '-n', '2000', '-t', 'set,get,incr,lpush', '--csv'])
  const tests = ({ stdout }: { stdout: Buffer }): string[] => [...stdout.toString().matchAll(/^"([A-Z]+)","[\d.]+/gm)].map(([, name]) => name!)
  const recorded = tests(await benchmark(tape.port))
  t.deepEqual(recorded, ['SET', 'GET', 'INCR', 'LPUSH'])
  await tape.relay.stop()
  await redis.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  t.deepEqual(tests(await benchmark(server.port)), recorded)
  t.is(server.missed, 0)
})

withRedis('a client that goes another way is torn off, and where and how is told', async (t) => {
  const redis = await redisServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${redis.port}` })
  await talk(await connectTo(t, tape.port), [['SET', 'a', '1']], [['GET', 'a']])
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  const client = await connectTo(t, server.port)
  t.deepEqual(await talk(client, [['SET', 'a', '1']]), ['+OK'])
  const { localPort } = client.socket
  client.write('*2\r\n$3\r\nGET\r\n$1\r\nb\r\n')
  t.is(await client.over(), 'ECONNRESET')
  const [miss, ...others] = server.misses
  t.deepEqual(others, [])
  t.like(miss, {
    kind: 'diverged', protocol: 'tcp', closest: 1, asked: '"*3\\r\\n$3\\r\\nSET\\r\\n$1\\r\\na\\r\\n$1\\r\\n1\\r\\n*2\\r\\n$3\\r\\nGET\\r\\n…"',
    differs: [{ field: 'offset 44', came: '62 0d 0a |b..|', recorded: '61 0d 0a |a..|' }],
  })
  t.is(miss!.client?.port, localPort)
  t.is(miss!.text, 'the client says something else than that of recorded connection 1')
})

test('a greeting, a question in halves, and the server\'s close', async (t) => {
  const origin = await peerServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const [recorded, peer] = [await connectTo(t, tape.port), await origin.next()]
  peer.write('220 hello\r\n')
  await recorded.through('\r\n')
  recorded.write('QUIT\r\n')
  await peer.through('\r\n')
  peer.write('221 bye\r\n').finish()
  t.is((await recorded.rest()).toString(), '221 bye\r\n')
  recorded.finish()
  await peer.gone()
  await tape.relay.stop()

  const server = await serving(t, tape.path, { tcp: 0 })
  const client = await connectTo(t, server.port)
  t.is(await client.through('\r\n'), '220 hello\r\n')
  client.write('QU')
  await sleep(50)
  t.is(client.unread, 0)
  client.write('IT\r\n')
  t.is((await client.rest()).toString(), '221 bye\r\n')
  client.finish()
  await client.gone()
  t.is(server.missed, 0)
})

test('what the server said after the client had closed its side comes, and then its end', async (t) => {
  const origin = await serve(t, (socket) => {
    const hash = createHash('sha256')
    socket.on('data', (bytes) => hash.update(bytes)).on('end', () => socket.end(hash.digest('hex')))
  })
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const body = Buffer.alloc(3_000_000, 'abcdefg')
  const digest = async (port: number): Promise<string> => (await (await connectTo(t, port)).write(body).finish().rest()).toString()
  const expected = await digest(tape.port)
  t.is(expected, createHash('sha256').update(body).digest('hex'))
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  t.is(await digest(server.port), expected)
  t.is(server.missed, 0)
})

withPython('a server\'s reset happens again', async (t) => {
  const origin = await resettingServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin}` })
  t.is(await howItEndsForPython(t, tape.port), 'reset')
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  for (let round = 0; round < 5; round++) t.is(await howItEndsForPython(t, server.port), 'reset')
  t.is(server.missed, 0)
})

test('a large answer comes from the file in pieces, also to a client that reads slowly', async (t) => {
  const size = 150_000_000
  const chunk = Buffer.alloc(1_000_000, 'wiretape')
  const origin = await serve(t, (socket) => {
    socket.once('data', () => {
      let left = size
      const write = (): void => {
        while (left > 0) {
          left -= chunk.length
          if (!socket.write(chunk)) {
            socket.once('drain', write)
            return
          }
        }
        socket.end()
      }
      write()
    })
  })
  const download = async (port: number): Promise<{ length: number, digest: string }> => {
    const peer = await connectTo(t, port)
    const hash = createHash('sha256')
    let length = 0
    peer.socket.removeAllListeners('data')
    peer.socket.on('data', (bytes) => {
      hash.update(bytes)
      length += bytes.length
    })
    peer.write('all\n')
    t.is(await peer.over(), 'end')
    peer.finish()
    return { length, digest: hash.digest('hex') }
  }
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const expected = await download(tape.port)
  t.is(expected.length, size)
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  // What waits for a client that doesn't read stays in the file.
  const lazy = await Promise.all([0, 1, 2, 3].map(() => connectTo(t, server.port)))
  const before = process.memoryUsage().arrayBuffers
  for (const peer of lazy) {
    peer.socket.pause()
    peer.write('all\n')
  }
  t.deepEqual(await download(server.port), expected)
  // What was let go of counts until it is collected, and when that happens is nobody's promise.
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  const kept = process.memoryUsage().arrayBuffers - before
  t.true(kept < 60_000_000, `${kept} bytes`)
})

test('what a plugin sent instead is what clients get again', async (t) => {
  const shout = definePlugin({
    name: 'shout', description: 'Makes answers upper case.', options: {},
    setup: () => ({
      stream: ({ direction }) => direction === 'up' ? undefined : async function* (chunks) {
        for await (const chunk of chunks) yield Buffer.from(chunk.toString('latin1').toUpperCase(), 'latin1')
      },
    }),
  })
  const origin = await serve(t, (socket) => void socket.on('data', (bytes) => socket.write(`you said ${bytes.toString()}`)).on('end', () => socket.end()))
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}`, plugins: [shout] })
  const conversation = async (port: number): Promise<string[]> => {
    const client = await connectTo(t, port)
    const heard: string[] = []
    for (const line of ['one\n', 'two\n', 'three\n']) heard.push(await client.write(line).through('\n'))
    client.finish()
    await client.gone()
    return heard
  }
  const expected = ['YOU SAID ONE\n', 'YOU SAID TWO\n', 'YOU SAID THREE\n']
  t.deepEqual(await conversation(tape.port), expected)
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  for (let round = 0; round < 3; round++) t.deepEqual(await conversation(server.port), expected)
  t.is(server.missed, 0)
})

test('with the recorded timing an answer takes as long as it took, counted from the client\'s turn; without, nothing is waited for', async (t) => {
  const origin = await peerServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const [recorded, peer] = [await connectTo(t, tape.port), await origin.next()]
  recorded.write('q\n')
  await peer.through('\n')
  for (const line of ['slow\n', 'slower\n']) {
    peer.write(line)
    await recorded.through('\n')
  }
  recorded.finish()
  await peer.over()
  peer.finish()
  await tape.relay.stop()
  // What was recorded took as long as the machine took.
  alter(tape.path, `UPDATE segment SET time = (SELECT opened FROM connection) + CASE WHEN direction = 'up' THEN 0 WHEN "offset" = 0 THEN 600000 ELSE 1200000 END`)
  const wait = async (timing: 'none' | 'recorded' | '3x'): Promise<[number, number]> => {
    const server = await serving(t, tape.path, { tcp: 0, timing })
    const client = await connectTo(t, server.port)
    const began = performance.now()
    client.write('q\n')
    await client.through('slow\n')
    const first = performance.now() - began
    await client.through('slower\n')
    return [first, performance.now() - began]
  }
  const [first, second] = await wait('recorded')
  t.true(first >= 590 && second >= 1190, `${first} ${second}`)
  const [third] = await wait('3x')
  t.true(third >= 190, `${third}`)
  // An hour isn't waited for.
  alter(tape.path, `UPDATE segment SET time = time + 3600000000 WHERE direction = 'down'`)
  await wait('none')
})

test('a connection of which bytes are missing isn\'t given, and that is said', async (t) => {
  const origin = await serve(t, (socket) => void socket.pipe(socket))
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  for (const line of ['cut\n', 'whole\n']) {
    const client = await connectTo(t, tape.port)
    await client.write(line).through('\n')
    client.finish()
    await client.gone()
  }
  await tape.relay.stop()
  alter(tape.path, 'UPDATE connection SET dropped_down = 4 WHERE id = 1')
  const server = await serving(t, tape.path, { tcp: 0 })
  t.is(await (await connectTo(t, server.port)).write('whole\n').through('\n'), 'whole\n')
  const client = await connectTo(t, server.port)
  t.is(await client.write('cut\n').over(), 'ECONNRESET')
  t.like(server.misses[0], { kind: 'incomplete', closest: 1, asked: '"cut\\n"' })
  t.regex(server.misses[0]!.text, /^recorded connection 1 begins so, but bytes of it weren't recorded/)
  t.is(await (await connectTo(t, server.port)).write('other\n').over(), 'ECONNRESET')
  t.is(server.misses[1]!.kind, 'diverged')
})

test('what a mask kept out of the recording can\'t be compared, and that is said; matched by turn it needn\'t be', async (t) => {
  const origin = await echoServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin}`, plugins: ['redact:patterns=s3cr3ttt'] })
  const recorded = await connectTo(t, tape.port)
  await recorded.write('AUTH s3cr3ttt\n').through('\n')
  recorded.finish()
  await recorded.gone()
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  t.is(await (await connectTo(t, server.port)).write('AUTH s3cr3ttt\n').over(), 'ECONNRESET')
  t.like(server.misses, [{ kind: 'incomplete', closest: 1 }])
  t.regex(server.misses[0]!.text, /^recorded connection 1 has asterisks from byte 5 on/)
  const lenient = await serving(t, tape.path, { tcp: 0, tcpMatch: 'turn' })
  t.is(await (await connectTo(t, lenient.port)).write('AUTH s3cr3ttt\n').through('\n'), 'AUTH ********\n')
})

test('a recording that is still being written is served with what it has, and ends there', async (t) => {
  const origin = await serve(t, (socket) => void socket.pipe(socket))
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const open = await connectTo(t, tape.port)
  t.is(await open.write('so far\n').through('\n'), 'so far\n')
  await written(tape.path, (recording) => recording.segmentAt(1, 'down', 6) !== null)
  const server = await serving(t, tape.path, { tcp: 0 })
  const client = await connectTo(t, server.port)
  t.is((await client.write('so far\n').rest()).toString(), 'so far\n')
  t.is(server.missed, 0)
})

for (const [after, third] of [['repeat', 'two\n'], ['cycle', 'one\n'], ['miss', null]] as const) {
  test(`two equal conversations, and a third client: ${after}`, async (t) => {
    const answers = ['one\n', 'two\n']
    const origin = await serve(t, (socket) => void socket.once('data', () => socket.end(answers.shift()!)))
    const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
    const ask = async (port: number): Promise<string | null> => {
      const client = await connectTo(t, port)
      client.write('?\n')
      const ending = await client.over()
      client.finish()
      return ending === 'end' ? client.takeAll().toString() : null
    }
    t.deepEqual([await ask(tape.port), await ask(tape.port)], ['one\n', 'two\n'])
    await tape.relay.stop()
    const server = await serving(t, tape.path, { tcp: 0, after })
    t.deepEqual([await ask(server.port), await ask(server.port), await ask(server.port)], ['one\n', 'two\n', third])
    t.deepEqual(server.misses.map(({ kind, closest }) => [kind, closest]), third === null ? [['exhausted', 2]] : [])
  })
}

test('matched by turn, a client may say something else of another length', async (t) => {
  const origin = await serve(t, (socket) => {
    let count = 0
    socket.on('data', () => socket.write(`${++count}\n`))
  })
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const recorded = await connectTo(t, tape.port)
  for (const line of ['time 10:00\n', 'time 10:01\n', 'time 10:02\n']) await recorded.write(line).through('\n')
  recorded.finish()
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0, tcpMatch: 'turn' })
  const client = await connectTo(t, server.port)
  t.is(await client.write('time 23:59:59\n').through('\n'), '1\n')
  t.is(await client.write('now\n').through('\n'), '2\n')
  t.is(await client.write('TIME 00:00\n').through('\n'), '3\n')
  client.finish()
  await client.gone()
  t.is(server.missed, 0)
})

test('garbage, clients that vanish and such that say nothing neither stop the server nor keep it from stopping', async (t) => {
  const origin = await serve(t, (socket) => void socket.pipe(socket))
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const recorded = await connectTo(t, tape.port)
  await recorded.write('hello\n').through('\n')
  recorded.finish()
  await recorded.gone()
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0 })
  for (let round = 0; round < 30; round++) {
    const client = await connectTo(t, server.port)
    if (round % 3 === 0) client.write(Buffer.alloc(100_000, round))
    if (round % 3 === 1) client.write('hel')
    if (round % 2 === 0) client.reset()
  }
  const flood = await connectTo(t, server.port)
  flood.write('hello\n', Buffer.alloc(5_000_000))
  await flood.over()
  t.is(await (await connectTo(t, server.port)).write('hello\n').through('\n'), 'hello\n')
  t.true(server.misses.every(({ kind }) => kind === 'diverged'))
  await within(server.stop(), 'the server to stop')
})

test('a dial that was refused, an idle connection and probes keep nobody from what was recorded', async (t) => {
  const port = await freePort()
  const tape = await taping(t, { tcp: `0=127.0.0.1:${port}` })
  t.is(await (await connectTo(t, tape.port)).over(), 'ECONNRESET')
  const origin = createServer((socket) => void socket.pipe(socket))
  await new Promise<void>((resolve) => origin.listen(port, '127.0.0.1', resolve))
  t.teardown(() => origin.close())
  await connectTo(t, tape.port)
  const recorded = await connectTo(t, tape.port)
  await recorded.write('one\n').through('\n')
  recorded.finish()
  await recorded.gone()
  await tape.relay.stop()
  for (const tcpMatch of ['exact', 'prefix', 'turn'] as const) {
    const server = await serving(t, tape.path, { tcp: 0, tcpMatch, after: 'miss' })
    const probe = await connectTo(t, server.port)
    probe.finish()
    await probe.gone()
    t.is(await (await connectTo(t, server.port)).write('one\n').through('\n'), 'one\n')
    t.deepEqual([server.served, server.missed], [1, 0])
  }
})

test('a recording in which nobody connected says so', async (t) => {
  const tape = await taping(t, { tcp: '0=127.0.0.1:9', udp: '0=127.0.0.1:9' })
  await tape.relay.stop()
  const server = await serving(t, tape.path, { tcp: 0, udp: 0 })
  t.deepEqual(server.notes, ['nothing was recorded over tcp', 'nothing was recorded over udp'])
  const missed = new Promise<void>((resolve) => server.onMiss(() => resolve()))
  // It is torn down at once, maybe before it knows that it is connected.
  void connectTo(t, server.port).catch(() => {})
  await within(missed, 'a miss')
  t.like(server.misses, [{ kind: 'unknown', text: 'nothing was recorded over tcp' }])
})

test('a port that is taken and a word that is no way of matching are refused', async (t) => {
  const origin = await serve(t, (socket) => void socket.end('hello'))
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  await (await connectTo(t, tape.port)).gone()
  await tape.relay.stop()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  t.is((await t.throwsAsync<WiretapeError>(serving(t, tape.path, { tcp: port }))).code, 'bind')
  const refused = await t.throwsAsync<WiretapeError>(serving(t, tape.path, { tcp: 0, tcpMatch: 'fuzzy' as 'exact' }))
  t.is(refused.code, 'usage')
  t.is(refused.message, '--tcp-match fuzzy: expected exact, prefix or turn')
})

test('a listener that is neither port nor text is a usage error that names the option', async (t) => {
  const tape = await taping(t, { tcp: '0=127.0.0.1:1' })
  await tape.relay.stop()
  for (const wrong of [null, {}, [null], [[]]]) {
    const refused = await t.throwsAsync<WiretapeError>(serveRecording(tape.path, { tcp: wrong } as object))
    t.is(refused.code, 'usage')
    t.regex(refused.message, /^serve: tcp: expected a port/)
  }
})
