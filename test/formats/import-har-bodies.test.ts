import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Recording } from 'wiretape'
import { httpOrigin } from '../real/http-origin.js'
import { bytesOf, onlyExchange, taping } from '../real/relaying.js'
import { exported } from './exported.js'
import { entry, har } from './har-entries.js'
import type { Json } from './har-entries.js'
import { importing } from './importing.js'

/* What a HAR has of a body is there as it was; what it tells of and doesn't have is marked. */

type Side = 'request' | 'response'

const headers = (...fields: readonly (readonly [name: string, value: string])[]) => fields.map(([name, value]) => ({ name, value }))

function asks(fields: Json): Json {
  return entry({ request: { method: 'POST', headers: headers(['Host', 'a']), bodySize: -1, ...fields } })
}

const answers = (content: Json, fields: Json = {}): Json => entry({ response: { content, ...fields } })

async function bodyOf(recording: Recording, side: Side): Promise<Buffer> {
  return bytesOf(recording.body(onlyExchange(recording).id, side))
}

/** What is told of it, besides its bytes. */
function marks(recording: Recording): string[] {
  return [...recording.events()].map(({ kind, direction, messageId }) => `${kind} ${direction} ${messageId === onlyExchange(recording).id}`)
}

const form = 'application/x-www-form-urlencoded'
const multipart = { mimeType: 'multipart/form-data; boundary=XX', params: [{ name: 'c', value: 'd' }] }

for (const [what, fields, missing] of [
  ['the size of which its headers tell', { headers: headers(['Content-Length', '500']) }, 500],
  ['the size of which the entry tells', { bodySize: 500 }, 500],
  ['of parts, with its size', { headers: headers(['Content-Length', '300']), bodySize: 0, postData: multipart }, 300],
  ['cut short', { bodySize: 300, postData: { mimeType: 'text/plain', text: 'abc' } }, 297],
  ['in base64, cut short', { bodySize: 300, postData: { mimeType: 'image/png', text: 'AAAA', _encoding: 'base64' } }, 297],
  ['with an empty text', { bodySize: 300, postData: { mimeType: 'text/plain', text: '' } }, 300],
] as const) {
  test(`a request's body ${what}: a gap of what isn't there, and the response is read`, async (t) => {
    const { recording, summary } = await importing(t, har(asks(fields)))
    t.is(summary.missingBytes, missing)
    t.like(onlyExchange(recording), { status: 200, responseBodySize: 5, error: `exchange cut: ${missing} bytes not in the capture` })
    t.deepEqual([...recording.connections()].map(({ droppedUp, droppedDown }) => [droppedUp, droppedDown]), [[missing, 0]])
  })
}

for (const [what, fields] of [
  ['of parts, without its size', { postData: multipart }],
  ['of a type', { postData: { mimeType: 'application/json' } }],
  ['in chunks', { headers: headers(['Transfer-Encoding', 'chunked']), bodySize: 0 }],
  ['in base64 that is none', { bodySize: 5, postData: { mimeType: 'image/png', text: '!!!not base64!!!', _encoding: 'base64' } }],
  ['in an unknown encoding', { bodySize: 5, postData: { mimeType: 'image/png', text: '68656c6c6f', encoding: 'hex' } }],
] as const) {
  test(`a request's body ${what}: not known`, async (t) => {
    const { recording, summary } = await importing(t, har(asks(fields)))
    t.like(onlyExchange(recording), { status: 200, requestBodySize: 0, error: null })
    t.true(marks(recording).includes('body-unknown up true'))
    t.is(summary.missingBytes, 0)
  })
}

for (const [what, fields] of [
  ['nothing tells of', {}], ['is empty', { bodySize: 0, postData: { mimeType: '', text: '' } }], ['has no bytes', { headers: headers(['Content-Length', '0']), postData: { mimeType: 'text/plain' } }],
] as const) {
  test(`a request's body that ${what} is none`, async (t) => {
    const { recording, summary } = await importing(t, har(asks(fields)))
    t.like(onlyExchange(recording), { status: 200, requestBodySize: 0, error: null })
    t.deepEqual([marks(recording), summary.missingBytes], [[], 0])
  })
}

for (const [what, params, size, text] of [
  ['decoded', [{ name: 'a b', value: '\u00e4&=' }, { name: 'c', value: 'd' }], -1, 'a+b=%C3%A4%26%3D&c=d'],
  ['as they were', [{ name: 'a+b', value: '%c3%a4=' }, { name: 'c', value: '' }], -1, 'a+b=%c3%a4=&c='],
  ['decoded, by the size', [{ name: 'a', value: '1+1' }], 7, 'a=1%2B1'],
] as const) {
  test(`a form whose parameters are ${what} is written anew`, async (t) => {
    const { recording } = await importing(t, har(asks({ bodySize: size, postData: { mimeType: form, params } })))
    t.is((await bodyOf(recording, 'request')).toString(), text)
    t.deepEqual(marks(recording).map((line) => line.replace(/ \w+$/, '')), ['har-rewritten up'])
    t.is(onlyExchange(recording).error, null)
  })
}

for (const [what, content, bytes] of [
  ['text', { size: 5_000_000, text: 'x'.repeat(1000), comment: 'truncated' }, 1000], ['text of a charset, by the bytes of which it is short', { size: 100, text: '\u041f\u0440', mimeType: 'text/plain; charset=windows-1251' }, 2],
  ['base64', { size: 5_000_000, text: 'AAAA', encoding: 'base64' }, 3], ['nothing', { size: 100, text: '' }, 0],
] as const) {
  test(`a response of which there is ${what} and more was told: what is there, and a gap for the rest`, async (t) => {
    const { recording, summary } = await importing(t, har(answers(content)))
    t.is(summary.missingBytes, content.size - bytes)
    t.like(onlyExchange(recording), { status: 200, responseBodySize: bytes, error: `exchange cut: ${content.size - bytes} bytes not in the capture` })
  })
}

for (const [what, content, why] of [
  ['base64 that is none', { size: 5, text: '!!!not base64!!!', encoding: 'base64' }, /base64, and isn't/], ['base64 that is cut within a character', { text: 'AAAAA', encoding: 'base64' }, /base64, and isn't/],
  ['an encoding that nobody knows', { size: 5, text: '68656c6c6f', encoding: 'hex' }, /encoding hex, which isn't known/],
] as const) {
  test(`a response in ${what} is not known`, async (t) => {
    const { recording } = await importing(t, har(answers(content)))
    t.like(onlyExchange(recording), { status: 200, responseBodySize: 0, error: null })
    const [told] = recording.events({ where: 'kind = \'body-unknown\'' })
    t.regex(told!.text, why)
    t.is(told!.messageId, onlyExchange(recording).id)
  })
}

test('base64 in lines, without padding, and a text that is said to be UTF-8 are what they are', async (t) => {
  for (const content of [{ text: 'aGVs\r\nbG8=', encoding: 'base64' }, { text: 'aGVsbG8', encoding: 'base64' }, { text: 'hello', encoding: 'utf-8' }]) {
    const { recording } = await importing(t, har(answers({ size: 5, ...content })))
    t.is((await bodyOf(recording, 'response')).toString(), 'hello')
    t.deepEqual(marks(recording), [])
  }
})

test('a size that is that of the coded body makes no gap', async (t) => {
  const coded = { headers: headers(['Content-Encoding', 'gzip']), bodySize: 37 }
  const { summary } = await importing(t, har(answers({ size: 37, text: 'hello' }, coded)))
  t.is(summary.missingBytes, 0)
})

const words = '\u041f\u0440\u0438\u0432\u0435\u0442'

/** Bytes by Python's codecs. */
for (const [charset, text, hex] of [
  ['windows-1251', words, 'cff0e8e2e5f2'], ['koi8-r', words, 'f0d2c9d7c5d4'], ['shift_jis', '\u65e5\u672c\u8a9e', '93fa967b8cea'], ['euc-jp', '\u65e5\u672c\u8a9e', 'c6fccbdcb8ec'], ['gb18030', '\u4e2d\u6587\u20ac', 'd6d0cec4a2e3'],
  ['big5', '\u4e2d\u6587', 'a4a4a4e5'], ['euc-kr', '\ud55c\uad6d', 'c7d1b1b9'], ['iso-8859-2', '\u017dlu\u0165', 'ae6c75bb'], ['windows-1252', '\u201cx\u201d \u20ac', '9378942080'], ['utf-16le', 'a\u20ac', '6100ac20'], ['utf-16be', 'a\u20ac', '006120ac'],
] as const) {
  test(`text of ${charset} is bytes of it again`, async (t) => {
    const bytes = Buffer.from(hex, 'hex')
    const type = `text/plain; charset=${charset}`
    const { recording } = await importing(t, har(entry({
      request: { method: 'POST', bodySize: bytes.length, postData: { text, mimeType: type } }, response: { headers: headers(['Content-Type', type]), content: { text, size: bytes.length } },
    })))
    for (const side of ['request', 'response'] as const) t.deepEqual(await bodyOf(recording, side), bytes)
    t.deepEqual([marks(recording), onlyExchange(recording).error], [[], null])
  })
}

test('text that its charset doesn\'t have is UTF-8, its type says so, and an event', async (t) => {
  const { recording } = await importing(t, har(answers({ text: `${words} \u65e5`, size: 8 }, { headers: headers(['Content-Type', 'text/html; charset="windows-1251"; x=y']) })))
  t.is((await bodyOf(recording, 'response')).toString(), `${words} \u65e5`)
  t.deepEqual(onlyExchange(recording).responseHeaders[0], ['Content-Type', 'text/html; charset=utf-8; x=y'])
  t.regex([...recording.events()][0]!.text, /the response's text can't be written in windows-1251 again: it is written as UTF-8/)
})

test('a mark of byte order that the size tells of is there again, and an event says so', async (t) => {
  for (const [content, hex] of [[{ text: '{}', size: 5 }, 'efbbbf7b7d'], [{ text: 'a', size: 4, mimeType: 'text/plain; charset=utf-16' }, 'fffe6100']] as const) {
    const { recording, summary } = await importing(t, har(answers(content)))
    t.is((await bodyOf(recording, 'response')).toString('hex'), hex)
    t.deepEqual([marks(recording).map((line) => line.replace(/ \w+$/, '')), summary.missingBytes], [['har-rewritten down'], 0])
  }
})

async function throughHar(t: ExecutionContext, type: string | null, bodies: readonly Buffer[]): Promise<void> {
  const origin = await httpOrigin(t, (request, response) => response.writeHead(200, type === null ? {} : { 'Content-Type': type }).end(bodies[Number(request.url!.slice(1))]))
  const tape = await taping(t, { http: origin.target })
  for (const place of bodies.keys()) await (await fetch(`http://127.0.0.1:${tape.port}/${place}`)).arrayBuffer()
  ;(await tape.recorded()).close()
  const { recording, summary } = await importing(t, await exported(tape.path, { format: 'har' }))
  t.deepEqual(await Promise.all([...recording.exchanges()].map(async ({ id }) => bytesOf(recording.body(id, 'response')))), [...bodies])
  t.is(summary.missingBytes, 0)
}

for (const type of ['text/plain; charset=windows-1251', 'text/html; charset=Shift_JIS', 'text/plain; charset=gb18030', 'text/plain; charset=utf-16', 'text/plain; charset=iso-8859-1', 'text/plain; charset=nonsense', 'text/plain; charset=utf-8', 'text/plain', null]) {
  test(`our own HAR of ${type ?? 'no type'} gives the same bytes`, async (t) => {
    const hexes = ['cff0e8e2e5f2', '93fa967b8cea', 'd6d0cec4a2e3', 'fffe6100ac20', 'feff006120ac', '636166e9', '939420', 'efbbbf68', '61ff62', '00', '8181', 'ed40fa40', '9a', '8e', '84318236']
    await throughHar(t, type, [...hexes.map((hex) => Buffer.from(hex, 'hex')), Buffer.from(words)])
  })
}
