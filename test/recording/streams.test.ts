import type { Socket } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Recording } from 'wiretape'
import { randomPieces, seeded } from '../real/chunking.js'
import { connectTo, serve } from '../real/peer.js'
import { bytesOf, taping } from '../real/relaying.js'
import { conversation } from './conversation.js'
import type { Conversation } from './conversation.js'

type Random = () => number

/** Writes the bytes in random pieces, pausing now and then, so that they arrive cut in many ways. */
async function dribble(socket: Socket, bytes: Buffer, random: Random): Promise<void> {
  for (const piece of randomPieces(bytes, random)) {
    const more = socket.write(piece)
    if (!more) await new Promise<void>((resolve) => socket.once('drain', resolve))
    else if (random() < 0.3) await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

/** Reads all requests, then answers with the conversation that the first path names. */
async function answering(t: ExecutionContext, conversations: readonly Conversation[], random: Random): Promise<number> {
  const { port } = await serve(t, (socket) => {
    const chunks: Buffer[] = []
    socket.on('data', (bytes) => chunks.push(bytes))
    socket.once('end', () => {
      const name = /\/(\d+)\//.exec(Buffer.concat(chunks).toString('latin1'))![1]
      void dribble(socket, conversations[Number(name)]!.down, random).then(() => socket.end())
    })
  })
  return port
}

function checkTiling(t: ExecutionContext, recording: Recording, connectionId: number, direction: 'up' | 'down', expected: Buffer): void {
  let at = 0
  const segments = [...recording.segments({ where: `connection_id = ${connectionId} and direction = '${direction}' and leg = 'received'` })]
  for (const segment of segments.toSorted((a, b) => a.offset - b.offset)) {
    if (segment.offset !== at) t.fail(`a segment of ${direction} starts at ${segment.offset}, not at ${at}`)
    if (!expected.subarray(at, at + segment.bytes.length).equals(segment.bytes)) t.fail(`other bytes at ${at} of ${direction}`)
    at += segment.bytes.length
  }
  t.is(at, expected.length)
}

async function record(t: ExecutionContext, seed: number, count: number, together: number, largest: number): Promise<void> {
  const random = seeded(seed)
  const conversations = Array.from({ length: count }, (_, n) => conversation(`${n}`, random, largest))
  const tape = await taping(t, { http: `0=http://127.0.0.1:${await answering(t, conversations, random)}` })
  const talk = async ({ up, down }: Conversation): Promise<void> => {
    const client = await connectTo(t, tape.port)
    await dribble(client.socket, up, random)
    client.finish()
    t.true((await client.rest()).equals(down), 'the client got what the server sent')
    await client.gone()
  }
  const queue = [...conversations]
  await Promise.all(Array.from({ length: together }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await talk(next)
  }))

  const recording = await tape.recorded()
  t.is([...recording.connections()].length, count)
  for (const { id, bytesUp, bytesDown } of recording.connections()) {
    const exchanges = [...recording.exchanges({ where: `connection_id = ${id}` })]
    const { up, down, bodies } = conversations[Number(exchanges[0]!.path!.split('/')[1])]!
    t.true((await bytesOf(recording.stream(id, 'up'))).equals(up))
    t.true((await bytesOf(recording.stream(id, 'down'))).equals(down))
    t.deepEqual([bytesUp, bytesDown], [up.length, down.length])
    checkTiling(t, recording, id, 'up', up)
    checkTiling(t, recording, id, 'down', down)
    t.deepEqual(exchanges.map(({ path, status, error }) => ({ path, status, error })),
      bodies.map(({ path }) => ({ path, status: 200, error: null })))
    for (const [index, exchange] of exchanges.entries()) {
      const { request, response } = bodies[index]!
      t.deepEqual([exchange.requestBodySize, exchange.responseBodySize], [request.length, response.length])
      t.true((await bytesOf(recording.body(exchange.id, 'request'))).equals(request))
      t.true((await bytesOf(recording.body(exchange.id, 'response'))).equals(response))
    }
    const messages = await Promise.all(exchanges.map((exchange) => bytesOf(recording.message(exchange.id, 'response'))))
    t.true(Buffer.concat(messages).equals(down), 'the messages of a direction are its stream')
  }
}

for (const seed of [1, 2, 3]) {
  test.serial(`however the bytes are cut, streams and bodies are recorded as they were sent (seed ${seed})`, async (t) => {
    await record(t, seed, 25, 5, 300_000)
  })
}

test.serial('200 connections at once are recorded byte for byte, each for itself', async (t) => {
  await record(t, 200, 200, 200, 20_000)
})

test.serial('opaque TCP streams are recorded as they were sent, both ways at the same time', async (t) => {
  const random = seeded(7)
  const sent = Array.from({ length: 20 }, () => Buffer.from(Uint8Array.from({ length: 1 + Math.floor(random() * 200_000) }, () => Math.floor(random() * 256))))
  const { port } = await serve(t, (socket) => socket.pipe(socket))
  const tape = await taping(t, { tcp: `0=127.0.0.1:${port}` })
  await Promise.all(sent.map(async (bytes) => {
    const client = await connectTo(t, tape.port)
    const sending = dribble(client.socket, bytes, random)
    t.true((await client.take(bytes.length)).equals(bytes))
    await sending
    await client.finish().gone()
  }))
  const recording = await tape.recorded()
  for (const { id } of recording.connections()) {
    const up = await bytesOf(recording.stream(id, 'up'))
    const index = sent.findIndex((bytes) => bytes.equals(up))
    t.true(index >= 0, 'what was sent up is recorded')
    const [bytes] = sent.splice(index, 1)
    checkTiling(t, recording, id, 'up', bytes!)
    checkTiling(t, recording, id, 'down', bytes!)
  }
  t.is(sent.length, 0)
})
