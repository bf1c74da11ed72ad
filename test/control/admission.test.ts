import test from 'ava'
import { startControl } from 'wiretape'
import { run } from '../real/program.js'
import { relaying } from '../real/relaying.js'
import { connectTo, echoServer } from '../real/peer.js'
import { controlled } from './controlling.js'
import type { ExecutionContext } from 'ava'

async function curl(t: ExecutionContext, ...args: string[]): Promise<string> {
  return (await run(t, 'curl', ['-s', '-w', '%{http_code}', ...args])).stdout.toString()
}

test('the port answers to addresses, to localhost and to nobody else: a page in a browser may have any other name lead here', async (t) => {
  const { url, control } = await controlled(t)
  for (const host of ['127.0.0.1', '127.0.0.1:8474', '[::1]:1', '10.0.0.1', 'localhost', 'LocalHost:8474', 'localhost.']) t.regex(await curl(t, '-H', `Host: ${host}`, `${url}/proxies`), /200$/, host)
  for (const host of ['evil.example', 'evil.example:8474', 'localhost.evil.example', '127.0.0.1.evil.example', '127.0.0.1@evil.example', 'a b', '127.0.0.1, evil.example', '[::1].evil.example', ':8474']) {
    for (const path of ['/proxies', '/wiretape/v1/relays', '/metrics', '/nothing']) t.regex(await curl(t, '-H', `Host: ${host}`, `${url}${path}`), /not allowed: .*--control .*403$/s, `${host} ${path}`)
  }
  const peer = await connectTo(t, control.port)
  peer.write('GET http://evil.example/proxies HTTP/1.1\r\nHost: localhost\r\n\r\n')
  t.regex(await peer.through('\r\n'), /^HTTP\/1\.1 403 /)
})

test('a refused request does nothing', async (t) => {
  const { url, relay } = await controlled(t)
  t.regex(await curl(t, '-H', 'Host: evil.example', '-d', '{"name":"x","upstream":"x:1"}', `${url}/proxies`), /403$/)
  t.is(await curl(t, '-A', 'Mozilla/5.0 (X11; Linux)', '-d', '{"name":"x","upstream":"x:1"}', `${url}/proxies`), 'User agent not allowed\n403')
  t.deepEqual(relay.listeners, [])
})

test('the name that it was started on is one of its own', async (t) => {
  const relay = await relaying(t, { empty: true })
  const control = await startControl(relay, { port: 0, host: 'localhost' })
  t.teardown(() => control.close())
  t.is(control.host, '127.0.0.1')
  t.regex(await curl(t, `http://localhost:${control.port}/version`), /200$/)
})

test('no relay leads to the control port, by whatever name', async (t) => {
  const { ask, control, relay } = await controlled(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const made: string[] = []
  for (const upstream of [`127.0.0.1:${control.port}`, `localhost:${control.port}`, `0.0.0.0:${control.port}`, `:${control.port}`, `[::ffff:127.0.0.1]:${control.port}`]) {
    const { status, text } = await ask('POST', '/proxies', { name: upstream, upstream })
    t.is(status, 201, text)
    made.push((JSON.parse(text) as { listen: string }).listen)
  }
  await ask('POST', `/proxies/${relay.listeners[0]!.name}`, { upstream: `127.0.0.1:${control.port}` })
  for (const listen of [...made, `127.0.0.1:${relay.port}`]) {
    const peer = await connectTo(t, Number(listen.split(':')[1]))
    peer.write('GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n')
    t.is(await peer.over(), made.includes(listen) ? 'end' : 'ECONNRESET')
    t.is(peer.unread, 0)
  }
})
