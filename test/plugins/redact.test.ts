import { Agent, createServer as createHttpServer, get } from 'node:http'
import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { readFileSync } from 'node:fs'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { formatSpecifier } from '../../src/plugins/specifier.js'
import { definePlugin, respond } from 'wiretape'
import type { PluginUse } from 'wiretape'
import { until } from '../real/deadline.js'
import { bytesOf, onlyConnection, opening, taping } from '../real/relaying.js'

async function recordedOf(t: ExecutionContext, plugins: readonly PluginUse[], pieces: readonly Buffer[]): Promise<{ echoed: string, up: string, sent: string, events: string[], places: string[], file: Buffer }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const tape = await taping(t, { tcp: `0=127.0.0.1:${(server.address() as AddressInfo).port}`, plugins })
  const client = connect({ port: tape.port, host: '127.0.0.1', allowHalfOpen: true })
  for (const piece of pieces) {
    client.write(piece)
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  client.end()
  const echoed = (await buffer(client)).toString('latin1')
  const recording = await tape.recorded()
  const up = (await bytesOf(recording.stream(onlyConnection(recording).id, 'up'))).toString('latin1')
  const sent = (await bytesOf(recording.stream(onlyConnection(recording).id, 'up', 'sent'))).toString('latin1')
  const events = [...recording.events({ where: "kind = 'mask-failed'" })].map(({ kind }) => kind)
  const places = [...recording.events({ where: "kind = 'masked' AND direction = 'up'" })].map(({ offset, bytes }) => `${offset} ${bytes}`)
  recording.close()
  server.close()
  return { echoed, up, sent, events, places, file: readFileSync(tape.path) }
}

const secrets = ['Zm9vOmJhcg', 'hunter2', 'se\\"cret', '12345678', 'abc;def', '4111111111111111']
const message = [
  'POST /login?token=hunter2&a=b HTTP/1.1', 'Host: x', `Authorization: Basic ${secrets[0]}`, 'cookie:  abc;def', 'X-Cookie: kept', '',
  `{"user": "me", "password" : "${secrets[2]}", "secret":12345678, "passwords": "kept", "n": [1, 2], "card": "4111111111111111"}`,
].join('\r\n')
const masked = [
  'POST /login?token=*******&a=b HTTP/1.1', 'Host: x', 'Authorization: ****************', 'cookie:  *******', 'X-Cookie: kept', '',
  '{"user": "me", "password" : "********", "secret":********, "passwords": "kept", "n": [1, 2], "card": "****************"}',
].join('\r\n')
const redact = 'redact:patterns=[0-9]{16}'

test('secrets never reach the recording, whichever way the bytes come, and the wire has them', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: message.length }), { maxLength: 12 }), async (cuts) => {
    const places = [0, ...cuts.toSorted((a, b) => a - b), message.length]
    const pieces = places.slice(1).map((end, n) => Buffer.from(message.slice(places[n], end))).filter(({ length }) => length > 0)
    const { echoed, up, file, places: told } = await recordedOf(t, [redact], pieces)
    t.is(echoed, message)
    t.is(up, masked)
    t.deepEqual(told, [...masked.matchAll(/\*+/g)].map(({ index, 0: { length } }) => `${index} ${length}`), 'each place is told, once')
    for (const secret of secrets) t.false(file.includes(secret), secret)
  }), { numRuns: 15 })
})

test('a pattern keeps its + and its commas; several are given one by one', async (t) => {
  const { up } = await recordedOf(t, ['redact:patterns=sk-[a-z0-9]+,patterns=key-\\d{1\\,9}'], [Buffer.from('sk-abc123secret and key-99, and a+b')])
  t.is(up, `${'*'.repeat(15)} and ${'*'.repeat(6)}, and a+b`)
  t.is(formatSpecifier('redact', { patterns: ['a+', 'b{1,2}'] }), 'redact:patterns=a+,patterns=b{1\\,2}')
})

test('what a plugin changed is masked too', async (t) => {
  const shout = definePlugin({ name: 'shout', description: '', setup: () => ({ stream: ({ direction }) => direction === 'down' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) yield chunk.toString().replace('hunter2', 'hunter3')
  } }) })
  const { echoed, file } = await recordedOf(t, ['redact', shout], [Buffer.from('{"password":"hunter2"}')])
  t.is(echoed, '{"password":"hunter3"}')
  t.false(file.includes('hunter'))
})

test('so it is where it was changed a byte at a time', async (t) => {
  const slow = definePlugin({ name: 'slow', description: '', setup: () => ({ stream: ({ direction }) => direction === 'down' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) for (const byte of Buffer.from(chunk.toString().toUpperCase())) yield Buffer.of(byte)
  } }) })
  const tape = await recordedOf(t, ['redact', slow], [Buffer.from('{"password":"hunter2"}')])
  t.is(tape.echoed, '{"PASSWORD":"HUNTER2"}')
  t.is(tape.sent, '{"PASSWORD":"*******"}')
})

test('a secret longer than any read is masked to its end', async (t) => {
  const { up } = await recordedOf(t, ['redact'], [Buffer.from(`\nCookie: ${'x'.repeat(300_000)}\r\nnext: y\n`)])
  t.is(up, `\nCookie: ${'*'.repeat(300_000)}\r\nnext: y\n`)
})

test('a mask that fails leaves asterisks, and says so', async (t) => {
  const bad = definePlugin({ name: 'bad', description: '', setup: () => ({ recording: () => ({ take: () => { throw new Error('no') }, end: () => Buffer.alloc(0) }) }) })
  const { echoed, up, events } = await recordedOf(t, [bad], [Buffer.from('secret')])
  t.is(echoed, 'secret')
  t.is(up, '******')
  t.deepEqual(events, ['mask-failed', 'mask-failed'])
})

test('what is redacted is recorded at once, also while the connection is kept open and a plugin answers', async (t) => {
  const server = createHttpServer((_request, response) => response.setHeader('Set-Cookie', 'sid=hunter2').end('x'.repeat(600)))
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  const answers = definePlugin({ name: 'answers', description: '', setup: () => ({ http: { request: ({ path }) => path === '/1' ? respond({ body: 'mine', headers: { 'Set-Cookie': 'sid=hunter2' } }) : undefined } }) })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${(server.address() as AddressInfo).port}`, plugins: ['redact', answers] })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (let n = 0; n < 3; n++) {
    await new Promise((resolve, reject) => {
      get({ port: tape.port, host: '127.0.0.1', path: `/${n}`, agent, headers: { Authorization: 'Basic hunter2' } }, (response) => response.resume().on('end', resolve)).on('error', reject)
    })
  }
  const recording = opening(t, tape.path)
  await until(() => [...recording.exchanges()].filter(({ ended }) => ended !== null).length === 3, 'three exchanges on a connection that is open')
  t.deepEqual([...recording.exchanges()].map(({ path, status, error }) => [path, status, error]), [['/0', 200, null], ['/1', 200, null], ['/2', 200, null]])
  t.is([...recording.connections()][0]!.closed, null)
  agent.destroy()
  await tape.relay.stop()
  t.false(readFileSync(tape.path).includes('hunter2'))
})

test('a secret at the end of a message has no part in the next one, in one write or in several', async (t) => {
  const server = createHttpServer((request, response) => request.resume().on('end', () => response.end('{"text":"a=1&token=abc"}'))).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 600_000
  await new Promise((resolve) => { server.once('listening', resolve) })
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${(server.address() as AddressInfo).port}`, plugins: ['redact'] })
  const requests = ['POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 22\r\n\r\nuser=a&password=secret', 'GET /2 HTTP/1.1\r\nHost: h\r\n\r\n']
  for (const writes of [requests, [requests.join('')]]) {
    const client = connect({ port: tape.port, host: '127.0.0.1', allowHalfOpen: true })
    for (const one of writes) {
      client.write(one)
      await new Promise((resolve) => { setTimeout(resolve, 50) })
    }
    client.end()
    await buffer(client)
  }
  const recording = await tape.recorded()
  t.deepEqual([...recording.exchanges()].map(({ method, path, status, error }) => [method, path, status, error]), [
    ['POST', '/1', 200, null], ['GET', '/2', 200, null], ['POST', '/1', 200, null], ['GET', '/2', 200, null],
  ])
  for (const { id } of recording.exchanges({ where: "path = '/1'" })) t.is((await bytesOf(recording.body(id, 'request'))).toString(), 'user=a&password=******')
  for (const { id } of recording.exchanges()) t.is((await bytesOf(recording.body(id, 'response'))).toString().slice(0, 22), '{"text":"a=1&token=***')
})
