import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { sendRecording } from 'wiretape'
import type { SendResult } from 'wiretape'
import { connectTo, echoServer, serve } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { within } from '../real/deadline.js'
import { lineServer } from './line-server.js'
import { shop, tourLength, tourRecording } from './shop.js'

function sending(t: ExecutionContext, file: string, port: number, patience = 3_000): Promise<SendResult> {
  return within(sendRecording(file, { to: `127.0.0.1:${port}`, record: join(temporaryFolder(t), 'now.sqlite'), patience, onProblem: (message) => t.log(message) }), 'the run to end')
}

for (const [what, answer] of [
  ['garbage', 'HTTP? no\r\n\r\n'], ['nothing, and an end', ''], ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(400_000)}`], ['a body that is cut', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!'],
  ['broken chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'], ['two answers at once', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
] as const) {
  test(`a server that answers HTTP with ${what} ends no run`, async (t) => {
    const origin = await shop(t)
    const file = await tourRecording(t, origin.target)
    const { port } = await serve(t, (socket) => {
      socket.once('data', () => socket.end(answer))
    })
    const { sent, comparison, equal } = await sending(t, file, port)
    t.is(sent, tourLength)
    t.false(equal)
    t.is(comparison.same, 0)
    t.is(comparison.failed + comparison.different + comparison.onlyA, tourLength)
  })
}

test('a server that talks without end is not listened to for ever', async (t) => {
  const taped = await taping(t, { tcp: `0=127.0.0.1:${await lineServer(t, (line) => `${line}!\n`)}` })
  const client = await connectTo(t, taped.port)
  await client.through('hello\n')
  client.write('one\n')
  await client.through('one!\n')
  client.finish()
  await client.rest()
  await taped.relay.stop()
  const { port } = await serve(t, (socket) => {
    const timer = setInterval(() => socket.write('and on and on\n'), 5)
    socket.on('data', () => {})
    socket.on('close', () => clearInterval(timer))
  })
  const { comparison } = await sending(t, taped.path, port)
  t.is(comparison.different, 1)
})

test('megabytes both ways at once', async (t) => {
  const port = await echoServer(t)
  const taped = await taping(t, { tcp: `0=127.0.0.1:${port}` })
  const client = await connectTo(t, taped.port)
  const bytes = Buffer.alloc(8_000_000, 'wiretape ')
  client.write(bytes).finish()
  t.true((await client.rest()).equals(bytes))
  await taped.relay.stop()
  const { comparison } = await sending(t, taped.path, port, 10_000)
  t.deepEqual(comparison.differences, [])
  t.is(comparison.same, 1)
})
