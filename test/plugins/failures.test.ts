import test from 'ava'
import { definePlugin, startRelay } from 'wiretape'
import type { AnyPlugin } from 'wiretape'
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

test('a plugin that could never do what it is for is refused, with the reason', async (t) => {
  const complaint = async (changes: object): Promise<string> => {
    const plugin = { name: 'odd', description: 'Odd.', setup: () => ({}), ...changes } as AnyPlugin
    return (await t.throwsAsync(startRelay({ tcp: '0=127.0.0.1:9', plugins: [plugin] }), { code: 'usage' })).message
  }
  const of = (hooks: object): Promise<string> => complaint({ setup: () => hooks })
  t.is(await of({ htpp: {} }), 'plugin odd: there is no hook htpp (did you mean http?); there are connection, http, ftp, udp, dns, stream, recording')
  t.is(await of({ http: { requset() {} } }), 'plugin odd: there is no hook http.requset (did you mean http.request?); there are request, requestBody, response, responseBody, trailers')
  t.is(await of({ ftp: { command: 5 } }), 'plugin odd: ftp.command is no function')
  t.is(await of({ udp: null }), 'plugin odd: udp is no object of hooks, such as udp: { datagram() {} }')
  t.is(await of({ stream: {} }), 'plugin odd: stream is no function')
  t.regex(await complaint({ setup: () => Promise.reject(new Error('late')) }), /setup returned a promise: it may not be async/)
  t.regex(await complaint({ options: { a: { type: 'numbr', description: '' } } }), /option a is declared with the type numbr; there are number, string, boolean, list/)
  t.regex(await complaint({ options: { a: { type: 'number', maximum: 3, default: 4, description: '' } } }), /option a, its default: expected a number of 3 or less, not 4/)
  t.is(await complaint({ onError: 'explode' }), 'plugin odd: onError: expected "pass" or "cut", not "explode"')
  t.is(await complaint({ timeout: 'soon' }), 'plugin odd: timeout: expected a number of 0 or more, not "soon"')
})

test('hooks may keep things of their own beside them', async (t) => {
  const server = await httpOrigin(t, (_request, response) => response.end('fine'))
  const counting = definePlugin({ name: 'counting', description: 'Counts.', setup: () => {
    const hooks = { count: 0, response(response: { headers: { set(name: string, value: string): void } }) {
      response.headers.set('x-count', String(++hooks.count))
    } }
    return { http: hooks }
  } })
  const relay = await relaying(t, { http: server.target, plugins: [counting] })
  const { stdout } = await run(t, 'curl', ['-si', `http://127.0.0.1:${relay.port}/`])
  t.regex(stdout.toString(), /x-count: 1\r\n/)
})
