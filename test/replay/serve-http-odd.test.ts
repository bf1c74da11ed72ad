import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openRecording, serveRecording } from 'wiretape'
import { resetPeer } from 'wiretape/faults'
import { until } from '../real/deadline.js'
import { connectTo } from '../real/peer.js'
import { freePort } from '../real/free-port.js'
import { taping } from '../real/relaying.js'
import { recordedHttp, serving } from './served.js'
import { alter } from './serving-bytes.js'

/*
 * What a server that stands in makes of recordings that aren't whole, of clients that don't behave, and of a live server behind it that doesn't.
 */

async function live(t: ExecutionContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 600_000
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const get = async (port: number, path: string, headers: Record<string, string> = {}): Promise<readonly [number, string]> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  return [response.status, await response.text()]
}

test('an answer that came whole before its request was over is given, though the recording has no end of that', async (t) => {
  const target = await live(t, (_, response) => void response.end('early'))
  const tape = await taping(t, { http: `0=${target}` })
  const client = await connectTo(t, tape.port)
  client.write('POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
  await client.through('early')
  await until(() => {
    using recording = openRecording(tape.path)
    return [...recording.exchanges({ where: 'response_body_size = 5 AND request_body_size = 4 AND ended IS NULL' })].length === 1
  }, 'the recording to have it')
  const server = await serving(t, tape.path, { http: 0 })
  const answer = await fetch(`http://127.0.0.1:${server.port}/early`, { method: 'POST', body: 'half' })
  t.deepEqual([answer.status, await answer.text()], [200, 'early'])
})

test('an answer that is still coming while it is recorded isn\'t given, however it would end', async (t) => {
  let finish: () => void = () => {}
  const target = await live(t, ({ url }, response) => {
    if (url === '/length') response.writeHead(200, { 'Content-Length': 20 })
    if (url === '/close') response.writeHead(200, { Connection: 'close' })
    response.write('only half.')
    finish = () => response.end('the other.')
  })
  const tape = await taping(t, { http: `0=${target}` })
  for (const path of ['/length', '/chunked', '/close']) {
    const client = await connectTo(t, tape.port)
    client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)
    await client.through('half.')
  }
  await until(() => {
    const recording = openRecording(tape.path)
    const { length } = [...recording.exchanges()]
    recording.close()
    return length === 3
  }, 'the recording to have them')
  const server = await serving(t, tape.path, { http: 0 })
  await until(async () => (await get(server.port, '/close'))[1].includes('isn\'t given short'), 'the recording to have it')
  for (const path of ['/length', '/chunked', '/close']) {
    const [status, body] = await get(server.port, path)
    t.is(status, 502)
    t.regex(body, /isn't whole and isn't given short: the recording ends before it does/)
  }
  finish()
})

test('a client that was torn away before it had the head gets no body without one', async (t) => {
  const attempt = async (port: number): Promise<string> => {
    const client = await connectTo(t, port)
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    return `${await client.over()} ${client.takeAll().length}`
  }
  const { path, result } = await recordedHttp(t, (_, response) => response.end(Buffer.alloc(2_000_000)), attempt, { plugins: [resetPeer({ direction: 'down' })] })
  t.regex(result, / 0$/)
  const { port } = await serving(t, path, { http: 0 })
  t.regex(await attempt(port), / 0$/)
})

test('an answer of which bytes were left out isn\'t given short, and the client is told so', async (t) => {
  const { path } = await recordedHttp(t, (request, response) => response.end(`${request.url} and more`), async (port) => {
    for (const one of ['/whole', '/lost']) await get(port, one, { Connection: 'close' })
  })
  alter(path, `UPDATE connection SET dropped_down = 9 WHERE id = (SELECT connection_id FROM http_exchange_row WHERE path = '/lost');
    DELETE FROM segment WHERE kind = 'body' AND message_id = (SELECT id FROM http_exchange_row WHERE path = '/lost')`)
  const server = await serving(t, path, { http: 0 })
  t.deepEqual(await get(server.port, '/whole'), [200, '/whole and more'])
  const [status, body] = await get(server.port, '/lost')
  t.is(status, 502)
  t.regex(body, /isn't whole and isn't given short: not all of its bytes were recorded/)
  t.deepEqual(server.misses.map(({ kind, asked }) => [kind, asked]), [['incomplete', 'GET /lost']])
})

test('what was no HTTP isn\'t given', async (t) => {
  const { createServer: createTcpServer } = await import('node:net')
  const server = createTcpServer((socket) => socket.once('data', () => socket.end('hello, I am no HTTP\r\n'))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const tape = await taping(t, { http: `0=http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await client.through('no HTTP\r\n')
  client.finish()
  await client.over()
  ;(await tape.recorded()).close()
  const { port } = await serving(t, tape.path, { http: 0 })
  const [status, body] = await get(port, '/')
  t.is(status, 502)
  t.regex(body, /isn't given short: it is no HTTP/)
})

test('a request of which nobody can say where it ends is told, missed, and the last of its connection', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), (port) => get(port, '/'))
  const server = await serving(t, path, { http: 0 })
  const asked: readonly (readonly [string, RegExp])[] = [
    ['Content-Length: abc\r\n\r\n', /Content-Length "abc"/],
    ['Content-Length: -5\r\n\r\n', /Content-Length "-5"/],
    ['Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello', /Content-Length "5, 6"/],
    ['Transfer-Encoding: gzip\r\n\r\nhello', /Transfer-Encoding "gzip" doesn't end in chunked/],
    ['Transfer-Encoding: chunked\r\n\r\nzz\r\nhello', /chunk size not understood: "zz"/],
  ]
  for (const [fields, reason] of asked) {
    const client = await connectTo(t, server.port)
    client.write(`POST /a HTTP/1.1\r\nHost: h\r\n${fields}`)
    const answer = (await client.rest()).toString()
    t.regex(answer, /^HTTP\/1\.1 502 /)
    t.regex(answer, /\r\nConnection: close\r\n/i)
    t.regex(answer, /POST \/a can't be read to its end: /)
    t.regex(answer, reason)
    t.regex(server.misses.at(-1)!.text, reason)
    t.is(server.misses.at(-1)!.asked, 'POST /a')
  }
  t.is(server.missed, asked.length)
})

test('what is recorded in place of a miss was given already: the next one asks the live server again', async (t) => {
  let count = 0
  const counting: RequestListener = (_, response) => response.end(String(++count))
  const { path } = await recordedHttp(t, counting, async (port) => {
    await get(port, '/count')
    await get(port, '/count')
  })
  const target = await live(t, counting)
  const server = await serving(t, path, { http: 0, onMiss: `record=${target}`, after: 'miss' })
  const said: string[] = []
  for (let n = 0; n < 6; n++) said.push((await get(server.port, '/count'))[1])
  t.deepEqual(said, ['1', '2', '3', '4', '5', '6'])
  await server.stop()
  const again = await serving(t, path, { http: 0, after: 'miss' })
  for (const one of said) t.is((await get(again.port, '/count'))[1], one)
  t.is((await get(again.port, '/count'))[0], 502)
})

test('304 and 206 are for who asks with a condition or for a range; HEAD is answered by a GET\'s head', async (t) => {
  const body = '0123456789'
  const { path } = await recordedHttp(t, ({ headers }, response) => {
    if (headers['if-none-match'] === '"x"') response.writeHead(304, { ETag: '"x"' }).end()
    else if (headers.range !== undefined) response.writeHead(206, { 'Content-Range': 'bytes 0-3/10' }).end(body.slice(0, 4))
    else response.writeHead(200, { 'ETag': '"x"', 'Content-Length': 10 }).end(body)
  }, async (port) => {
    await get(port, '/')
    await get(port, '/', { 'If-None-Match': '"x"' })
    await get(port, '/', { Range: 'bytes=0-3' })
  })
  const server = await serving(t, path, { http: 0 })
  const asked: readonly (readonly [Record<string, string>, number, string])[] = [
    [{}, 200, body], [{}, 200, body], [{ 'If-None-Match': '"x"' }, 304, ''], [{}, 200, body], [{ Range: 'bytes=0-3' }, 206, '0123'], [{ Range: 'bytes=5-6' }, 200, body],
  ]
  for (const [headers, status, text] of asked) t.deepEqual(await get(server.port, '/', headers), [status, text])
  const head = await fetch(`http://127.0.0.1:${server.port}/`, { method: 'HEAD' })
  t.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '10', ''])
  t.is(server.missed, 0)
})

test('routes keep apart, whatever of the path they compare', async (t) => {
  const { path } = await recordedHttp(t, ({ url }, response) => response.end(url), async (port) => {
    for (const one of ['/x/1?a=1', '/y/1?a=1', '/y/2?b=2']) await get(port, one)
  })
  const { port } = await serving(t, path, { http: 0, routes: [{ path: '/x', match: ['method'] }, { path: '/y', match: ['method', 'query'] }] })
  t.deepEqual(await get(port, '/x/other'), [200, '/x/1?a=1'])
  t.deepEqual(await get(port, '/y/other?a=1'), [200, '/y/1?a=1'])
  t.deepEqual(await get(port, '/y/other?b=2'), [200, '/y/2?b=2'])
  t.is((await get(port, '/x/other'))[1], '/x/1?a=1')
})

test('a live server that dies in the middle takes the client along; what wasn\'t whole is asked for and recorded anew', async (t) => {
  const { path } = await recordedHttp(t, ({ url }, response) => {
    response.writeHead(200, { 'Content-Length': 20 })
    response.write('only half.')
    if (url === '/known') response.end('the other.')
  }, async (port) => {
    await get(port, '/known')
    const client = await connectTo(t, port)
    client.write('GET /left HTTP/1.1\r\nHost: h\r\n\r\n')
    await client.through('half.')
    client.reset()
  })
  let asked = 0
  const target = await live(t, ({ url, socket }, response) => {
    asked++
    if (url === '/left') {
      response.end('now whole')
      return
    }
    response.writeHead(200, { 'Content-Length': 20 })
    response.write('half', () => socket.destroy())
  })
  const server = await serving(t, path, { http: 0, onMiss: `record=${target}` })
  const client = await connectTo(t, server.port)
  client.write('GET /dies HTTP/1.1\r\nHost: h\r\n\r\n')
  t.not(await client.over(), '')
  t.true(client.takeAll().toString().endsWith('half'))
  t.is((await get(server.port, '/left'))[1], 'now whole')
  t.is((await get(server.port, '/left'))[1], 'now whole')
  t.is(asked, 2)
  await server.stop()
  // Recorded from elsewhere, it still is the same server to stand in for.
  const again = await serving(t, path, { http: 0 })
  t.is((await get(again.port, '/left'))[1], 'now whole')
  t.is((await get(again.port, '/known'))[1], 'only half.the other.')
})

test('a stop in the middle of recording anew is no trouble', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), (port) => get(port, '/'))
  const target = await live(t, (_, response) => response.end('new'))
  for (let n = 0; n < 3; n++) {
    const server = await serveRecording(path, { http: 0, onMiss: `record=${target}` })
    const client = await connectTo(t, server.port)
    client.write(`GET /new${n} HTTP/1.1\r\n\r\n`)
    await client.through('\r\n\r\n')
    await server.stop()
  }
  t.pass()
})

test('a client that asks without end and reads nothing is not answered without end', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end(Buffer.alloc(100_000)), (port) => get(port, '/'))
  const server = await serving(t, path, { http: 0 })
  const client = await connectTo(t, server.port)
  client.socket.pause()
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(2_000))
  // 200 MB would come; the systems between them take a few.
  let before = -1
  while (before !== server.served) {
    before = server.served
    await new Promise((resolve) => { setTimeout(resolve, 500) })
  }
  t.true(server.served < 500, `${server.served} answers`)
  client.socket.resume()
  await until(() => {
    client.takeAll()
    return server.served === 2_000
  }, 'all to be answered')
})

test('clients that leave a server which never answers leave nothing behind', async (t) => {
  let asked = false
  const { path } = await recordedHttp(t, () => { asked = true }, async (port) => {
    const client = await connectTo(t, port)
    client.write('GET /never HTTP/1.1\r\nHost: h\r\n\r\n')
    await until(() => asked, 'the request at the server')
    client.reset()
  })
  const server = await serving(t, path, { http: 0 })
  for (let n = 0; n < 5; n++) {
    const client = await connectTo(t, server.port)
    client.write('GET /never HTTP/1.1\r\nHost: h\r\n\r\n').finish()
    t.is((await client.rest()).length, 0)
    await client.gone()
  }
  t.is(server.served, 5)
})

test('options that there aren\'t, recording what would not be masked, and asking oneself are refused', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), (port) => get(port, '/'))
  const refused = (options: object, message: RegExp): Promise<unknown> => t.throwsAsync(serveRecording(path, options), { code: 'usage', message })
  await refused({ http: 0, ignored: [] }, /there is no option ignored \(did you mean ignore\?\)/)
  await refused({ http: 0, routes: [{ path: '/', ignroe: [] }] }, /there is no ignroe: a route has path, match and ignore/)
  await refused({ http: 0, routes: [{ path: 'x' }] }, /routes: path: "x" is where no path begins/)
  await serving(t, path, { http: [0] as never })
  const port = await freePort()
  await refused({ http: port, onMiss: `forward=http://127.0.0.1:${port}` }, /that is where this listens itself/)
  await refused({ http: [0, 0] as never, onMiss: 'record=http://127.0.0.1:9' }, /for one --http listener alone/)
  const masked = await recordedHttp(t, (_, response) => response.end('x'), (relay) => get(relay, '/'), { plugins: ['redact'] })
  await t.throwsAsync(serveRecording(masked.path, { http: 0, onMiss: 'record=http://127.0.0.1:9' }), { code: 'usage', message: /were masked by redact, and those that come now would not be: use forward=/ })
})

test('a masked query of another length is the closest, and the miss says why', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), async (port) => {
    await get(port, '/items?token=sesame')
    await get(port, '/items?token=')
    await get(port, '/items')
  }, { plugins: ['redact'] })
  const server = await serving(t, path, { http: 0 })
  t.is((await get(server.port, '/items?token=simsim'))[0], 200)
  const [status, body] = await get(server.port, '/items?token=a-longer-one')
  t.is(status, 502)
  t.regex(body, /the closest is exchange \d+, GET \/items\?token=\*{6}; its query token is masked there: anything of the same length goes, and this has another\n/)
})
