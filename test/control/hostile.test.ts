import test from 'ava'
import { connectTo } from '../real/peer.js'
import { run } from '../real/program.js'
import { controlled } from './controlling.js'

/*
 * Whatever comes, it is answered, and the control port works on.
 */

test('garbage, and requests of odd shapes, are answered', async (t) => {
  const { control, ask } = await controlled(t)
  const requests: readonly [what: string, bytes: string, answer: RegExp][] = [
    ['garbage', '\u0000\u0001\u0002\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001', /^HTTP\/1\.1 400 /],
    ['a head too large', `GET /version HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['no Host', 'GET /version HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['HTTP/1.0 without a Host', 'GET /version HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 200 /],
    ['CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1\.1 405 /],
    ['Upgrade', 'GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n', /^HTTP\/1\.1 200 /],
    ['a whole URL', 'GET http://localhost/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 200 /],
    ['*', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 404 /],
    ['percents that make no text', 'GET /proxies/%ff%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 404 /],
    ['two lengths', 'POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', /^HTTP\/1\.1 400 /],
    ['length and chunks', 'POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a body where none is read', 'DELETE /proxies/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc', /^HTTP\/1\.1 404 /],
  ]
  for (const [what, bytes, answer] of requests) {
    const peer = await connectTo(t, control.port)
    peer.write(bytes)
    t.regex(await peer.through('\r\n'), answer, what)
    await peer.over()
    peer.socket.destroy()
  }
  t.is((await ask('GET', '/version')).status, 200)
})

test('two requests at once are answered in order; what is left of one in the middle is forgotten', async (t) => {
  const { control, ask } = await controlled(t)
  const peer = await connectTo(t, control.port)
  const request = 'GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n'
  peer.write(request + request)
  await peer.through('{"version": "2.12.0"}\n')
  await peer.through('{"version": "2.12.0"}\n')
  peer.write('POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"name":').reset()
  t.is((await ask('GET', '/proxies')).text, '{}')
})

test('bodies: too large, too deep, not JSON, not UTF-8', async (t) => {
  const { ask, url } = await controlled(t)
  for (const path of ['/proxies', '/populate', '/wiretape/v1/relays']) {
    t.is((await ask('POST', path, `{"name":"${'x'.repeat(1024 * 1024)}"}`)).status, 413, path)
    t.is((await ask('POST', path, '['.repeat(1_000_000))).status, 400, path)
    t.is((await ask('POST', path, '{"a":'.repeat(200_000))).status, 400, path)
    for (const body of ['', ' ', '{', '{"a"}', 'nulL', '"x', '[1,]', 'nul', '-', '1e', '\u0000', '{"name":"\\ud800","upstream":5}', '{"a":"\t"}', '{"a":"\\x"}', '{"a":"\\u12g4"}']) {
      t.is((await ask('POST', path, body)).status, 400, `${path} ${body}`)
    }
  }
  const { code, stdout } = await run(t, 'curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--data-binary', '@-', `${url}/proxies`], Buffer.alloc(100 * 1024 * 1024, 'x'))
  t.deepEqual([code, stdout.toString()], [0, '413'])
  const { text } = await ask('POST', '/proxies', Buffer.from('{"name":"a\xff\\ud800","upstream":"x:1"} and the rest', 'latin1'))
  t.regex(text, /^\{"name":"a\ufffd\ufffd",/)
})

test('names of any text are told apart, and reached', async (t) => {
  const { ask, relay } = await controlled(t)
  const names = ['__proto__', 'constructor', 'a/b', 'a%2Fb', '100%', 'naïve – 日本', ' ', '..', '<b>&', '\u2028', 'toxics', '\u0000', 'x'.repeat(5000)]
  for (const name of names) {
    const at = `/proxies/${name === '..' ? '%2e.' : encodeURIComponent(name)}`
    t.is((await ask('POST', '/proxies', { name, upstream: 'x:1', enabled: false })).status, 201, name)
    t.is((await ask('POST', '/proxies', { name, upstream: 'x:1' })).status, 409, name)
    // URLs of two dots never leave a client of ours.
    if (name === '..') continue
    t.is((JSON.parse((await ask('GET', at)).text) as { name: string }).name, name)
    const toxic = await ask('POST', `${at}/toxics`, { type: 'noop', name })
    t.is((JSON.parse(toxic.text) as { name: string }).name, name)
    t.is((await ask('GET', `${at}/toxics/${encodeURIComponent(name)}`)).text, toxic.text, name)
    t.is((await ask('DELETE', `${at}/toxics/${encodeURIComponent(name)}`)).status, 204, name)
  }
  const listed = [...JSON.stringify((await ask('GET', '/proxies')).text).matchAll(/\{\\"name\\":/g)].length
  t.is(listed, names.length)
  t.regex((await ask('GET', `/proxies/${encodeURIComponent('<b>&')}`)).text, /^\{"name":"\\u003cb\\u003e\\u0026"/)
  for (const name of names.filter((one) => one !== '..')) t.is((await ask('DELETE', `/proxies/${encodeURIComponent(name)}`)).status, 204, name)
  t.deepEqual(relay.listeners.map(({ name }) => name), ['..'])
  t.deepEqual(Object.keys(Object.prototype), [])
})

test('a body that says that it is too large is refused before it comes', async (t) => {
  const { control } = await controlled(t)
  const peer = await connectTo(t, control.port)
  peer.write('POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n')
  t.regex(await peer.through('\r\n'), /^HTTP\/1\.1 413 /)
  await peer.through('at most 1048576 bytes are read')
  peer.takeAll()
  peer.write(Buffer.alloc(1_048_577), 'GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n')
  t.regex(await peer.through('\r\n'), /^HTTP\/1\.1 200 /)
})

test('a client that asks before it sends its body is told to go on only where it will be read', async (t) => {
  const { control } = await controlled(t)
  const large = await connectTo(t, control.port)
  large.write('POST /proxies HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n')
  t.regex(await large.through('\r\n'), /^HTTP\/1\.1 413 /)
  await large.through('at most 1048576 bytes are read')
  t.is(await large.over(), 'end')
  const small = await connectTo(t, control.port)
  small.write('POST /proxies HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
  t.is(await small.through('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n')
  small.write('{}')
  t.regex(await small.through('\r\n'), /^HTTP\/1\.1 400 /)
})

test('a head that never ends is cut off, and holds nobody up meanwhile', async (t) => {
  const { control, ask } = await controlled(t)
  const slow = await connectTo(t, control.port)
  slow.write('GET /version HTTP/1.1\r\nHost: localhost\r\n')
  const dripping = setInterval(() => slow.socket.writable && slow.write('X: y\r\n'), 500)
  t.teardown(() => clearInterval(dripping))
  t.is((await ask('GET', '/version')).status, 200)
  // Dripping goes on for as long as it is read.
  t.regex(await slow.through('\r\n'), /^HTTP\/1\.1 408 /)
})

test('chance bytes in the place of a body', async (t) => {
  const { ask } = await controlled(t, { seed: 1 })
  const alphabet = ['{', '}', '[', ']', ':', ',', '"', '\\', 'name', 'upstream', '"name"', '"upstream"', '"x:1"', 'null', 'true', '-1.5e9', '0', ' ', '\n', '\u0000', 'ÿ']
  let state = 12345
  const next = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648
    return Math.floor(state / 65536) % below
  }
  for (let n = 0; n < 300; n++) {
    const body = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]!).join('')
    for (const path of ['/proxies', '/populate']) t.true((await ask('POST', path, body)).status < 500, `${path} ${JSON.stringify(body)}`)
  }
})
