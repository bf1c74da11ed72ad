import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { compareRecordings } from 'wiretape'
import type { Recording } from 'wiretape'
import { within } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { Lines, run, start } from '../real/program.js'
import { bytesOf, onlyExchange } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { entry, har } from './har-entries.js'
import type { Json } from './har-entries.js'
import { importing } from './importing.js'
import type { Imported } from './importing.js'

const started = Date.UTC(2026, 0, 2, 3, 4, 5, 678) * 1000

async function body(recording: Recording, side: 'request' | 'response'): Promise<string> {
  return (await bytesOf(recording.body(onlyExchange(recording).id, side))).toString()
}

function texts({ recording }: Imported): string[] {
  return [...recording.events()].map(({ text }) => text)
}

test('an entry is an exchange, with its headers in order and its phases as times', async (t) => {
  const { recording, summary } = await importing(t, har(entry()))
  t.like(summary, { entries: 1, connections: 1, records: 1, complete: true, notes: [], missingBytes: 0 })
  t.like(onlyExchange(recording), {
    method: 'GET', scheme: 'https', host: 'shop.example', path: '/a/b', query: 'c=d', url: 'https://shop.example/a/b?c=d', status: 200, reason: 'OK', error: null,
    started: started + 33_000, firstByte: started + 87_000, ended: started + 100_000,
    requestHeaders: [['Host', 'shop.example'], ['X-Twice', '1'], ['X-Twice', '2']], responseHeaders: [['Content-Type', 'text/plain'], ['Content-Length', '5']],
  })
  t.is(await body(recording, 'response'), 'hello')
  t.deepEqual(recording.relays().map(({ protocol, target }) => [protocol, target]), [['http', 'https://shop.example']])
  const [connection] = recording.connections()
  t.like(connection, { server: { host: '192.0.2.1', port: 443 }, client: null, opened: started + 3000, connected: started + 33_000 })
})

test('bodies: text, base64, and a form that is told by its parameters', async (t) => {
  const binary = Buffer.from([0, 255, 13, 10, 128])
  const { recording } = await importing(t, har(entry({
    request: { method: 'POST', postData: { mimeType: 'application/x-www-form-urlencoded', params: [{ name: 'a', value: '1' }, { name: 'b', value: 'x%20y' }] } },
    response: { content: { size: 5, mimeType: 'image/png', encoding: 'base64', text: binary.toString('base64') } },
  })))
  t.is(await body(recording, 'request'), 'a=1&b=x%20y')
  t.deepEqual(await bytesOf(recording.body(onlyExchange(recording).id, 'response')), binary)
})

test('bodies that a HAR has decoded lose their coding, and an event tells that', async (t) => {
  const imported = await importing(t, har(entry({ response: {
    headers: [{ name: 'Content-Encoding', value: 'br' }, { name: 'Transfer-Encoding', value: 'chunked' }, { name: 'content-length', value: '3' }], content: { size: 6, text: 'größe' },
  } })))
  t.deepEqual(onlyExchange(imported.recording).responseHeaders, [['Content-Length', '7']])
  t.is(await body(imported.recording, 'response'), 'größe')
  t.deepEqual(texts(imported), ['the HAR has the response\'s body decoded: content-encoding (br) is left out, transfer-encoding (chunked) is left out, content-length is 7'])
})

test('HTTP/2 is written as HTTP/1.1, without its pseudo fields, and that is told', async (t) => {
  const imported = await importing(t, har(entry({ request: { httpVersion: 'h2', headers: [{ name: ':authority', value: 'shop.example' }, { name: ':path', value: '/a' }, { name: 'accept', value: '*/*' }] }, response: { httpVersion: 'http/2.0' } })))
  t.like(onlyExchange(imported.recording), { requestHeaders: [['Host', 'shop.example'], ['accept', '*/*']], url: 'https://shop.example/a/b?c=d', status: 200 })
  t.deepEqual(texts(imported), ['it was h2: written as HTTP/1.1', 'it was http/2.0: written as HTTP/1.1'])
})

test('a body that the HAR tells of and doesn\'t have is a gap of its size', async (t) => {
  const { recording, summary } = await importing(t, har(entry({ response: { content: { size: 5000, mimeType: 'video/mp4' } } }), entry()))
  t.is(summary.missingBytes, 5000)
  t.deepEqual([...recording.exchanges()].map(({ status, error }) => [status, error]), [[200, 'exchange cut: 5000 bytes not in the capture'], [200, null]])
  t.deepEqual([...recording.connections()].map(({ droppedDown }) => droppedDown), [5000, 0])
})

test('no response: the exchange says why', async (t) => {
  const { recording } = await importing(t, har(entry({ response: { status: 0, statusText: '', headers: [], content: { size: 0 }, _error: 'net::ERR_CONNECTION_REFUSED' } })))
  t.like(onlyExchange(recording), { method: 'GET', status: null, error: 'no response: net::ERR_CONNECTION_REFUSED' })
})

test('responses that have no body keep what their headers say of one', async (t) => {
  const headers = [{ name: 'Content-Length', value: '4000' }, { name: 'Content-Encoding', value: 'gzip' }]
  const { recording } = await importing(t, har(
    entry({ request: { method: 'HEAD' }, response: { headers, content: { size: 0, text: '' } } }), entry({ response: { status: 304, statusText: 'Not Modified', headers, content: { size: 0 } } }),
    entry({ response: { status: 204, statusText: 'No Content', headers: [], content: { size: 0 } } }),
  ))
  t.deepEqual([...recording.exchanges()].map(({ status, responseBodySize, responseHeaders, error }) => [status, responseBodySize, responseHeaders.length, error]), [[200, 0, 2, null], [304, 0, 2, null], [204, 0, 0, null]])
})

test('entries of one connection are on one, unless they overlap in time', async (t) => {
  const at = (second: number): string => `2026-01-02T03:04:0${second}.000Z`
  const { recording } = await importing(t, har(
    entry({ startedDateTime: at(1) }), entry({ startedDateTime: at(2) }), entry({ startedDateTime: at(2) }), entry({ startedDateTime: at(3), connection: '18' }), entry({ startedDateTime: at(4), connection: undefined }),
  ))
  t.deepEqual([...recording.connections()].map(({ messages }) => messages), [2, 1, 1, 1])
  t.true([...recording.exchanges()].every(({ status, error }) => status === 200 && error === null))
})

test('what is missing is done without', async (t) => {
  const { recording, summary } = await importing(t, har({ startedDateTime: '2026-01-02T03:04:05.678901+00:00', request: { method: 'GET', url: 'http://a.example' }, response: { status: 200 } }))
  t.like(onlyExchange(recording), { url: 'http://a.example/', status: 200, started: started + 901, ended: started + 901, requestHeaders: [['Host', 'a.example']] })
  t.is([...recording.connections()][0]!.server, null)
  t.deepEqual(summary.notes, [])
})

test('without phases, the time in all is the wait', async (t) => {
  const { recording } = await importing(t, har(entry({ timings: { send: -1, wait: -1, receive: -1 }, time: 250 })))
  t.like(onlyExchange(recording), { started, ended: started + 250_000 })
})

test('what can\'t be an exchange is left out and told, the others are imported', async (t) => {
  const { summary, recording } = await importing(t, har(
    entry({ request: { url: 'chrome-extension://abc/x.js' } }), entry({ request: { method: 'GE T' } }), { startedDateTime: 'yesterday', request: { method: 'GET', url: 'http://a' } }, { nothing: 1 }, entry(),
  ))
  t.like(summary, { entries: 5, complete: true, skipped: { entries: 4 } })
  t.is(summary.notes.length, 4)
  t.is(onlyExchange(recording).status, 200)
})

test('nothing in an entry can write lines of its own', async (t) => {
  const { recording } = await importing(t, har(entry({
    request: { url: 'http://a.example/x y\r\nEvil: 1', headers: [{ name: 'A', value: 'b\r\nEvil: 2\r\n\r\nGET /2 HTTP/1.1' }, { name: 'C\r\nEvil', value: '3' }] },
    response: { statusText: 'OK\r\nEvil: 4', headers: [] },
  })))
  const found = onlyExchange(recording)
  t.is(found.path, '/x%20y%0D%0AEvil:%201')
  t.false([...found.requestHeaders, ...found.responseHeaders].some(([name]) => name === 'Evil'))
})

test('a HAR is read piece by piece: the keys of other objects, strings with brackets and escapes mislead nobody', async (t) => {
  const text = har(entry({ comment: '"entries": [{ \\" ]}', response: { content: { size: 4, text: '}]{"' } } }), entry()).toString()
  const { summary, recording } = await importing(t, [Buffer.from(text), Buffer.from(JSON.stringify(JSON.parse(text), null, 2))])
  t.like(summary, { entries: 4, complete: true })
  t.is([...recording.exchanges()].length, 4)
})

async function cut(t: ExecutionContext, length: number): Promise<Imported> {
  return importing(t, har(entry(), entry(), entry()).subarray(0, length))
}

test('a HAR that is no JSON any more says where that begins, however it is cut', async (t) => {
  const { summary } = await importing(t, Buffer.from(`{"log":{"entries":[]}}   ]`))
  t.like(summary.problems[0], { offset: 25, text: 'its JSON has a bracket too many' })
})

test('a HAR that ends early gives the entries that are whole, and says where it ends', async (t) => {
  const whole = har(entry(), entry(), entry())
  const { summary, recording } = await cut(t, whole.length - 100)
  t.is([...recording.exchanges()].length, 2)
  t.like(summary, { complete: false, entries: 2 })
  t.like(summary.problems[0], { packet: 3, offset: whole.length - 100, text: 'it ends within an entry' })
  const before = await cut(t, 60)
  t.like(before.summary, { complete: false, entries: 0 })
})

test('an object with a log that has no entries is told', async (t) => {
  const { summary } = await importing(t, Buffer.from('{"log": {"version": "1.2"}}'))
  t.like(summary.problems[0], { text: 'it has no log.entries' })
})

for (const [what, content, bytes] of [
  ['of UTF-8', { text: 'caf\u00e9', size: 5 }, 'caf\u00c3\u00a9'], ['of which nothing is known', { text: 'caf\u00e9' }, 'caf\u00c3\u00a9'], ['a byte for each character, by its size', { text: 'caf\u00e9', size: 4 }, 'caf\u00e9'],
  ['of Latin-1, by its charset', { text: 'caf\u00e9', size: 24, mimeType: 'text/plain; charset=ISO-8859-1' }, 'caf\u00e9'], ['of characters that Latin-1 doesn\'t have', { text: '\u20ac', size: 1 }, '\u00e2\u0082\u00ac'],
] as const) {
  test(`text ${what}`, async (t) => {
    const { recording } = await importing(t, har(entry({
      request: { method: 'POST', bodySize: 'size' in content ? content.size : -1, postData: content }, response: { content },
    })))
    for (const side of ['request', 'response'] as const) t.is((await bytesOf(recording.body(onlyExchange(recording).id, side))).toString('latin1'), bytes)
  })
}

/** mitmproxy's own: what Debian installs; later ones have it built in. */
const harDump = '/usr/share/doc/mitmproxy/examples/contrib/har_dump.py'
const withMitmdump = installed('mitmdump') && installed('curl') && existsSync(harDump) ? test.serial : test.serial.skip

withMitmdump('a HAR that mitmdump wrote of curl: the exchanges, and their bodies byte for byte', async (t) => {
  const binary = randomBytes(3000)
  const origin = await httpOrigin(t, (request, response) => {
    if (request.url === '/gzip') response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(gzipSync('{"price":"5 \u20ac"}'))
    else if (request.url === '/moved') response.writeHead(302, { 'Location': '/', 'Set-Cookie': ['a=1', 'b=2'] }).end()
    else request.pipe(response.writeHead(200, { 'Content-Type': 'application/octet-stream' }))
  })
  const path = join(temporaryFolder(t), 'mitmdump.har')
  const port = await freePort()
  const proxy = start(t, 'mitmdump', ['-p', String(port), '-s', harDump, '--set', `hardump=${path}`])
  const ended = new Promise((resolve) => proxy.once('close', resolve))
  await new Lines(proxy.stdout).next(/listening/)
  const url = `http://127.0.0.1:${origin.port}`
  const curl = async (...words: string[]) => t.is((await run(t, 'curl', ['-s', '--noproxy', '', '-x', `http://127.0.0.1:${port}`, ...words], binary)).code, 0)
  await curl(`${url}/gzip`, '-o', '/dev/null', `${url}/moved`, '-o', '/dev/null')
  await curl('-T', '-', '-o', '/dev/null', '-H', 'Expect:', `${url}/put`)
  await curl('-d', 'a=caf%C3%A9&b=\u20ac', `${url}/form`)
  await curl('-I', `${url}/head`)
  proxy.kill('SIGINT')
  await within(ended, 'mitmdump to end')
  const { recording, summary } = await importing(t, readFileSync(path))
  t.like(summary, { entries: 5, complete: true, missingBytes: 0, notes: [] })
  t.deepEqual([...recording.exchanges()].map(({ method, url: asked, status, error }) => [method, asked, status, error]), [
    ['GET', `${url}/gzip`, 200, null], ['GET', `${url}/moved`, 302, null], ['PUT', `${url}/put`, 200, null], ['POST', `${url}/form`, 200, null], ['HEAD', `${url}/head`, 200, null],
  ])
  const bodies = await Promise.all([...recording.exchanges()].flatMap(({ id }) => (['request', 'response'] as const).map((side) => bytesOf(recording.body(id, side)))))
  const form = Buffer.from('a=caf%C3%A9&b=\u20ac')
  t.deepEqual(bodies, [Buffer.alloc(0), Buffer.from('{"price":"5 \u20ac"}'), Buffer.alloc(0), Buffer.alloc(0), binary, binary, form, form, Buffer.alloc(0), Buffer.alloc(0)])
})

test('a body of which the HAR says neither text nor size: marked, and not compared', async (t) => {
  const of = (content: Json) => har(entry({ request: { method: 'HEAD' } }), entry({ response: { content } }), entry({ response: { content: { size: 0 } } }))
  const [unknown, another, known] = [await importing(t, of({ mimeType: 'text/plain' })), await importing(t, of({ size: -1 })), await importing(t, of({ size: 5, text: 'hello' }))]
  const told = [...unknown.recording.events({ where: 'kind = \'body-unknown\'' })]
  t.deepEqual(told.map(({ messageId, direction, source }) => [messageId, direction, source]), [[[...unknown.recording.exchanges()][1]!.id, 'down', 'import']])
  t.like(await compareRecordings(unknown.summary.path, another.summary.path), { same: 2, uncompared: 1, different: 0 })
  const { uncompared, differences } = await compareRecordings(known.summary.path, unknown.summary.path)
  t.is(uncompared, 1)
  t.deepEqual(differences.map(({ field, was, now }) => [field, was, now]), [['not compared', 'recorded', 'a body that is not known']])
  t.like(await compareRecordings(known.summary.path, known.summary.path), { same: 3, uncompared: 0 })
})

test('bodies of a HAR that is read in many pieces are whole', async (t) => {
  const bodies = [3_000_000, 10, 700_000, 2_100_000, 5].map((size) => randomBytes(size).toString('base64'))
  const { recording } = await importing(t, har(...bodies.map((text) => entry({ response: { content: { text, encoding: 'base64' } } }))))
  const read = await Promise.all([...recording.exchanges()].map(async ({ id }) => (await bytesOf(recording.body(id, 'response'))).toString('base64')))
  t.deepEqual(read, bodies)
})
