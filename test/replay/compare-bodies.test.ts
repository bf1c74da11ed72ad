import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import test from 'ava'
import { bodyDifferences } from '../../src/replay/compare/body-differences.js'
import type { RecordedBody } from '../../src/replay/compare/body-differences.js'
import { jsonDifferences } from '../../src/replay/compare/json-differences.js'
import { JsonNumber, JsonObject } from '../../src/replay/compare/json-text.js'
import type { JsonValue } from '../../src/replay/compare/json-text.js'
import { parseJsonPath } from '../../src/replay/compare/json-path.js'
import { compareStreams } from '../../src/replay/compare/stream-differences.js'
import { headerDifferences } from '../../src/replay/compare/header-differences.js'
import { ignoredHeaders, readIgnored } from '../../src/replay/compare/ignored.js'

function body(content: Uint8Array | string, contentType: string | null = 'application/json', contentEncoding: string | null = null): RecordedBody {
  const bytes = Buffer.from(content)
  return { size: bytes.length, contentType, contentEncoding, pieces: () => [bytes] }
}

async function told(was: RecordedBody, now: RecordedBody, ignored: readonly string[] = []): Promise<string[]> {
  const found = await bodyDifferences(was, now, ignored.map((path) => parseJsonPath(path, 'ignore')))
  return found.map(({ field, was, now }) => `${field}: ${was} → ${now}`)
}

test('JSON is compared by structure', async (t) => {
  t.deepEqual(await told(body('{"a":1,"b":[1,2]}'), body('{ "b": [1, 2], "a": 1 }')), [])
  t.deepEqual(await told(body('{"a":1}'), body('{"a":"1"}')), ['body $.a: 1 → "1"'])
  t.deepEqual(await told(body('{"a":null}'), body('{}')), ['body $.a: null → null'])
  t.deepEqual(await told(body('{"items":[{"price":1},{"price":2}]}'), body('{"items":[{"price":1},{"price":3},4]}')), ['body $.items[1].price: 2 → 3', 'body $.items[2]: null → 4'])
  t.deepEqual(await told(body('{"odd name":{"x":[]}}'), body('{"odd name":{"x":{}}}')), ['body $["odd name"].x: [] → {}'])
  t.deepEqual(await told(body('{"__proto__":1}'), body('{"__proto__":2}')), ['body $.__proto__: 1 → 2'])
  t.deepEqual(await told(body('[1,2]'), body('[2,1]')), ['body $[0]: 1 → 2', 'body $[1]: 2 → 1'])
})

test('JSON: what is ignored is no difference, all else is', async (t) => {
  const was = body('{"at":1,"list":[{"id":1,"v":1}]}')
  const now = body('{"at":2,"list":[{"id":2,"v":3}]}')
  t.deepEqual(await told(was, now, ['$.at', '$..id']), ['body $.list[0].v: 1 → 3'])
})

test('JSON: what is ignored leaves the paths of the rest as they are', async (t) => {
  t.deepEqual(await told(body('{"l":[1,2,3]}'), body('{"l":[9,2,4]}'), ['$.l[0]']), ['body $.l[2]: 3 → 4'])
  t.deepEqual(await told(body('{"l":[1,2,3]}'), body('{"l":[2,3]}'), ['$.l[0]']), ['body $.l[1]: 2 → 3', 'body $.l[2]: 3 → null'])
  t.deepEqual(await told(body('{"l":[1,2]}'), body('{"l":[]}'), ['$.l[*]']), [], 'also where it is missing')
  t.deepEqual(await told(body('{"a":1,"l":[{"a":1,"b":{"a":1,"c":1}}]}'), body('{"l":[{"a":2,"b":{"c":2}}]}'), ['$..a']), ['body $.l[0].b.c: 1 → 2'])
  t.deepEqual(await told(body('{"\\"\\n":1,"b":1}'), body('{"\\"\\n":2,"b":2}'), ['$["\\"\\n"]']), ['body $.b: 1 → 2'], 'a name as differences write it')
})

test('JSON: a name that comes twice is another document', async (t) => {
  t.deepEqual(await told(body('{"a":1,"a":2}'), body('{"a":2}')), ['body $.a: 1 and again 2 → 2'])
  t.deepEqual(await told(body('{"a":1,"a":2}'), body('{ "a": 1, "a": 2 }')), [])
  t.deepEqual(await told(body('{"a":1,"b":0,"a":2}'), body('{"a":2,"a":1,"b":0}')), ['body $.a: 1 → 2', 'body $.a (2): 2 → 1'])
})

test('JSON: however deep it is nested, each value is looked at once', (t) => {
  // Counts by what it is asked: a number that says how often it was compared.
  let asked = 0
  class Counting extends JsonNumber {
    override equals(other: JsonNumber): boolean {
      asked++
      return super.equals(other)
    }
  }
  const nested = (last: string): JsonValue => {
    let value: JsonValue = [...Array.from({ length: 100 }, () => new Counting('1')), new Counting(last)]
    // As deep as no stack would have room for.
    for (let depth = 0; depth < 20_000; depth++) value = depth % 2 === 0 ? [value] : new JsonObject([['a', value]])
    return value
  }
  const found = [...jsonDifferences(nested('1'), nested('2'))]
  t.deepEqual(found.map(({ was, now }) => [was, now]), [['1', '2']])
  t.true(asked <= 2 * 101, `${asked} comparisons of 101 numbers`)
})

test('JSON: nested too deeply, it is compared as text', async (t) => {
  const nested = (depth: number, last: number): RecordedBody => body(`${'['.repeat(depth)}${last}${']'.repeat(depth)}`)
  t.regex((await told(nested(1_000, 1), nested(1_000, 2)))[0]!, /^body \$(\[0\]){1000}: 1 → 2$/)
  t.regex((await told(nested(1_001, 1), nested(1_001, 2)))[0]!, /^body line 1: /)
})

test('JSON: bytes that are no characters are told apart', async (t) => {
  const broken = (byte: number): RecordedBody => body(Buffer.concat([Buffer.from('{"a":"'), Buffer.of(byte), Buffer.from('"}')]), 'application/json; charset=utf-8')
  t.is((await told(broken(0xfe), broken(0xff))).length, 1)
})

/** Members and items in a JSON text, with space around them as chance has it. */
const anyJson = fc.json({ maxDepth: 4 })

test('JSON: any document is equal to itself, whatever its space and the order of its members', async (t) => {
  const turned = (value: unknown): unknown => Array.isArray(value) ? value.map(turned) : typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).reverse().map(([name, child]) => [name, turned(child)])) : value
  await fc.assert(fc.asyncProperty(anyJson, async (text) => {
    const value: unknown = JSON.parse(text)
    t.deepEqual(await told(body(text), body(text)), [])
    t.deepEqual(await told(body(text), body(JSON.stringify(value, null, 2))), [])
    t.deepEqual(await told(body(text), body(JSON.stringify(turned(value)))), [])
  }))
})

test('JSON: one leaf changed is one difference, at its path; with that path ignored, none', async (t) => {
  type Place = (string | number)[]
  const leaves = (value: unknown, place: Place = []): Place[] => typeof value === 'object' && value !== null && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([name, child]) => leaves(child, [...place, Array.isArray(value) ? Number(name) : name])) : [place]
  const changed = (value: unknown, [first, ...rest]: Place): unknown => {
    if (first === undefined) return { changed: value }
    if (Array.isArray(value)) return value.map((child, index) => index === first ? changed(child, rest) : child as unknown)
    return Object.fromEntries(Object.entries(value as object).map(([name, child]) => [name, name === first ? changed(child, rest) : child as unknown]))
  }
  await fc.assert(fc.asyncProperty(anyJson, fc.nat(), async (text, chance) => {
    const value: unknown = JSON.parse(text)
    const all = leaves(value)
    const place = all[chance % all.length]!
    const named = place.map((one) => typeof one === 'number' ? `[${one}]` : /^[A-Za-z_$][\w$-]*$/.test(one) ? `.${one}` : `[${JSON.stringify(one)}]`).join('')
    const other = changed(value, place)
    const leaf = place.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], value)
    // An empty object that gets a member differs in that member.
    const under = typeof leaf === 'object' && leaf !== null && !Array.isArray(leaf) ? '.changed' : ''
    const found = await bodyDifferences(body(text), body(JSON.stringify(other)), [])
    t.deepEqual(found.map(({ field }) => field), [`body $${named}${under}`])
    if (place.length > 0) t.deepEqual(await bodyDifferences(body(text), body(JSON.stringify(other)), readIgnored([`json:$${named}`]).json), [])
  }))
})

test('JSON: the order of items is a difference', async (t) => {
  await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.jsonValue({ maxDepth: 1 }), { minLength: 2, selector: (value) => JSON.stringify(value) }), async (items) => {
    const [first, ...rest] = items
    t.not((await told(body(JSON.stringify(items)), body(JSON.stringify([...rest, first])))).length, 0)
  }))
})

test('JSON: numbers that a double cannot tell apart', async (t) => {
  t.deepEqual(await told(body('{"id":12345678901234567890}'), body('{"id":12345678901234567891}')), ['body $.id: 12345678901234567890 → 12345678901234567891'])
  t.deepEqual(await told(body('{"at":1,"id":12345678901234567890}'), body('{"at":2,"id":12345678901234567891}'), ['$.at']), ['body $.id: 12345678901234567890 → 12345678901234567891'], 'whatever is ignored')
  t.deepEqual(await told(body('[12345678901234567890,12345678901234567891]'), body('[12345678901234567891,12345678901234567890]')), [
    'body $[0]: 12345678901234567890 → 12345678901234567891', 'body $[1]: 12345678901234567891 → 12345678901234567890',
  ])
  t.deepEqual(await told(body('{"n":1e400}'), body('{"n":null}')), ['body $.n: 1e400 → null'])
  t.deepEqual(await told(body('{"n":1e400}'), body('{"n":1e401}')), ['body $.n: 1e400 → 1e401'])
  t.deepEqual(await told(body('{"n":1e400}'), body('{"n":Infinity}')), ['body line 1: {"n":1e400} → {"n":Infinity}'])
  const far = '9'.repeat(40)
  t.deepEqual(await told(body(`[1e${far}]`), body(`[10e${far}]`)), [`body $[0]: 1e${far} → 10e${far}`])
  t.deepEqual(await told(body('{"n":0.1}'), body('{"n":0.10000000000000000001}')), ['body $.n: 0.1 → 0.10000000000000000001'])
  t.deepEqual(await told(body('[1,10,0.5,-0,12345678901234567890,1e400]'), body('[1.0,1e1,5E-1,0,1234567890123456789.0e1,10e399]')), [], 'the same numbers in other words')
  t.deepEqual(await told(body('{"s":"12345678901234567890"}'), body('{ "s":"12345678901234567890"}')), [])
})

test('JSON that is none is text, and nesting without end is no crash', async (t) => {
  t.deepEqual(await told(body('{"a":'), body('{"b":')), ['body line 1: {"a": → {"b":'])
  const deep = (value: string): string => '['.repeat(50_000) + value + ']'.repeat(50_000)
  t.is((await told(body(deep('1')), body(deep('2')))).length, 1)
})

test('many differences of one body are told up to a number', async (t) => {
  const list = (of: number): string => JSON.stringify(Array.from({ length: 100 }, () => of))
  const found = await told(body(list(1)), body(list(2)))
  t.is(found.length, 21)
  t.is(found.at(-1), 'body: null → 80 more')
})

test('of long values that begin alike, what differs is shown', async (t) => {
  const long = 'x'.repeat(500)
  const shown = (end: string): string => `…${'x'.repeat(40)}${end}`
  t.deepEqual(await told(body(`${long}a`, 'text/plain'), body(`${long}b`, 'text/plain')), [`body line 1: ${shown('a')} → ${shown('b')}`])
  t.deepEqual(await told(body(JSON.stringify([`${long}a`])), body(JSON.stringify([`${long}b`]))), [`body $[0]: ${shown('a"')} → ${shown('b"')}`])
  t.deepEqual(await told(body(`a${long}`, 'text/plain'), body('b', 'text/plain')), [`body line 1: a${'x'.repeat(198)}… → b`])
})

test('text is compared by lines', async (t) => {
  const text = (content: string): RecordedBody => body(content, 'text/plain')
  t.deepEqual(await told(text('a\nb\nc'), text('a\nB\nc')), ['body line 2: b → B'])
  t.deepEqual(await told(text('a\nb\nc\nd'), text('a\nB\nc\nD')), ['body line 2: b → B', 'body line 4: d → D'])
  t.deepEqual(await told(text('a\nc'), text('a\nb\nc')), ['body line 2: null → b'])
  t.deepEqual(await told(text('a\nb\nb2\nc'), text('a\nc')), ['body lines 2-3: b\nb2 → null'])
  t.deepEqual(await told(text('caf\u00e9'), body(Buffer.from('café', 'latin1'), 'text/plain; charset=latin1')), ['body offset 3: c3 a9 (5 bytes, sha-256 850f7dc43910…) → e9 (4 bytes, sha-256 dafd66c0b989…)'])
})

test('content codings are undone first', async (t) => {
  const zipped = (content: string, level: number): RecordedBody => body(gzipSync(content, { level }), 'application/json', 'gzip')
  const long = JSON.stringify(Array.from({ length: 500 }, (_, n) => n % 7))
  t.deepEqual(await told(zipped(long, 1), zipped(long, 9)), [])
  t.deepEqual(await told(zipped('{"a":1}', 9), body('{"a":2}')), ['body $.a: 1 → 2'])
  t.is((await told(zipped('{"a":1}', 9), body('no gzip', 'application/json', 'gzip'))).length, 1, 'a damaged one is compared as it came')
})

test('bodies beyond what is loaded are compared all the same', async (t) => {
  const large = Buffer.alloc(9 * 1024 * 1024, 'a')
  const other = Buffer.from(large)
  other[8_500_000] = 0x62
  t.deepEqual(await told(body(large, 'text/plain'), body(Buffer.from(large), 'text/plain')), [])
  const [found] = await told(body(large, 'text/plain'), body(other, 'text/plain'))
  t.regex(found!, /^body offset 8500000: 61 61 .* → 62 61 /)
})

test('streams are compared whatever pieces they come in', async (t) => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 6 })
  await fc.assert(fc.asyncProperty(pieces, pieces, async (first, second) => {
    const [a, b] = [first, second].map((list) => Buffer.concat(list))
    const { offset, was, now } = await compareStreams(first.map((piece) => Buffer.from(piece)), second.map((piece) => Buffer.from(piece)))
    t.is(was.size, a!.length)
    t.is(now.size, b!.length)
    t.is(was.sha256 === now.sha256, a!.equals(b!))
    if (a!.equals(b!)) t.is(offset, null)
    else {
      t.true(a!.subarray(0, offset!).equals(b!.subarray(0, offset!)))
      t.not(a![offset!], b![offset!])
    }
  }))
})

test('headers: names in any case, lists in any form, cookies without their values', (t) => {
  const none = new Set(ignoredHeaders)
  const found = (was: [string, string][], now: [string, string][]): string[] => [...headerDifferences(was, now, none, 'header')].map(({ field, was, now }) => `${field}: ${was} → ${now}`)
  t.deepEqual(found([['X-A', '1'], ['Date', 'x'], ['Vary', 'a'], ['Vary', 'b']], [['vary', 'a, b'], ['x-a', '1'], ['Date', 'y']]), [])
  t.deepEqual(found([['X-A', '1']], [['X-A', '2'], ['X-B', '']]), ['header:x-a: 1 → 2', 'header:x-b: null → '])
  t.deepEqual(found([['Set-Cookie', 's=1; Path=/; Expires=Mon']], [['Set-Cookie', 's=2; Path=/; Expires=Tue']]), [])
  t.deepEqual(found([['Set-Cookie', 's=1; Path=/']], [['Set-Cookie', 's=1; Path=/x']]), ['header:set-cookie: s=…; Path=/ → s=…; Path=/x'])
})

test('what is ignored is read from words, one by one or in a list', (t) => {
  const { headers, json, body, status, text } = readIgnored(['X-Build,header:Server', 'json:$["a,b"]', 'body'])
  t.true(headers.has('x-build') && headers.has('server') && headers.has('date'))
  t.deepEqual(json.map(({ text }) => text), ['$["a,b"]'])
  t.deepEqual([body, status, text], [true, false, false])
  t.deepEqual(readIgnored(['json:$["a],[b"].c,json:$.d[0],x-build', 'json:$[\'a,b\'],status']).json.map(({ text }) => text), ['$["a],[b"].c', '$.d[0]', '$[\'a,b\']'])
  for (const wrong of ['query:a', 'json:a', 'header:a b', 'header:']) t.throws(() => readIgnored([wrong]), { message: /^--ignore / })
})
