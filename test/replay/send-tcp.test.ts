import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { compareRecordings, openRecording, sendRecording } from 'wiretape'
import type { AnswerDifference, SendOptions, SendResult } from 'wiretape'
import { freePort } from '../real/free-port.js'
import { installed } from '../real/installed.js'
import { connectTo, serve } from '../real/peer.js'
import { run, start } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { within } from '../real/deadline.js'
import { lineServer } from './line-server.js'

async function sending(t: ExecutionContext, file: string, port: number, options: Partial<SendOptions> = {}): Promise<SendResult> {
  const result = await sendRecording(file, { to: `127.0.0.1:${port}`, record: join(temporaryFolder(t), 'now.sqlite'), patience: 20_000, onProblem: (message) => t.log(message), ...options })
  if (options.where === undefined) t.deepEqual((await compareRecordings(file, result.path)).differences, result.comparison.differences, 'compared later it is the same')
  return result
}

function told({ field, was, now }: AnswerDifference): string {
  return `${field}: ${was} → ${now}`
}

/** Two connections one after the other: three turns and an end by the client, and one on which the client has ended before it reads. */
async function talk(t: ExecutionContext, target: number): Promise<string> {
  const taped = await taping(t, { tcp: `0=127.0.0.1:${target}` })
  const client = await connectTo(t, taped.port)
  await client.through('hello\n')
  for (const line of ['one', 'two']) {
    client.write(`${line}\n`)
    await client.through(`${line}!\n`)
  }
  client.finish()
  await client.rest()
  const hasty = await connectTo(t, taped.port)
  await hasty.write('three\n').finish().rest()
  await taped.relay.stop()
  return taped.path
}

const echo = (line: string): string => `you said ${line}!\n`

for (const speed of ['max', 'recorded'] as const) {
  test(`a conversation is repeated, turn by turn: ${speed}`, async (t) => {
    const heard: string[] = []
    const port = await lineServer(t, (line) => {
      heard.push(line)
      return echo(line)
    })
    const file = await talk(t, port)
    const result = await sending(t, file, port, { speed })
    t.deepEqual(result.comparison.differences, [])
    t.is(result.sent, 2)
    t.is(result.comparison.same, 2)
    // By the clock, two connections that followed each other closely may overlap.
    t.deepEqual(speed === 'max' ? heard.slice(3) : heard.slice(3).toSorted(), speed === 'max' ? ['one', 'two', 'three'] : ['one', 'three', 'two'])
    t.is(result.drift === null, speed === 'max')
    using now = openRecording(result.path)
    t.deepEqual([...now.connections()].map(({ endReason }) => endReason), ['client closed', 'client closed'])
  })
}

test('a server that says something else: where, and the conversation goes on', async (t) => {
  const file = await talk(t, await lineServer(t, echo))
  const heard: string[] = []
  const port = await lineServer(t, (line) => {
    heard.push(line)
    return line === 'one' ? 'you sang one!\n' : echo(line)
  })
  const { comparison } = await sending(t, file, port)
  t.deepEqual(comparison.differences.map((one) => told(one).replaceAll(/sha-256 \w+/g, 'sha-256 ')), [
    'offset 12: 69 64 20 6f 6e 65 21 0a 79 6f 75 20 73 61 69 64 (38 bytes, sha-256 …) → 6e 67 20 6f 6e 65 21 0a 79 6f 75 20 73 61 69 64 (38 bytes, sha-256 …)',
  ])
  t.is(comparison.different, 1)
  t.is(comparison.same, 1)
  t.deepEqual(heard, ['one', 'two', 'three'])
})

test('a server that says less, or ends: the difference, and no wait without end', async (t) => {
  const file = await talk(t, await lineServer(t, echo))
  const less = await sending(t, file, await lineServer(t, (line) => line === 'one' ? 'you\n' : echo(line)), { where: 'bytes_up = 8' })
  t.is(less.comparison.different, 1)
  t.is(less.comparison.differences.length, 1)
  const ends = await sending(t, file, await lineServer(t, (line) => line === 'one' ? null : echo(line)), { where: 'bytes_up = 8' })
  t.true(ends.comparison.differences.map(({ field }) => field).includes('client offset 4'), ends.comparison.differences.map(told).join('\n'))
})

test('a server that says nothing is left, and that is told', async (t) => {
  const file = await talk(t, await lineServer(t, echo))
  const { port } = await serve(t, (socket) => socket.on('end', () => socket.end()).resume())
  const { comparison } = await sending(t, file, port, { patience: 1_000, where: 'bytes_up = 8' })
  t.is(comparison.failed, 1)
  t.regex(comparison.differences.map(told).join('\n'), /^answer: complete → silent for 1\S* s, left$/m)
})

test('a target that refuses is told in one line', async (t) => {
  const file = await talk(t, await lineServer(t, echo))
  const port = await freePort()
  await t.throwsAsync(sending(t, file, port), { message: `nothing could be sent: 127.0.0.1:${port} refused the connection` })
})

const withRedis = installed('redis-server') && installed('redis-cli') ? test : test.skip

async function redis(t: ExecutionContext): Promise<number> {
  const port = await freePort()
  const server = start(t, 'redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', temporaryFolder(t)])
  let output = ''
  await within(new Promise<void>((resolve) => {
    server.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString()
      if (output.includes('eady to accept connections')) resolve()
    })
  }), 'redis-server')
  return port
}

withRedis('redis-cli against redis-server, and against one that has another value', async (t) => {
  const port = await redis(t)
  const taped = await taping(t, { tcp: `0=127.0.0.1:${port}` })
  const cli = async (...words: string[]): Promise<string> => (await run(t, 'redis-cli', ['-p', String(taped.port), ...words])).stdout.toString()
  await cli('DEL', 'list', 'count')
  await cli('RPUSH', 'list', 'a', 'b', 'c')
  for (let n = 0; n < 5; n++) await cli('INCR', 'count')
  t.is(await cli('LRANGE', 'list', '0', '-1'), 'a\nb\nc\n')
  t.is(await cli('GET', 'count'), '5\n')
  await taped.relay.stop()
  const second = await redis(t)
  const result = await sending(t, taped.path, second)
  const other = await sending(t, taped.path, second)
  // Only the number of keys that DEL took away differs: there are none in a fresh server.
  t.deepEqual([result, other].map(({ comparison }) => comparison.differences.length), [0, 1])
  t.is(other.comparison.differences[0]!.field, 'offset 1')
})
