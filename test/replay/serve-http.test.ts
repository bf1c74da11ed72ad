import { readFileSync } from 'node:fs'
import { Agent, createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { openRecording, serveRecording } from 'wiretape'
import { httpError, truncate } from 'wiretape/faults'
import { within } from '../real/deadline.js'
import { installed } from '../real/installed.js'
import { connectTo } from '../real/peer.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { recordedHttp, serving } from './served.js'

const withCurl = installed('curl') ? test : test.skip
const withChromium = installed('chromium') ? test : test.skip

async function bodyOf(request: IncomingMessage): Promise<string> {
  return text(request)
}

/** Tells what it was asked, and the how-manieth time it was asked anything. */
function counting(): RequestListener {
  let count = 0
  return (request, response) => void bodyOf(request).then((body) => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ count: ++count, method: request.method, url: request.url, body }))
  })
}

interface Got { readonly status: number, readonly headers: readonly string[], readonly body: string }

async function ask(port: number, path: string, { method = 'GET', body = '', headers = {}, agent }: { method?: string, body?: string, headers?: Record<string, string>, agent?: Agent } = {}): Promise<Got> {
  const asked = httpRequest({ host: '127.0.0.1', port, path, method, headers, ...(agent === undefined ? {} : { agent }) })
  asked.end(body)
  const [response] = await within(once(asked, 'response') as Promise<[IncomingMessage]>, 'an answer')
  return { status: response.statusCode!, headers: response.rawHeaders, body: await text(response) }
}

withCurl('curl: the same commands have the same output when the server is gone, heads and all', async (t) => {
  const answer: RequestListener = (request, response) => void bodyOf(request).then((body) => {
    switch (request.url) {
      case '/empty': response.writeHead(204, { 'X-Odd-Case': '1' }).end(); return
      case '/moved': response.writeHead(302, { Location: '/page' }).end('elsewhere'); return
      case '/chunks': response.write('one '); setTimeout(() => response.end('two'), 20); return
      case '/trailers': response.writeHead(200, { Trailer: 'X-Sum' }); response.write('body'); response.addTrailers({ 'X-Sum': '4' }); response.end(); return
      case '/gzip': response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('squeezed')); return
      case '/cookies': response.setHeader('Set-Cookie', ['a=1', 'b=2']); response.end(); return
      case '/early': response.writeEarlyHints({ link: '</style.css>; rel=preload' }); response.end('late'); return
      case '/large': response.end(Buffer.alloc(2_000_000, 'abcdefg')); return
      default: response.end(`${request.method} ${request.url} ${body.length}`)
    }
  })
  const commands: readonly (readonly [path: string, ...options: string[]])[] = [
    ['/page?b=2&a=1'], ['/page', '-X', 'DELETE'], ['/page', '-I'], ['/empty'], ['/moved', '-L'], ['/chunks'], ['/trailers', '--raw'], ['/gzip', '--compressed'], ['/cookies'],
    ['/early'], ['/large'], ['/form', '-d', 'a=1&b=2'], ['/put', '-T', '-', '-H', 'Expect: 100-continue'], ['/multi', '-F', 'name=value', '-F', 'file=@/proc/version'], ['/old', '-0'],
    ['/unread', '-H', 'Connection: close'],
  ]
  const curls = async (port: number): Promise<string[]> => {
    const outputs: string[] = []
    for (const [path, ...rest] of commands) {
      const { code, stdout } = await run(t, 'curl', ['-sS', '-i', ...rest, `http://127.0.0.1:${port}${path}`], rest.includes('-T') ? 'to be put' : '')
      outputs.push(`${path} ${code}\n${stdout.toString('latin1')}`)
    }
    return outputs
  }
  const { path, result } = await recordedHttp(t, answer, curls)
  const server = await serving(t, path, { http: 0, after: 'miss' })
  t.deepEqual(await curls(server.port), result)
  t.deepEqual([server.missed, server.served], [0, commands.length + 1])
})

withChromium('chromium: a page with its assets is the same when the server is gone', async (t) => {
  const page = '<!doctype html><link rel=stylesheet href=style.css><img src=dot.svg><script src=first.js></script><script type=module src=second.js></script><p id=out>nothing'
  const files: Readonly<Record<string, readonly [type: string, body: string]>> = {
    '/': ['text/html', page], '/style.css': ['text/css', 'p { color: red }'], '/dot.svg': ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>'],
    '/first.js': ['text/javascript', 'window.first = "first"'], '/second.js': ['text/javascript', `
      const data = await (await fetch('data?n=1')).json()
      document.getElementById('out').textContent = [first, data.told, getComputedStyle(document.getElementById('out')).color, document.images[0].width].join(' ')`],
    '/data?n=1': ['application/json', '{"told":"by the server"}'],
  }
  const visit = async (port: number): Promise<string> => {
    const { stdout } = await run(t, 'chromium', [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      `--user-data-dir=${temporaryFolder(t)}`, '--virtual-time-budget=20000', '--dump-dom', `http://127.0.0.1:${port}/`,
    ])
    return stdout.toString()
  }
  const { path, result } = await recordedHttp(t, (request, response) => {
    const [type, body] = files[request.url ?? ''] ?? []
    if (type === undefined) response.writeHead(404).end()
    else response.setHeader('Content-Type', type).end(body)
  }, visit)
  t.regex(result, /first by the server rgb\(255, 0, 0\) 7/)
  const server = await serving(t, path, { http: 0 })
  t.is(await visit(server.port), result)
})

test('equal requests get the recorded answers in their order, and then what was asked for', async (t) => {
  const { path } = await recordedHttp(t, counting(), async (port) => {
    for (const one of ['/a', '/a', '/b', '/a']) await ask(port, one)
  })
  const counts = async (after: 'repeat' | 'cycle' | 'miss'): Promise<unknown[]> => {
    const { port } = await serving(t, path, { http: 0, after })
    const got: unknown[] = []
    for (const one of ['/a', '/b', '/a', '/a', '/a', '/a', '/b']) {
      const { status, body } = await ask(port, one)
      got.push(status === 200 ? (JSON.parse(body) as { count: number }).count : status)
    }
    return got
  }
  t.deepEqual(await counts('repeat'), [1, 3, 2, 4, 4, 4, 3])
  t.deepEqual(await counts('cycle'), [1, 3, 2, 4, 1, 2, 3])
  t.deepEqual(await counts('miss'), [1, 3, 2, 4, 502, 502, 502])
})

test('what is compared: method, path, query and body, or what the rules say, for a route its own', async (t) => {
  const { path } = await recordedHttp(t, counting(), async (port) => {
    await ask(port, '/search?q=tea&page=1&_t=111')
    await ask(port, '/orders', { method: 'POST', body: '{"item":"tea","at":111,"lines":[{"id":1,"n":2}]}', headers: { 'Content-Type': 'application/json' } })
    await ask(port, '/form', { method: 'POST', body: 'a=1&token=111', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
    await ask(port, '/lang', { headers: { Accept: 'text/html' } })
    await ask(port, '/lang', { headers: { Accept: 'text/plain' } })
  })
  const count = async (port: number, ...[to, options]: [string, Parameters<typeof ask>[2]?]): Promise<number> => {
    const { status, body } = await ask(port, to, options)
    return status === 200 ? (JSON.parse(body) as { count: number }).count : status
  }
  const plain = await serving(t, path, { http: 0 })
  t.is(await count(plain.port, '/search?page=1&_t=111&q=tea'), 1)
  t.is(await count(plain.port, '/search?q=tea&page=1&_t=222'), 502)
  t.is(await count(plain.port, '/search?q=tea&page=1&_t=111', { method: 'POST' }), 502)
  t.is(await count(plain.port, '/orders', { method: 'POST', body: '{"item":"tea","at":111,"lines":[{"id":1,"n":3}]}' }), 502)
  const loose = await serving(t, path, { http: 0, ignore: ['query:_t', 'json:$.at', 'json:$.lines[*].id', 'form:token'] })
  t.is(await count(loose.port, '/search?q=tea&page=1'), 1)
  t.is(await count(loose.port, '/search?q=tea&page=2'), 502)
  t.is(await count(loose.port, '/orders', { method: 'POST', body: '{"lines":[{"n":2,"id":9}],"at":5,"item":"tea"}' }), 2)
  t.is(await count(loose.port, '/orders', { method: 'POST', body: '{"lines":[{"n":3,"id":9}],"at":5,"item":"tea"}' }), 502)
  t.is(await count(loose.port, '/form', { method: 'POST', body: 'a=1&token=2', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }), 3)
  const byHeader = await serving(t, path, { http: 0, match: ['method', 'path', 'header:Accept'] })
  t.is(await count(byHeader.port, '/lang', { headers: { Accept: 'text/plain' } }), 5)
  t.is(await count(byHeader.port, '/lang?any=thing', { headers: { Accept: 'text/html' } }), 4)
  t.is(await count(byHeader.port, '/lang', { headers: { Accept: 'image/png' } }), 502)
  const routed = await serving(t, path, { http: 0, routes: [{ path: '/search', ignore: ['query'] }, { path: '/orders', match: ['path'] }] })
  t.is(await count(routed.port, '/search?whatever'), 1)
  t.is(await count(routed.port, '/orders', { method: 'PUT', body: 'else' }), 2)
  t.is(await count(routed.port, '/form?x', { method: 'POST', body: 'a=1&token=111' }), 502)
})

test('a miss names the closest recorded request and what differs, as text or as JSON, and is kept', async (t) => {
  const { path } = await recordedHttp(t, counting(), async (port) => {
    await ask(port, '/users/1/orders?page=1')
    await ask(port, '/orders', { method: 'POST', body: '{"item":{"name":"tea"},"n":1}' })
  })
  const server = await serving(t, path, { http: 0 })
  const first = await ask(server.port, '/users/1/orders?page=2')
  t.is(first.status, 502)
  t.regex(first.body, /^no recorded request matches GET \/users\/1\/orders\?page=2: the closest is exchange \d+, GET \/users\/1\/orders\?page=1\n {2}query page: "2" came, "1" is recorded\n$/)
  const second = await ask(server.port, '/orders', { method: 'POST', body: '{"item":{"name":"coffee"},"n":1}', headers: { Accept: 'application/json' } })
  const told = JSON.parse(second.body) as { kind: string, closest: number, differs: unknown }
  t.deepEqual([told.kind, told.differs], ['unknown', [{ field: 'body $.item.name', came: '"coffee"', recorded: '"tea"' }]])
  t.is(openRecording(path).exchange(told.closest).path, '/orders')
  await ask(server.port, '/user/1/orders')
  t.deepEqual(server.misses.map(({ kind, asked, differs }) => [kind, asked, differs.map(({ field }) => field)]), [
    ['unknown', 'GET /users/1/orders?page=2', ['query page']], ['unknown', 'POST /orders', ['body $.item.name']], ['unknown', 'GET /user/1/orders', ['path', 'query page']],
  ])
  t.deepEqual([server.served, server.missed], [0, 3])
})

withCurl('recorded failures happen again: a reset, a body that is cut, a server that only closes, one that never answers', async (t) => {
  const answer: RequestListener = ({ url, socket }, response) => {
    switch (url) {
      case '/reset': response.writeHead(200, { 'Content-Length': 10 }); response.write('half', () => socket.resetAndDestroy()); return
      case '/cut': response.writeHead(200, { 'Content-Length': 10 }); response.write('half', () => socket.destroy()); return
      case '/close': socket.destroy(); return
      case '/refused': socket.resetAndDestroy(); return
      case '/silent': return
      default: response.end('fine')
    }
  }
  const curls = async (port: number): Promise<unknown[]> => {
    const got: unknown[] = []
    for (const path of ['/reset', '/cut', '/close', '/refused', '/silent', '/fine']) {
      const { code, stdout } = await run(t, 'curl', ['-sS', '--max-time', path === '/silent' ? '10' : '100', `http://127.0.0.1:${port}${path}`])
      got.push([path, code, stdout.toString()])
    }
    return got
  }
  const { path, result } = await recordedHttp(t, answer, curls)
  t.deepEqual(result, [['/reset', 56, 'half'], ['/cut', 18, 'half'], ['/close', 52, ''], ['/refused', 56, ''], ['/silent', 28, ''], ['/fine', 0, 'fine']])
  const server = await serving(t, path, { http: 0 })
  t.deepEqual(await curls(server.port), result)
  t.is(server.missed, 0)
})

withCurl('what the client got counts: answers of faults and bodies that a fault cut come again without them', async (t) => {
  const curls = async (port: number): Promise<unknown[]> => {
    const got: unknown[] = []
    for (const path of ['/error', '/cut', '/fine']) {
      const { code, stdout } = await run(t, 'curl', ['-s', '-w', '%{http_code}', `http://127.0.0.1:${port}${path}`])
      got.push([path, code, stdout.toString()])
    }
    return got
  }
  const { path, result } = await recordedHttp(t, (_, response) => response.end('0123456789'), curls, {
    plugins: [httpError({ path: '/error', status: 503, body: 'injected' }), truncate({ path: '/cut', after: 4 })],
  })
  t.deepEqual(result, [['/error', 0, 'injected503'], ['/cut', 18, '0123200'], ['/fine', 0, '0123456789200']])
  t.deepEqual(await curls((await serving(t, path, { http: 0 })).port), result)
})

test('the closest path is the one with most of its beginning and its end', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), async (port) => {
    for (const one of ['/none', '/n.txt', '/n.text']) await ask(port, one)
  })
  const server = await serving(t, path, { http: 0 })
  await ask(server.port, '/nn.txt')
  t.like(server.misses[0]!.differs, [{ field: 'path', came: '/nn.txt', recorded: '/n.txt' }])
})

test('an answer that the client left early isn\'t given short, where there is no other', async (t) => {
  const answer: RequestListener = ({ url }, response) => {
    response.writeHead(200, { 'Content-Length': 20 })
    response.write('only half.')
    if (url === '/twice' && answered++ > 0) response.end('the other.')
  }
  let answered = 0
  const leave = async (port: number, path: string): Promise<void> => {
    const client = await connectTo(t, port)
    client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)
    await client.through('half.')
    client.reset()
  }
  const { path } = await recordedHttp(t, answer, async (port) => {
    await leave(port, '/once')
    await leave(port, '/twice')
    await ask(port, '/twice')
  })
  const server = await serving(t, path, { http: 0 })
  const { status, body } = await ask(server.port, '/once')
  t.is(status, 502)
  t.regex(body, /isn't whole and isn't given short: the client left before it was whole/)
  t.is((await ask(server.port, '/twice')).body, 'only half.the other.')
  t.deepEqual(server.misses.map(({ kind }) => kind), ['incomplete'])
})

test('recorded timing waits as the server did, or half as long; none does not', async (t) => {
  const answer: RequestListener = (_, response) => void setTimeout(() => {
    response.write('first ')
    setTimeout(() => response.end('second'), 300)
  }, 300)
  const { path } = await recordedHttp(t, answer, async (port) => { await ask(port, '/') })
  for (const [timing, least] of [['recorded', 550], ['2x', 275]] as const) {
    const { port } = await serving(t, path, { http: 0, timing })
    const since = performance.now()
    t.is((await ask(port, '/')).body, 'first second')
    t.true(performance.now() - since >= least, timing)
  }
})

test('dates and cookies are made new where that is asked for', async (t) => {
  const then = new Date(Date.now() - 5_000_000).toUTCString()
  const expires = new Date(Date.now() + 3_600_000).toUTCString()
  const { path } = await recordedHttp(t, (_, response) => {
    response.setHeader('Date', then)
    response.setHeader('Set-Cookie', [`a=1; Expires=${expires}; Path=/`, 'b=2', 'gone=; expires=Thu, 01 Jan 1970 00:00:00 GMT'])
    response.end('x')
  }, async (port) => { await ask(port, '/') })
  const valueOf = ({ headers }: Got, name: string): string => headers[headers.indexOf(name) + 1]!
  const as = await ask((await serving(t, path, { http: 0 })).port, '/')
  t.is(valueOf(as, 'Date'), then)
  const fresh = await ask((await serving(t, path, { http: 0, refresh: ['date', 'cookies'] })).port, '/')
  t.true(Math.abs(Date.parse(valueOf(fresh, 'Date')) - Date.now()) < 60_000)
  const cookies = fresh.headers.filter((_, index) => fresh.headers[index - 1] === 'Set-Cookie')
  t.true(Date.parse(/Expires=([^;]+)/.exec(cookies[0]!)![1]!) >= Date.parse(expires))
  t.deepEqual(cookies.slice(1), ['b=2', 'gone=; expires=Thu, 01 Jan 1970 00:00:00 GMT'])
  t.deepEqual(fresh.headers.filter((_, index) => index % 2 === 0), as.headers.filter((_, index) => index % 2 === 0))
})

test('what isn\'t recorded goes on to the live server where that is asked for, and is recorded for the next time', async (t) => {
  let asked = 0
  const live: RequestListener = (request, response) => void bodyOf(request).then((body) => {
    asked++
    response.end(`live ${request.method} ${request.url} ${body}`)
  })
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), async (port) => { await ask(port, '/known') })
  const origin = createServer(live).listen(0, '127.0.0.1')
  origin.keepAliveTimeout = 600_000
  await once(origin, 'listening')
  t.teardown(() => { origin.closeAllConnections(); origin.close() })
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const forwarding = await serving(t, path, { http: 0, onMiss: `forward=${url}` })
  t.is((await ask(forwarding.port, '/known', { agent })).body, 'recorded')
  t.is((await ask(forwarding.port, '/new', { agent, method: 'PUT', body: 'sent' })).body, 'live PUT /new sent')
  t.is((await ask(forwarding.port, '/known', { agent })).body, 'recorded')
  t.is(forwarding.missed, 1)
  await forwarding.stop()
  const recording = await serving(t, path, { http: 0, onMiss: `record=${url}` })
  t.is((await ask(recording.port, '/new', { agent, method: 'PUT', body: 'sent' })).body, 'live PUT /new sent')
  t.is((await ask(recording.port, '/new', { agent, method: 'PUT', body: 'sent' })).body, 'live PUT /new sent')
  t.is(asked, 2)
  t.deepEqual([recording.missed, recording.served], [1, 1])
  await recording.stop()
  origin.closeAllConnections()
  origin.close()
  const again = await serving(t, path, { http: '0=all', match: ['method', 'path'] })
  t.is((await ask(again.port, '/new', { method: 'PUT' })).body, 'live PUT /new sent')
})

test('a client that leaves takes its forwarded request along', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), async (port) => { await ask(port, '/') })
  let left: () => void = () => {}
  const gone = new Promise<void>((resolve) => { left = resolve })
  let came: () => void = () => {}
  const arrived = new Promise<void>((resolve) => { came = resolve })
  const origin = createServer((_, response) => {
    response.once('close', left)
    came()
  }).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  t.teardown(() => { origin.closeAllConnections(); origin.close() })
  const server = await serving(t, path, { http: 0, onMiss: `forward=http://127.0.0.1:${(origin.address() as AddressInfo).port}` })
  const client = await connectTo(t, server.port)
  client.write('GET /slow HTTP/1.1\r\nHost: h\r\n\r\n')
  await within(arrived, 'the request at the live server')
  client.reset()
  await within(gone, 'the live server to see it go')
  t.pass()
})

test('secrets that were masked are no difference, and the recording says that there are some', async (t) => {
  const { path } = await recordedHttp(t, (request, response) => void bodyOf(request).then(() => response.end('{"token":"given-out"}')), async (port) => {
    await ask(port, '/login?token=abcdef', { method: 'POST', body: '{"user":"ann","password":"secret"}', headers: { 'Content-Type': 'application/json' } })
  }, { plugins: ['redact'] })
  const server = await serving(t, path, { http: 0 })
  const own = { method: 'POST', headers: { 'Content-Type': 'application/json' } }
  const { status, body } = await ask(server.port, '/login?token=abcdef', { ...own, body: '{"user":"ann","password":"secret"}' })
  t.deepEqual([status, body], [200, '{"token":"*********"}'])
  t.is((await ask(server.port, '/login?token=abcdef', { ...own, body: '{"user":"bob","password":"secret"}' })).status, 502)
  t.deepEqual(server.notes, ['secrets in it were masked by redact: answers have asterisks in their place'])
})

test('a slow reader gets a large answer whole, and a client of HTTP/1.0 one without chunks', async (t) => {
  const large = Buffer.alloc(5_000_000, 'abcdefghijk')
  const { path } = await recordedHttp(t, ({ url }, response) => {
    if (url === '/large') response.end(large)
    else response.write('in ', () => response.end('chunks'))
  }, async (port) => {
    await ask(port, '/large')
    await ask(port, '/chunks')
  })
  const server = await serving(t, path, { http: 0 })
  const client = await connectTo(t, server.port)
  client.write('GET /large HTTP/1.1\r\nHost: h\r\n\r\n')
  await client.through('\r\n\r\n')
  client.socket.pause()
  await new Promise((resolve) => { setTimeout(resolve, 100) })
  client.socket.resume()
  t.true((await client.take(large.length)).equals(large))
  client.write('GET /chunks HTTP/1.0\r\nHost: h\r\n\r\n')
  const answer = (await client.rest()).toString()
  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/)
  t.notRegex(answer, /Transfer-Encoding/i)
  t.true(answer.endsWith('\r\n\r\nin chunks'))
})

test('pipelined requests are answered in their order; what is no request is refused, and the server lives on', async (t) => {
  const { path } = await recordedHttp(t, ({ url }, response) => response.end(`at ${url}`), async (port) => {
    for (const one of ['/1', '/2', '/3']) await ask(port, one)
  })
  const server = await serving(t, path, { http: 0 })
  const client = await connectTo(t, server.port)
  client.write(['/1', '/2', '/nowhere', '/3'].map((one) => `GET ${one} HTTP/1.1\r\nHost: h\r\n\r\n`).join(''))
  client.finish()
  const all = (await client.rest()).toString()
  t.deepEqual([...all.matchAll(/at (\/\d)|502 No Recorded/g)].map(([found]) => found), ['at /1', 'at /2', '502 No Recorded', 'at /3'])
  for (const garbage of ['\0\0\0\r\n\r\n', 'GET\r\n\r\n', `GET /${'x'.repeat(300_000)}`, 'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n', 'CONNECT h:1 HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']) {
    const rough = await connectTo(t, server.port)
    rough.write(garbage)
    await new Promise((resolve) => { setTimeout(resolve, 20) })
    rough.reset()
  }
  t.is((await ask(server.port, '/1')).body, 'at /1')
})

test('the same clients have the same answers a hundred times', async (t) => {
  const clients = async (port: number): Promise<string[]> => {
    const got: string[] = []
    for (const one of ['/a', '/b', '/a', '/c?x=1', '/a']) got.push((await ask(port, one)).body)
    return got
  }
  const { path, result } = await recordedHttp(t, counting(), clients)
  for (let time = 0; time < 100; time++) {
    const server = await serveRecording(path, { http: 0 })
    t.deepEqual(await clients(server.port), result)
    await server.stop()
  }
})

test('what can\'t be served is one clear line', async (t) => {
  const refused = (file: string, options: Parameters<typeof serveRecording>[1], message: RegExp): Promise<unknown> => t.throwsAsync(serveRecording(file, options), { code: 'usage', message })
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), async (port) => { await ask(port, '/') })
  await refused(path, {}, /^nothing to serve: name at least one listener, such as --http 0$/)
  await refused(path, { tcp: 0 }, /--tcp 0: .* has no tcp, only http$/)
  await refused(path, { http: 'x' }, /--http x: "x" is not a port or host:port/)
  await refused(path, { http: '0=http://elsewhere' }, /no recorded http relay is named http:\/\/elsewhere; there are: http-\d+ \(127\.0\.0\.1:\d+ → http:\/\/127\.0\.0\.1:\d+\)/)
  await refused(path, { http: 0, match: ['methud'] }, /--match methud: expected method, path, query, body, host, header:NAME/)
  await refused(path, { http: 0, ignore: ['json:timestamp'] }, /--ignore json:timestamp: expected a path such as \$\.timestamp/)
  await refused(path, { http: 0, onMiss: 'ask' }, /--on-miss ask: expected fail, forward=URL or record=URL/)
  await refused(path, { http: 0, timing: '0x' }, /--timing 0x: expected none, recorded, or a factor such as 2x/)
  await refused(path, { http: 0, after: 'stop' as never }, /--after stop: expected repeat, cycle or miss/)
  await t.throwsAsync(serveRecording(join(temporaryFolder(t), 'none.sqlite'), { http: 0 }), { code: 'not-found' })
  const { port, listeners: [listener] } = await serving(t, path, { http: 0 })
  await t.throwsAsync(serveRecording(path, { http: port }), { code: 'bind' })
  t.is(listener!.protocol, 'http')
  const empty = await taping(t, { http: '0=http://127.0.0.1:9' })
  ;(await empty.recorded()).close()
  const nothing = await serving(t, empty.path, { http: 0 })
  t.regex((await ask(nothing.port, '/')).body, /^no recorded request matches GET \/: no request was recorded there\n$/)
  const two = await taping(t, { http: ['0=http://127.0.0.1:9', '0=http://127.0.0.1:10'] })
  ;(await two.recorded()).close()
  await refused(two.path, { http: '0' }, /--http 0: 2 recorded relays could be meant: name one by its target: --http 0=http:\/\/127\.0\.0\.1:9, or --http 0=http:\/\/127\.0\.0\.1:10; or =all for all of them$/)
  t.is((await serving(t, two.path, { http: '0=127.0.0.1:10' })).listeners[0]!.target, 'http://127.0.0.1:10')
  t.true(readFileSync(path).length > 0)
})
