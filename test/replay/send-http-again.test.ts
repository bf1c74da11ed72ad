import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { sendRecording } from 'wiretape'
import { temporaryFolder } from '../real/temporary-folder.js'
import { recordedHttp } from './served.js'

/*
 * What is sent once more, and what never is; and runs that are ended while an answer comes.
 */

async function target(t: ExecutionContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 600_000
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Two requests on one connection: a GET, then one of this method. */
async function twoOnOne(port: number, method: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (const [path, how] of [['/first', 'GET'], ['/second', method]] as const) {
    const asked = httpRequest({ host: '127.0.0.1', port, path, method: how, agent })
    asked.end(how === 'POST' ? 'pay' : '')
    const [response] = await once(asked, 'response') as [IncomingMessage]
    await once(response.resume(), 'end')
  }
  agent.destroy()
}

for (const [method, how, arrives] of [['GET', 'closes', 2], ['POST', 'closes', 1], ['GET', 'hangs', 1], ['POST', 'hangs', 1]] as const) {
  test(`a ${method} under which the server ${how} arrives ${arrives === 1 ? 'once' : 'twice, which is told'}`, async (t) => {
    const { path } = await recordedHttp(t, (request, response) => { request.resume().on('end', () => response.end('fine')) }, (port) => twoOnOne(port, method))
    let asked = 0
    const to = await target(t, ({ url, socket }, response) => {
      if (url === '/first') response.end('fine')
      else if (++asked > 1) response.end('fine')
      else if (how === 'closes') socket.destroy()
    })
    const { notes, comparison } = await sendRecording(path, { to, patience: 5_000, record: join(temporaryFolder(t), 'now.sqlite') })
    t.is(asked, arrives)
    t.deepEqual(notes, arrives === 1 ? [] : ['1 request was sent twice: the server had closed the connection instead of answering'])
    t.is(comparison.failed, arrives === 1 ? 1 : 0)
  })
}

test('an answer without end is left when the run is ended', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('fine'), (port) => twoOnOne(port, 'GET'))
  const interruption = new AbortController()
  let written = 0
  const to = await target(t, (_, response) => {
    const more = setInterval(() => {
      response.write('more')
      if (++written === 10) interruption.abort()
    }, 20)
    response.once('close', () => clearInterval(more))
  })
  const { interrupted } = await sendRecording(path, { to, signal: interruption.signal, record: join(temporaryFolder(t), 'now.sqlite') })
  t.true(interrupted)
})
