import test from 'ava'
import type { ExecutionContext } from 'ava'
import { connectTo, peerServer } from '../real/peer.js'
import { onlyConnection, onlyExchange, taping } from '../real/relaying.js'
import { wiretape } from './wiretape.js'

/** Records one request and what a server says to it, and after that what either says. */
async function recorded(t: ExecutionContext, request: string, response: string, then: { up: string, down: string }): Promise<{ file: string, connection: string, exchange: string }> {
  const server = await peerServer(t)
  const taped = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, taped.port)
  client.write(request)
  const peer = await server.next()
  await peer.take(request.length)
  peer.write(response)
  await client.take(response.length)
  client.write(then.up)
  await peer.take(then.up.length)
  peer.write(then.down).finish()
  client.finish()
  await client.rest()
  const recording = await taped.recorded()
  return { file: taped.path, connection: String(onlyConnection(recording).id), exchange: String(onlyExchange(recording).id) }
}

const upgrade = 'GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\n'
const connect = 'CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n'
for (const [what, request, response, then, told] of [
  ['a 101', upgrade, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\n', { up: 'hello\n', down: 'welcome\n' }, '6 B up, 8 B down'],
  ['a CONNECT', connect, 'HTTP/1.1 200 OK\r\n\r\n', { up: 'ping\n', down: 'a pong\n' }, '5 B up, 7 B down'],
  ['what can\'t be read', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', { up: '', down: 'zz\r\nok' }, '0 B up, 6 B down'],
] as const) {
  test(`the bytes that follow ${what} are told with the exchange and shown with the connection`, async (t) => {
    const { file, connection, exchange } = await recorded(t, request, response, then)
    const shown = (await wiretape(t, 'show', file, exchange)).stdout.toString()
    t.true(shown.includes(`[then ${told}, not decoded: wiretape show ${connection}]`), shown)
    const whole = await wiretape(t, 'show', file, connection)
    t.is(whole.code, 0, whole.stderr)
    const text = whole.stdout.toString()
    t.regex(text, new RegExp(`^connection ${connection} · http · .*\n +${exchange} .*(?:GET|CONNECT) .*\nnot decoded:\n`), text)
    for (const line of [then.up, then.down]) t.true(text.includes(line.replaceAll('\r\n', '\n')), text)
    t.is((await wiretape(t, 'show', file, connection, '--body', 'request')).stdout.toString(), request + then.up)
    t.is((await wiretape(t, 'show', file, connection, '--body', 'response')).stdout.toString(), response + then.down)
    t.is((await wiretape(t, 'show', file, connection, '--raw')).stdout.toString(), request + then.up + response + then.down)
    t.is((JSON.parse((await wiretape(t, 'show', file, connection, '--json')).stdout.toString()) as { id: number }).id, Number(connection))
  })
}
