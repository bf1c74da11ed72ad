import test from 'ava'
import { definePlugin } from 'wiretape'
import { http, httpOrigin } from '../real/http-origin.js'
import { run } from '../real/program.js'
import { relaying } from '../real/relaying.js'

/** What is said of a plugin that fails names the place in its own file. */

const here = /\(.*test\/plugins\/failures\.test\.[jt]s:\d+:\d+\)$/

test('a hook that fails in what it was given is told with the plugin\'s own line', async (t) => {
  const server = await httpOrigin(t, (_request, response) => response.end('{no json'))
  const lines: string[] = []
  const reads = http('reads', { responseBody(body) { body.text = String(body.json) } })
  const sets = http('sets', { async response(response) {
    await Promise.resolve()
    response.headers.set('a b', 'c')
  } })
  const relay = await relaying(t, { http: server.target, plugins: [reads, sets], log: (line) => lines.push(line) })
  const { stdout } = await run(t, 'curl', ['-s', `http://127.0.0.1:${relay.port}/`])
  t.is(stdout.toString(), '{no json', 'and the message goes on unchanged')
  t.is(lines.length, 2)
  t.regex(lines[0]!, /^sets: http\.response failed: /)
  t.regex(lines[0]!, here)
  t.regex(lines[1]!, /^reads: http\.responseBody failed: .*JSON/)
  t.regex(lines[1]!, here)
})

test('a setup that fails for a connection is told with its line, a result that is no action with none', async (t) => {
  const server = await httpOrigin(t, (_request, response) => response.end('fine'))
  const lines: string[] = []
  let times = 0
  const setup = definePlugin({ name: 'setup', description: 'Can be set up once.', setup: () => {
    if (++times > 1) throw new Error('once is enough')
    return { http: {} }
  } })
  const nonsense = http('nonsense', { request: () => 42 as never })
  const relay = await relaying(t, { http: server.target, plugins: [setup, nonsense], log: (line) => lines.push(line) })
  const { stdout } = await run(t, 'curl', ['-s', `http://127.0.0.1:${relay.port}/`])
  t.is(stdout.toString(), 'fine')
  t.is(lines.length, 2)
  t.regex(lines[0]!, /^setup: setup failed, this connection goes without it: once is enough/)
  t.regex(lines[0]!, here)
  t.regex(lines[1]!, /^nonsense: http\.request failed: /)
  t.notRegex(lines[1]!, /:\d+:\d+/)
})
