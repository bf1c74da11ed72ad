import test from 'ava'
import { definePlugin, respond, retarget } from 'wiretape'
import { http, httpOrigin } from '../real/http-origin.js'
import { connectTo, echoServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { relaying } from '../real/relaying.js'

/** Targets and answers of plugins that can't be followed. */

test('a request or a connection is not sent back to the relay that it came to', async (t) => {
  const server = await httpOrigin(t, (_request, response) => response.end('from the server'))
  const lines: string[] = []
  let own = 0
  const loops = http('loops', { request: () => retarget(`http://localhost:${own}`) })
  const requests = await relaying(t, { http: server.target, plugins: [loops], log: (line) => lines.push(line) })
  own = requests.port
  const { stdout } = await run(t, 'curl', ['-s', `http://127.0.0.1:${requests.port}/`])
  t.is(stdout.toString(), 'from the server')
  t.is(requests.stats().connections, 1)

  const back = definePlugin({ name: 'back', description: 'Goes back.', setup: () => ({ connection: { open: () => retarget(`127.0.0.1:${own}`) } }) })
  const connections = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [back], log: (line) => lines.push(line) })
  own = connections.port
  const client = await connectTo(t, connections.port)
  t.is((await client.write('hello').take(5)).toString(), 'hello')
  t.is(connections.stats().connections, 1)
  t.deepEqual(lines.map((line) => line.replace(/:\d+/g, ':PORT')), [
    'retarget(http://localhost:PORT): that is this relay itself; it goes to http://127.0.0.1:PORT', 'retarget(127.0.0.1:PORT): that is this relay itself; it goes to 127.0.0.1:PORT',
  ])
})

test('an answer that is none is told on standard error too', async (t) => {
  const server = await httpOrigin(t, (_request, response) => response.end('from the server'))
  const lines: string[] = []
  const relay = await relaying(t, { http: server.target, plugins: [http('odd', { request: () => respond({ status: 99 }) })], log: (line) => lines.push(line) })
  const { stdout } = await run(t, 'curl', ['-s', `http://127.0.0.1:${relay.port}/`])
  t.is(stdout.toString(), 'from the server')
  t.deepEqual(lines, ['http.request: respond: status 99 is not a whole number from 200 to 999; the message goes on unchanged'])
})
