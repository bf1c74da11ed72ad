import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { installed } from '../real/installed.js'
import { http, httpOrigin } from '../real/http-origin.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { recordedHttp } from '../replay/served.js'
import { contentOf, exportedHar } from './exported.js'
import { harBreaches } from './har-schema.js'

const withCurl = installed('curl') ? test : test.skip

const text = 'één "tekst"\n\u2028 met <van> alles'
const binary = Buffer.from(Array.from({ length: 4099 }, (_, place) => (place * 7) % 256))

function shop(request: IncomingMessage, response: ServerResponse): void {
  request.resume().on('end', () => {
    switch (request.url!.split('?')[0]) {
      case '/gzip': response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(gzipSync(JSON.stringify({ text }))); break
      case '/br': response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Encoding': 'br' }).end(brotliCompressSync(text)); break
      case '/cut': response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }).end(gzipSync(randomBytes(100_000).toString('hex')).subarray(0, 50_000)); break
      case '/twice': response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': ['gzip', 'br'] }).end(brotliCompressSync(gzipSync(text))); break
      case '/trail': response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }).end(Buffer.concat([gzipSync(text), Buffer.from('junk')])); break
      case '/odd': response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'zstd' }).end(binary); break
      case '/binary': response.writeHead(200, { 'Content-Type': 'image/png' }).end(binary); break
      case '/latin': response.writeHead(200, { 'Content-Type': 'text/plain; charset=iso-8859-1' }).end(Buffer.from('caf\xe9', 'latin1')); break
      case '/moved': response.writeHead(302, 'Elders', [['Location', '/x'], ['Set-Cookie', 'a=1; Path=/; HttpOnly; Secure; SameSite=Lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT'], ['Set-Cookie', 'b=2=3']].flat()).end(); break
      case '/none': response.writeHead(204).end(); break
      default: response.writeHead(200, { 'Content-Type': 'text/plain' }).end(text)
    }
  })
}

withCurl('what curl said and got is in the HAR, and nothing that HAR 1.2 has not', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'upload.bin'), binary)
  writeFileSync(join(folder, 'note.txt'), 'hello')
  const requests: readonly (readonly string[])[] = [
    ['/text?q=a+b%26c&empty=&flag&bad=%zz', '-b', 'x=1; y=2=3', '-H', 'X-Twice: 1', '-H', 'x-twice: 2'],
    ['/gzip'], ['/br'], ['/odd'], ['/binary'], ['/latin'], ['/moved'], ['/none'], ['/cut'], ['/head', '--head'], ['/twice'], ['/trail'],
    ['/form', '-d', 'name=J+B&what=%E2%82%AC'], ['/multi', '-F', 'field=value', '-F', `file=@${join(folder, 'note.txt')}`],
    ['/put', '-T', join(folder, 'upload.bin'), '-H', 'Content-Type: application/octet-stream'], ['/delete', '-X', 'DELETE', '-d', '{"id":1}', '-H', 'Content-Type: application/json'],
  ]
  const { path, port, result } = await recordedHttp(t, shop, async (port) => {
    const got: Buffer[] = []
    for (const [target, ...args] of requests) got.push((await run(t, 'curl', ['-s', '--raw', ...args, `http://127.0.0.1:${port}${target}`])).stdout)
    return got
  })
  const har = await exportedHar(path)
  t.deepEqual(harBreaches(har), [])
  const { entries } = har.log
  t.is(entries.length, requests.length)
  const of = (name: string) => entries.find(({ request }) => request.url.includes(`127.0.0.1:${port}/${name}`))!
  const bodyOf = (name: string): Buffer => contentOf(of(name).response.content)

  const first = of('text')
  t.is(first.request.url, `http://127.0.0.1:${port}/text?q=a+b%26c&empty=&flag&bad=%zz`)
  t.deepEqual(first.request.queryString, [{ name: 'q', value: 'a b&c' }, { name: 'empty', value: '' }, { name: 'flag', value: '' }, { name: 'bad', value: '%zz' }])
  t.deepEqual(first.request.cookies, [{ name: 'x', value: '1' }, { name: 'y', value: '2=3' }])
  t.deepEqual(first.request.headers.map(({ name }) => name), ['Host', 'User-Agent', 'Accept', 'Cookie', 'X-Twice', 'x-twice'])
  t.is(first.response.content.text, text)
  t.is(first.response.bodySize, Buffer.byteLength(text))
  t.is(first.serverIPAddress, '127.0.0.1')

  t.is(bodyOf('gzip').toString(), JSON.stringify({ text }))
  t.is(of('gzip').response.content.compression, of('gzip').response.content.size - of('gzip').response.bodySize)
  t.is(bodyOf('br').toString(), text)
  t.deepEqual(bodyOf('odd'), binary)
  t.is(of('odd').response.content['_undecoded'], 'content coding zstd')
  t.deepEqual(bodyOf('binary'), binary)
  t.is(of('binary').response.content.encoding, 'base64')
  t.deepEqual([of('latin').response.content.text, of('latin').response.content['_charset']], ['café', 'iso-8859-1'])
  t.regex(of('cut').response.content['_undecoded']!, /^decoding stopped: /)
  t.regex(bodyOf('cut').toString(), /^[0-9a-f]{1000,}$/)
  t.is(of('cut').response.bodySize, 50_000)

  t.is(bodyOf('twice').toString(), text)
  t.is(of('twice').response.content.compression, of('twice').response.content.size - of('twice').response.bodySize)
  t.is(bodyOf('trail').toString(), text)
  t.is(of('trail').response.content['_undecoded'], 'decoding stopped: other bytes come after the end of it')

  const moved = of('moved').response
  t.deepEqual([moved.status, moved.statusText, moved.redirectURL], [302, 'Elders', '/x'])
  t.deepEqual(moved.cookies as unknown, [
    { name: 'a', value: '1', path: '/', httpOnly: true, secure: true, sameSite: 'Lax', expires: '2026-10-21T07:28:00.000Z' }, { name: 'b', value: '2=3' }])
  t.deepEqual([of('none').response.status, of('none').response.content.size], [204, 0])

  t.deepEqual(of('form').request.postData, { mimeType: 'application/x-www-form-urlencoded', params: [{ name: 'name', value: 'J B' }, { name: 'what', value: '€' }], text: 'name=J+B&what=%E2%82%AC' })
  t.deepEqual(of('multi').request.postData!.params as unknown, [{ name: 'field', value: 'value' }, { name: 'file', value: 'hello', fileName: 'note.txt', contentType: 'text/plain' }])
  t.deepEqual(Buffer.from(of('put').request.postData!.text, 'base64'), binary)
  t.deepEqual([of('put').request.method, of('put').request.bodySize, of('put').request.postData!['_encoding']], ['PUT', binary.length, 'base64'])
  t.deepEqual([of('delete').request.method, of('delete').request.postData!.text], ['DELETE', '{"id":1}'])
  t.is(of('head').response.content.size, 0)
  t.is(of('head').response.headersSize, result[9]!.length)

  const some = await exportedHar(path, 'status >= 300')
  t.deepEqual(some.log.entries.map(({ response }) => response.status), [302])
})

test('of a response that a plugin changed, the HAR has what the client got; of the request, what it said', async (t) => {
  const origin = await httpOrigin(t)
  const editing = http('edit', {
    request: (request) => request.headers.set('x-added', 'on the way'),
    response: (response) => {
      response.status = 418
      response.headers.set('x-changed', 'yes')
      response.transformBody(async function* (pieces) {
        for await (const _ of pieces) {}
        yield 'changed'
      })
    },
  })
  const tape = await taping(t, { http: origin.target, plugins: [{ plugin: editing }] })
  t.is(await (await fetch(`http://127.0.0.1:${tape.port}/x`)).text(), 'changed')
  ;(await tape.recorded()).close()
  const har = await exportedHar(tape.path)
  t.deepEqual(harBreaches(har), [])
  const [entry] = har.log.entries
  t.true(entry!['_changed'])
  t.is(entry!.response.status, 418)
  t.is(entry!.response.content.text, 'changed')
  t.deepEqual(entry!.response.headers.find(({ name }) => name === 'x-changed'), { name: 'x-changed', value: 'yes' })
  t.false(entry!.request.headers.some(({ name }) => name === 'x-added'))
  t.true(entry!['_events']!.some(({ source }) => source === 'edit'))
})

test('bodies that are too long to be held come through whole: text, binary, and small ones that decode to much', async (t) => {
  const long = `${'regel met één € teken\n'.repeat(300_000)}"einde\\"`
  const large = randomBytes(6_000_001)
  const bodies: Readonly<Record<string, Buffer>> = { '/text': Buffer.from(long), '/binary': large, '/bomb': gzipSync(Buffer.alloc(40_000_000, 'x')) }
  const { path } = await recordedHttp(t, (request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'Content-Type': 'x/y', ...(request.url === '/bomb' ? { 'Content-Encoding': 'gzip' } : {}) }).end(bodies[request.url!]))
  }, async (port) => {
    for (const target of Object.keys(bodies)) await (await fetch(`http://127.0.0.1:${port}${target}`, { method: 'POST', body: large })).arrayBuffer()
  })
  const har = await exportedHar(path)
  t.deepEqual(harBreaches(har), [])
  const [asText, asBinary, bomb] = har.log.entries.map(({ response }) => response)
  t.true(contentOf(asText!.content).equals(Buffer.from(long)))
  t.is(asText!.content.encoding, undefined)
  t.true(contentOf(asBinary!.content).equals(large))
  t.is(bomb!.content.size, 40_000_000)
  t.true(contentOf(bomb!.content).equals(Buffer.alloc(40_000_000, 'x')))
  for (const { request } of har.log.entries) t.true(Buffer.from(request.postData!.text, 'base64').equals(large))
})

async function hostileTape(t: ExecutionContext): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.1 200 \xe9\x00"\r\nX-\xff: \x1b[31m\r\nSet-Cookie: ;;=\r\nContent-Length: 100\r\n\r\nhalf', 'latin1')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const tape = await taping(t, { http: `0=http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  const { connect } = await import('node:net')
  for (const request of ['GET /a b"\xe9<>{} HTTP/1.1\r\nHost: evil host"\r\nCookie: =;;x\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 'NONSENSE\r\n\r\n', 'GET http://[::1/ HTTP/1.0\r\n\r\n']) {
    const socket = connect(tape.port, '127.0.0.1').on('error', () => {})
    socket.write(request, 'latin1')
    socket.resume()
    await once(socket, 'close')
  }
  ;(await tape.recorded()).close()
  return tape.path
}

test('what no browser would send or take: still a HAR', async (t) => {
  const path = await hostileTape(t)
  const har = await exportedHar(path)
  t.true(har.log.entries.length >= 3)
  // Such hosts make no URL; all else is as it has to be.
  t.deepEqual(harBreaches(har).filter((breach) => !breach.includes('is no url')), [])
  t.is(har.log.entries[0]!.response.content.text, 'half')
  t.truthy(har.log.entries[0]!['_error'])
})
