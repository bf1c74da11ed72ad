import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { parseJson, UnreadableJson, writeJson } from '../../src/control/json-text.js'
import type { Json } from '../../src/control/json-text.js'

/** What JSON.parse makes of the same. */
function plain(value: Json): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return (value as readonly Json[]).map(plain)
  return 'number' in value ? JSON.parse(value.number) : Object.fromEntries((value as { fields: readonly [string, Json][] }).fields.map(([key, one]) => [key, plain(one)]))
}

test('what JSON.parse reads is read the same', (t) => {
  fc.assert(fc.property(fc.jsonValue({ depthSize: 'medium' }), fc.constantFrom(undefined, 1, '\t'), fc.constantFrom('', ' more', '}', '\n{}'), (value, space, rest) => {
    const text = JSON.stringify(value, null, space)
    // A number goes on until something ends it.
    const read = parseJson(Buffer.from(typeof value === 'number' ? `${text} ${rest}` : text + rest))
    t.deepEqual(plain(read), JSON.parse(text))
  }), { seed: 1 })
  t.pass()
})

test('what JSON.parse refuses is refused', (t) => {
  fc.assert(fc.property(fc.array(fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', 'a', '"a"', 'null', 'true', '-', '1', '.', 'e', '0', ' ', '\n', '\u0000', '\\u00e9'), { maxLength: 12 }), (pieces) => {
    const text = pieces.join('')
    let ours: unknown
    try {
      ours = plain(parseJson(Buffer.from(text)))
    } catch (thrown) {
      t.true(thrown instanceof UnreadableJson)
      t.throws(() => JSON.parse(text), undefined, text)
      return
    }
    // What comes after the first value isn't looked at: the value itself has to be one.
    const starts = Array.from({ length: text.length + 1 }, (_, length) => text.slice(0, length))
    t.true(starts.some((start) => isDeepStrictEqual(parsed(start), ours)), text)
  }), { seed: 2, numRuns: 500 })
})

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

test('Go\'s words for what is wrong', (t) => {
  const words: readonly (readonly [string, string])[] = [
    ['', 'EOF'], ['  ', 'EOF'], ['{', 'unexpected EOF'], ['"a', 'unexpected EOF'], ['tru', 'unexpected EOF'],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"], ['[1 2]', "invalid character '2' after array element"],
    ['{"a" 1}', "invalid character '1' after object key"], ['{"a":1 2}', "invalid character '2' after object key:value pair"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"], ['[1,]', "invalid character ']' looking for beginning of value"],
    ['-a', "invalid character 'a' in numeric literal"], ['1.a', "invalid character 'a' after decimal point in numeric literal"], ['1ea', "invalid character 'a' in exponent of numeric literal"],
    ['"\n"', "invalid character '\\n' in string literal"], ['"\\x"', "invalid character 'x' in string escape code"], ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ["'", "invalid character '\\'' looking for beginning of value"], ['\u0000', "invalid character '\\x00' looking for beginning of value"], ['\u00ef', "invalid character 'Ã' looking for beginning of value"],
    ['['.repeat(2000), 'exceeded max depth'],
  ]
  for (const [text, message] of words) t.throws(() => parseJson(Buffer.from(text)), { instanceOf: UnreadableJson, message }, text)
})

test('texts are written safe for a page', (t) => {
  t.is(writeJson('<a href="&">\u2028\ud800'), String.raw`"\u003ca href=\"\u0026\"\u003e\u2028` + '\ufffd"')
})
