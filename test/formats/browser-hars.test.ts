import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import type { Recording } from 'wiretape'
import { chromiumHar } from '../real/chromium-har.js'
import { httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { bytesOf } from '../real/relaying.js'
import { importing } from './importing.js'

/*
 * HARs as browsers write them of one page, which asks for one thing after another. Chromium's is written in the test; those of Firefox 153 were written by
 * its own network panel (`toolbox.getHARFromNetMonitor()`), once with all bodies and once with `devtools.netmonitor.responseBodyLimit` at 100.
 */

const html = `<!doctype html><meta charset=utf-8><link rel=icon href="data:,"><script>(async () => {
  const get = async (...asked) => { const response = await fetch(...asked); await response.arrayBuffer() }
  await get('/gzip')
  await get('/bin')
  await get('/form', { method: 'POST', body: new URLSearchParams({ a: 'caf\u00e9', b: '\u20ac' }) })
  await get('/up', { method: 'PUT', body: new Uint8Array([0, 1, 2, 255, 254]) })
  await get('/moved')
  await get('/gone')
  await get('/latin')
  await get('/empty')
  const form = new FormData()
  form.set('x', 'y')
  form.set('file', new Blob([new Uint8Array([0, 200, 255])]), 'n.bin')
  await get('/multi', { method: 'POST', body: form })
  await get('/sjis')
  await get('/long')
  await get('/done')
})()</script>`

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
const put = Buffer.from([0, 1, 2, 255, 254])
const form = Buffer.from('a=caf%C3%A9&b=%E2%82%AC')

/** Bytes, or the mark that the HAR doesn't have them. */
type Body = Buffer | 'a gap' | 'unknown'

const none = Buffer.alloc(0)

type Exchange = readonly [asked: string, status: number, request: Body, response: Body]

const exchanges = (multi: readonly [request: Body, response: Body], sjis: Buffer, [bin, long]: readonly [Body, Body] = [everyByte, Buffer.from('0123456789'.repeat(20))]): readonly Exchange[] => [
  ['GET /gzip', 200, none, Buffer.from('{"price":"5 \u20ac"}')], ['GET /bin', 200, none, bin], ['POST /form', 200, form, form], ['PUT /up', 200, put, put],
  ['GET /moved', 302, none, none], ['GET /landed', 200, none, none], ['GET /gone', 404, none, Buffer.from('no such')], ['GET /latin', 200, none, Buffer.from('caf\u00e9', 'latin1')],
  ['GET /empty', 204, none, none], ['POST /multi', 200, ...multi], ['GET /sjis', 200, none, sjis], ['GET /long', 200, none, long], ['GET /done', 200, none, none],
]

/** What a recording has of all but the page itself. */
async function exchangesOf(recording: Recording): Promise<Exchange[]> {
  const unknown = [...recording.events({ where: 'kind = \'body-unknown\'' })]
  const body = async (id: number, side: 'request' | 'response', error: string | null): Promise<Body> => {
    if (unknown.some(({ messageId, direction }) => messageId === id && direction === (side === 'request' ? 'up' : 'down'))) return 'unknown'
    const bytes = await bytesOf(recording.body(id, side))
    return bytes.length === 0 && side === 'response' && error?.includes('not in the capture') === true ? 'a gap' : bytes
  }
  const [, ...asked] = [...recording.exchanges()]
  return Promise.all(asked.map(async ({ id, method, path, status, error }) => [`${method} ${path}`, status ?? 0, await body(id, 'request', error), await body(id, 'response', error)] as const))
}

function multipart(boundary: string): Buffer {
  return Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="n.bin"\r\n`
    + `Content-Type: application/octet-stream\r\n\r\n\0\u00c8\u00ff\r\n--${boundary}--\r\n`, 'latin1')
}

const shiftJis = Buffer.from([0x93, 0xfa, 0x96, 0x7b])
const har = (name: string): Buffer => readFileSync(new URL(`../../../test/formats/hars/${name}`, import.meta.url))

test('a HAR of Firefox: every body as it was', async (t) => {
  const { recording, summary } = await importing(t, har('firefox.har'))
  const multi = multipart('----geckoformboundarya0cf7c8d3547d96a9f82ea334c8ec9d1')
  t.deepEqual(await exchangesOf(recording), exchanges([multi, multi], shiftJis))
  t.like(summary, { entries: 15, skipped: { entries: 1 }, complete: true, missingBytes: 0 })
})

test('a HAR of Firefox that kept no large bodies: they are gaps', async (t) => {
  const { recording, summary } = await importing(t, har('firefox-limited.har'))
  t.deepEqual(await exchangesOf(recording), exchanges([multipart('----geckoformboundaryda5bcc8ca368944ceb912e7770da2e8b'), 'a gap'], shiftJis, ['a gap', 'a gap']))
  t.is(summary.missingBytes, 612 + 256 + 330 + 200)
})

const withChromium = installed('chromium') ? test : test.skip
withChromium('a HAR that Chromium\'s DevTools write: every body as it was, but for a file in a form, which they spoil', async (t) => {
  const page = new EventEmitter()
  let sent = none
  const origin = await httpOrigin(t, (request, response) => {
    void buffer(request).then((body) => {
      switch (request.url) {
        case '/': response.setHeader('Content-Type', 'text/html').end(html); break
        case '/gzip': response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(gzipSync('{"price":"5 \u20ac"}')); break
        case '/bin': response.setHeader('Content-Type', 'application/octet-stream').end(everyByte); break
        case '/moved': response.writeHead(302, { Location: '/landed' }).end(); break
        case '/gone': response.writeHead(404, { 'Content-Type': 'text/plain' }).end('no such'); break
        case '/latin': response.setHeader('Content-Type', 'text/plain; charset=iso-8859-1').end(Buffer.from('caf\u00e9', 'latin1')); break
        case '/empty': response.writeHead(204).end(); break
        case '/sjis': response.setHeader('Content-Type', 'text/plain; charset=shift_jis').end(shiftJis); break
        case '/long': response.setHeader('Content-Type', 'text/plain').end('0123456789'.repeat(20)); break
        default:
          if (request.url === '/multi') sent = body
          response.setHeader('Content-Type', 'application/octet-stream').end(body)
          if (request.url === '/done') page.emit('through')
      }
    })
  })
  const written = await chromiumHar(t, `http://127.0.0.1:${origin.port}/`, once(page, 'through'))
  const { recording, summary } = await importing(t, Buffer.from(written))
  t.deepEqual(await exchangesOf(recording), exchanges(['unknown', sent], shiftJis))
  t.like(summary, { entries: 14, complete: true, missingBytes: 0 })
})
