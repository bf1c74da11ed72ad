import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { close, definePlugin, delay, drop, reset, respond, retarget } from 'wiretape'
import type { AnyPlugin } from 'wiretape'
import { until } from '../real/deadline.js'
import { http, httpOrigin } from '../real/http-origin.js'
import { connectTo, peerServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { onlyExchange, relaying, taping, textOf } from '../real/relaying.js'

test('a request\'s method, target and fields are changed in place, and the recording has both', async (t) => {
  const server = await httpOrigin(t)
  const change = http('change', {
    request(request) {
      request.method = 'PUT'
      request.path = '/other'
      request.headers.set('x-added', 'yes')
      request.headers.delete('user-agent')
    },
  })
  const tape = await taping(t, { http: server.target, plugins: [change] })
  const { stdout } = await run(t, 'curl', ['-s', '-d', 'body', `http://127.0.0.1:${tape.port}/path?q=1`])
  const seen = JSON.parse(stdout.toString()) as { method: string, url: string, headers: Record<string, string>, body: string }
  t.like(seen, { method: 'PUT', url: '/other?q=1', body: 'body' })
  t.is(seen.headers['x-added'], 'yes')
  t.is(seen.headers['user-agent'], undefined)
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.like(exchange, { method: 'POST', path: '/path', changed: true, status: 200, error: null })
  t.regex(await textOf(recording.message(exchange.id, 'request')), /^POST \/path\?q=1 HTTP\/1.1\r\n(?:.|\r\n)*User-Agent: curl/)
  t.regex(await textOf(recording.message(exchange.id, 'request', 'sent')), /^PUT \/other\?q=1 HTTP\/1.1\r\n(?:.|\r\n)*x-added: yes\r\n\r\nbody$/)
  t.deepEqual([...recording.events({ where: 'hook is not null' })].map(({ kind, source, hook, messageId }) => [kind, source, hook, messageId]), [['changed', 'change', 'http.request', exchange.id]])
})

test('a response\'s status and fields are changed, the rest of it is as it came', async (t) => {
  const server = await peerServer(t)
  const change = http('change', {
    response(response) {
      response.status = 201
      response.reason = 'Made up'
      response.headers.set('X-Seen', `${response.request.method} ${response.request.url}`)
      response.headers.set('content-length', '99')
    },
  })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [change] })
  const client = await connectTo(t, tape.port)
  const request = 'GET /p HTTP/1.1\r\nhOST:a.example\r\n\r\n'
  client.write(request)
  const served = await server.next()
  t.is((await served.take(request.length)).toString(), request)
  served.write('HTTP/1.1 200 OK\r\nconTENT-length:  2\r\nx-seen: 1\r\nx-seen: 2\r\n\r\nhi')
  const expected = 'HTTP/1.1 201 Made up\r\nconTENT-length: 2\r\nx-seen: GET http://a.example/p\r\n\r\nhi'
  t.is((await client.take(expected.length)).toString(), expected)
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.like(exchange, { status: 200, changed: true, responseBodySize: 2 })
  t.is(await textOf(recording.message(exchange.id, 'response', 'sent')), expected)
  t.is(await textOf(recording.message(exchange.id, 'request', 'sent')), request)
})

test('two plugins see each message in their order, and what the one before did', async (t) => {
  const server = await httpOrigin(t)
  const seen: string[] = []
  const spy = (name: string, wait: number): AnyPlugin => http(name, {
    async request(request) {
      await sleep(wait)
      seen.push(`${name} request by ${request.changedBy.join('+')}`)
      request.headers.append('x-by', name)
    },
    response(response) {
      seen.push(`${name} response by ${response.changedBy.join('+')}`)
      response.headers.append('x-by', name)
    },
  })
  const tape = await taping(t, { http: server.target, plugins: [spy('one', 20), spy('two', 0)] })
  const { stdout } = await run(t, 'curl', ['-si', `http://127.0.0.1:${tape.port}/`])
  t.deepEqual(seen, ['one request by ', 'two request by one', 'one response by ', 'two response by one'])
  t.regex(stdout.toString(), /x-by: one\r\nx-by: two/)
  t.regex(stdout.toString(), /"x-by":"one, two"/)
})

test('a request is answered in the server\'s stead, with the server down', async (t) => {
  const mock = http('mock', {
    request(request) {
      if (request.path === '/json') return respond({ status: 418, headers: { 'x-a': ['1', '2'] }, body: { tea: true } })
      return respond({ body: `text for ${request.method}` })
    },
  })
  const tape = await taping(t, { http: '0=http://127.0.0.1:1', plugins: [mock] })
  const { stdout } = await run(t, 'curl', ['-si', '-d', 'a body that goes nowhere', `http://127.0.0.1:${tape.port}/json`, '--next', '-s', `http://127.0.0.1:${tape.port}/text`, '--next', '-sI', `http://127.0.0.1:${tape.port}/head`])
  const first = 'HTTP/1.1 418 I\'m a Teapot\r\nx-a: 1\r\nx-a: 2\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"tea":true}'
  const text = stdout.toString()
  t.true(text.startsWith(`${first}text for GETHTTP/1.1 200 OK\r\n`), text)
  t.regex(text, /Content-Length: 13\r\n\r\n$/)
  const recording = await tape.recorded()
  const exchanges = [...recording.exchanges()]
  t.deepEqual(exchanges.map(({ method, status, changed, responseBodySize, requestBodySize, error, ended }) => [method, status, changed, responseBodySize, requestBodySize, error, ended !== null]), [
    ['POST', 418, true, 12, 24, null, true], ['GET', 200, true, 12, 0, null, true], ['HEAD', 200, true, 0, 0, null, true],
  ])
  t.is(new Set(exchanges.map(({ connectionId }) => connectionId)).size, 1, 'the connection is kept')
  t.is(await textOf(recording.message(exchanges[0]!.id, 'response', 'sent')), first)
  t.is(recording.head(exchanges[0]!.id, 'response', 'sent').toString(), first.replace('{"tea":true}', ''))
  t.is(await textOf(recording.message(exchanges[0]!.id, 'response')), '')
  t.is(await textOf(recording.message(exchanges[0]!.id, 'request', 'sent')), '')
  t.regex(await textOf(recording.message(exchanges[0]!.id, 'request')), /goes nowhere$/)
  t.deepEqual([...recording.events({ where: 'hook is not null' })].map(({ kind, messageId }) => [kind, messageId]), exchanges.map(({ id }) => ['answered', id]))
})

test('answered and forwarded requests on one connection keep their places', async (t) => {
  const server = await httpOrigin(t)
  const mock = http('mock', { request: (request) => request.path.startsWith('/mock') ? respond({ body: request.path }) : undefined })
  const tape = await taping(t, { http: server.target, plugins: [mock] })
  const client = await connectTo(t, tape.port)
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  client.write(get('/mock/1') + get('/real/2') + get('/mock/3') + get('/real/4'))
  await client.through('/mock/1')
  await client.through('"url":"/real/2"')
  await client.through('/mock/3')
  await client.through('"url":"/real/4"')
  client.finish()
  await client.gone()
  t.is(server.served(), 2)
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ path, status, changed, error }) => [path, status, changed, error]),
    [['/mock/1', 200, true, null], ['/real/2', 200, false, null], ['/mock/3', 200, true, null], ['/real/4', 200, false, null]])
  for (const { id, path } of recording.exchanges()) t.true((await textOf(recording.message(id, 'response', 'sent'))).includes(path!))
})

test('a response is replaced by one of the plugin\'s own', async (t) => {
  const server = await httpOrigin(t)
  const replace = http('replace', { response: () => respond({ status: 503, body: 'injected' }) })
  const tape = await taping(t, { http: server.target, plugins: [replace] })
  const url = `http://127.0.0.1:${tape.port}/`
  const { stdout } = await run(t, 'curl', ['-s', '-w', '%{http_code} %{num_connects} ', url, url])
  t.is(stdout.toString(), 'injected503 1 injected503 0 ')
  const recording = await tape.recorded()
  for (const { id, status } of recording.exchanges()) {
    t.is(status, 200)
    t.is(await textOf(recording.message(id, 'response', 'sent')), 'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\n\r\ninjected')
  }
})

test('each request goes where a plugin sends it, and connections are kept', async (t) => {
  const one = await httpOrigin(t, (request, response) => void response.end(`one ${request.url}`))
  const two = await httpOrigin(t, (request, response) => void response.end(`two ${request.url}`))
  const route = http('route', { request: (request) => request.path === '/2' ? retarget(`http://127.0.0.1:${two.port}`) : undefined })
  const tape = await taping(t, { http: one.target, plugins: [route] })
  const url = (path: string): string => `http://127.0.0.1:${tape.port}/${path}`
  const { stdout } = await run(t, 'curl', ['-s', url('1'), url('1'), url('2'), url('2'), url('1')])
  t.is(stdout.toString(), 'one /1one /1two /2two /2one /1')
  const recording = await tape.recorded()
  t.is([...recording.connections()].length, 1)
  t.deepEqual([...recording.exchanges()].map(({ status, error }) => [status, error]), Array.from({ length: 5 }, () => [200, null]))
  t.deepEqual([...recording.events({ where: 'hook is not null' })].map(({ kind }) => kind), ['retargeted', 'dialled', 'retargeted', 'dialled'])
})

test('delay holds a message back', async (t) => {
  const server = await httpOrigin(t)
  const slow = http('slow', { request: () => delay(60), response: () => delay(60) })
  const tape = await taping(t, { http: server.target, plugins: [slow] })
  const began = Date.now()
  await run(t, 'curl', ['-s', `http://127.0.0.1:${tape.port}/`])
  t.true(Date.now() - began >= 119)
  const recording = await tape.recorded()
  t.false(onlyExchange(recording).changed)
})

for (const side of ['request', 'response'] as const) {
  test(`a ${side} is dropped: the client waits until it leaves`, async (t) => {
    const server = await httpOrigin(t)
    const tape = await taping(t, { http: server.target, plugins: [http('drop', { [side]: () => drop() })] })
    const client = await connectTo(t, tape.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    if (side === 'response') await until(() => server.served() > 0, 'the request at the server')
    await sleep(100)
    t.is(client.ending, null)
    t.is(server.served(), side === 'request' ? 0 : 1)
    client.finish()
    t.is((await client.rest()).length, 0)
    const recording = await tape.recorded()
    t.is(await textOf(recording.message(onlyExchange(recording).id, side, 'sent')), '')
  })

  test(`a client that asks on after a ${side} was dropped, and is torn down, is noticed`, async (t) => {
    const server = await httpOrigin(t)
    const relay = await relaying(t, { http: server.target, plugins: [http('drop', { [side]: () => drop() })] })
    const client = await connectTo(t, relay.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3))
    await until(() => side === 'request' ? relay.stats().bytesUp > 0 : server.served() > 0, 'the request')
    await sleep(100)
    client.reset()
    await until(() => relay.stats().open === 0, 'the connection to be over')
    t.pass()
  })

  test(`a ${side} closes the connection`, async (t) => {
    const server = await httpOrigin(t)
    const tape = await taping(t, { http: server.target, plugins: [http('close', { [side]: () => close() })] })
    const client = await connectTo(t, tape.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    t.is((await client.rest()).length, 0)
    client.finish()
    const recording = await tape.recorded()
    t.deepEqual([...recording.connections()].map(({ endReason }) => endReason), ['closed by a plugin'])
  })

  test(`a ${side} resets the connection`, async (t) => {
    const server = await httpOrigin(t)
    const tape = await taping(t, { http: server.target, plugins: [http('reset', { [side]: () => reset() })] })
    const client = await connectTo(t, tape.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    t.is(await client.over(), 'ECONNRESET')
    const recording = await tape.recorded()
    t.is([...recording.connections()][0]!.endReason, 'reset by a plugin')
  })
}

test('a hook that throws or hangs leaves the message as it was, or costs the connection', async (t) => {
  const server = await httpOrigin(t)
  const bad = (name: string, onError: 'pass' | 'cut', request: () => Promise<void> | void): AnyPlugin => definePlugin({
    name, description: name, onError, timeout: 50, setup: () => ({ http: { request: (message) => { message.headers.set('x-half', 'done'); return request() } } }),
  })
  const passing = await relaying(t, { http: server.target, log: () => {}, plugins: [bad('throws', 'pass', () => { throw new Error('boom') }), bad('hangs', 'pass', () => new Promise(() => {}))] })
  const { stdout } = await run(t, 'curl', ['-s', `http://127.0.0.1:${passing.port}/`])
  t.false(stdout.toString().includes('x-half'))
  const cutting = await relaying(t, { http: server.target, log: () => {}, plugins: [bad('throws', 'cut', () => { throw new Error('boom') })] })
  t.is((await run(t, 'curl', ['-s', `http://127.0.0.1:${cutting.port}/`])).code, 56)
})

test('HEAD made GET and GET made HEAD: each side gets the framing that its own method has', async (t) => {
  const server = await httpOrigin(t, (_request, response) => void response.setHeader('Content-Length', 5).end('hello'))
  const swap = http('swap', { request(request) { request.method = request.method === 'GET' ? 'HEAD' : 'GET' } })
  const tape = await taping(t, { http: server.target, plugins: [swap] })
  const url = `http://127.0.0.1:${tape.port}/`
  const { stdout } = await run(t, 'curl', ['-s', '-w', '%{http_code} %{size_download} %{num_connects};', url, '--next', '-sI', '-o', '/dev/null', '-w', '%{http_code} %{num_connects};', url, '--next', '-s', '-w', '%{http_code} %{size_download} %{num_connects};', url])
  t.is(stdout.toString(), '200 0 1;200 0;200 0 0;')
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ method, responseBodySize, error }) => [method, responseBodySize, error]), [['GET', 0, null], ['HEAD', 5, null], ['GET', 0, null]])
})

test('1xx responses pass the hook, and 101 and CONNECT make a tunnel', async (t) => {
  const server = await peerServer(t)
  const seen: string[] = []
  const spy = http('spy', { response(response) { seen.push(`${response.status} ${response.informational}`); response.headers.set('x-a', 'b') } })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [spy] })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
  const served = await server.next()
  await served.through('\r\n\r\n')
  served.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nGET bytes')
  t.is(await client.through('bytes'), 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nx-a: b\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\nx-a: b\r\n\r\nGET bytes')
  client.write('HTTP/1.1 nonsense\r\n\r\n')
  t.is(await served.through('\r\n\r\n'), 'HTTP/1.1 nonsense\r\n\r\n')
  client.finish()
  t.is((await served.rest()).length, 0)
  served.write('last').finish()
  t.is((await client.rest()).toString(), 'last')
  t.deepEqual(seen, ['103 true', '101 false'])
  const recording = await tape.recorded()
  const { id } = onlyExchange(recording)
  t.is(recording.exchange(id).status, 101)
  t.is((await textOf(recording.stream([...recording.connections()][0]!.id, 'up', 'sent'))).slice(-21), 'HTTP/1.1 nonsense\r\n\r\n')
})

test('a tunnel by CONNECT', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [http('spy', { request: () => {} })] })
  const client = await connectTo(t, tape.port)
  client.write('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nearly')
  const served = await server.next()
  t.is(await served.through('\r\n\r\n'), 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n')
  served.write('HTTP/1.1 200 Fine\r\n\r\nhello')
  t.is(await client.through('hello'), 'HTTP/1.1 200 Fine\r\n\r\nhello')
  t.is((await served.take(5)).toString(), 'early')
  client.write('late')
  t.is((await served.take(4)).toString(), 'late')
  served.finish()
  t.is((await client.rest()).length, 0)
  client.finish()
  await served.gone()
})
