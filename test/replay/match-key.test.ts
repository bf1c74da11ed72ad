import fc from 'fast-check'
import test from 'ava'
import { AskedBody } from '../../src/replay/serve/http/asked-body.js'
import type { AskedRequest } from '../../src/replay/serve/http/asked-request.js'
import { partsOfTarget } from '../../src/replay/serve/http/asked-request.js'
import { isMasked } from '../../src/replay/serve/http/masked.js'
import { canonicalBody, canonicalQuery } from '../../src/replay/serve/http/match-key.js'
import { readMatchRules } from '../../src/replay/serve/http/match-rules.js'

const usual = readMatchRules(undefined, undefined)

function asked(body: Buffer | string, type = '', pieces = 1): AskedRequest {
  const bytes = Buffer.from(body)
  const asked = new AskedBody()
  const size = Math.ceil(bytes.length / pieces)
  for (let at = 0; at < bytes.length; at += size) asked.add(bytes.subarray(at, at + size))
  return { method: 'POST', path: '/', query: null, host: null, headers: type === '' ? [] : [['Content-Type', type]], body: asked }
}

test('the order of names in a query is no difference, that of equal names is', (t) => {
  const name = fc.constantFrom('a', 'b', 'c', 'd%20e')
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(name, fc.constantFrom('', '1', '2=3')), { selector: ([one]) => one }), (pairs) => {
    const texts = pairs.map(([one, value]) => `${one}=${value}`)
    return canonicalQuery(texts.join('&'), usual) === canonicalQuery([...texts].reverse().join('&'), usual)
  }))
  t.not(canonicalQuery('a=1&a=2', usual), canonicalQuery('a=2&a=1', usual))
  t.not(canonicalQuery('a', usual), canonicalQuery('a=1', usual))
  t.is(canonicalQuery('b=1&_t=5&&a', readMatchRules(undefined, ['query:_t'])), 'a&b=1')
  t.is(canonicalQuery('a=1', readMatchRules(undefined, ['query'])), '')
})

test('a body is the same however it came in pieces, and long ones are compared by their hash', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 7 }), (bytes, pieces) =>
    canonicalBody(asked(Buffer.from(bytes)), usual) === canonicalBody(asked(Buffer.from(bytes), '', pieces), usual)))
  const large = Buffer.alloc(9_000_000, 'x')
  t.is(asked(large, '', 20).body.bytes, null)
  t.is(canonicalBody(asked(large, '', 20), usual), canonicalBody(asked(large, '', 3), usual))
  large[8_999_999] = 0
  t.not(canonicalBody(asked(large, '', 20), usual), canonicalBody(asked(Buffer.alloc(9_000_000, 'x'), '', 20), usual))
})

test('a multipart boundary is no difference, and what isn\'t JSON is compared as it is', (t) => {
  const multipart = (boundary: string, value: string): AskedRequest =>
    asked(`--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n${value}\r\n--${boundary}--\r\n`, `multipart/form-data; boundary=${boundary}`)
  t.is(canonicalBody(multipart('----one', '1'), usual), canonicalBody(multipart('----other', '1'), usual))
  t.not(canonicalBody(multipart('----one', '1'), usual), canonicalBody(multipart('----one', '2'), usual))
  const json = readMatchRules(undefined, ['json:$.t'])
  t.is(canonicalBody(asked('{"a":1,"t":2}'), json), canonicalBody(asked('{ "t": 3, "a": 1 }'), json))
  t.not(canonicalBody(asked('{"a":1,"t":2'), json), canonicalBody(asked('{"a":1,"t":3'), json))
  const deep = '['.repeat(100_000)
  t.is(canonicalBody(asked(deep + ']'.repeat(100_000)), json), canonicalBody(asked(deep + ']'.repeat(100_000)), json))
})

test('asterisks stand for what they hid, where nothing else differs', (t) => {
  t.true(isMasked('token=****', 'token=abcd'))
  t.false(isMasked('token=****', 'token=abc'))
  t.false(isMasked('token=****', 'taken=abcd'))
  t.false(isMasked('a=**', 'a=12'))
  t.false(isMasked('a=1', 'a=1'))
})

test('the parts of a request target, in every form', (t) => {
  t.deepEqual(partsOfTarget('GET', '/a/b?c=d?e'), { path: '/a/b', query: 'c=d?e', authority: null })
  t.deepEqual(partsOfTarget('GET', 'http://h:80?x'), { path: '/', query: 'x', authority: 'h:80' })
  t.deepEqual(partsOfTarget('GET', 'HTTPS://h/p'), { path: '/p', query: null, authority: 'h' })
  t.deepEqual(partsOfTarget('GET', '*'), { path: '*', query: null, authority: null })
  t.deepEqual(partsOfTarget('GET', '/?'), { path: '/', query: '', authority: null })
})
