import fc from 'fast-check'
import test from 'ava'
import { jsonDifferences } from '../../src/replay/compare/json-difference.js'
import { canonicalJson, parseJsonPath, withoutJson } from '../../src/replay/compare/json-path.js'

const without = (value: unknown, ...paths: string[]): unknown => withoutJson(value, paths.map((path) => parseJsonPath(path, '--ignore')))

test('a path takes out what it names, and nothing else', (t) => {
  const value = { at: 1, items: [{ id: 1, n: 2 }, { id: 2, n: 3, at: 4 }], 'odd name': { at: 5 }, deep: { deeper: { at: 6, id: 7 } } }
  t.deepEqual(without(value, '$.at'), { items: value.items, 'odd name': value['odd name'], deep: value.deep })
  t.deepEqual(without(value, '$.items[*].id'), { ...value, items: [{ n: 2 }, { n: 3, at: 4 }] })
  t.deepEqual(without(value, '$.items[1]'), { ...value, items: [value.items[0]] })
  t.deepEqual(without(value, '$.items[0].n'), { ...value, items: [{ id: 1 }, value.items[1]] })
  t.deepEqual(without(value, '$["odd name"].at'), { ...value, 'odd name': {} })
  t.deepEqual(without(value, '$..at'), { items: [{ id: 1, n: 2 }, { id: 2, n: 3 }], 'odd name': {}, deep: { deeper: { id: 7 } } })
  t.deepEqual(without(value, '$.deep.*.id', '$..at', '$.items'), { 'odd name': {}, deep: { deeper: {} } })
  t.deepEqual(without(value, '$.nothing.there', '$.at.deeper', '$[0]'), value)
  t.deepEqual(without([{ a: 1 }, { a: 2 }], '$[*].a'), [{}, {}])
  t.deepEqual(without('text', '$.a'), 'text')
  t.is(value.at, 1)
})

test('what is no path is refused', (t) => {
  for (const path of ['timestamp', '', '$', '$.', '$[', '$.a[?(@.b)]', '$.a b', '..a']) t.throws(() => parseJsonPath(path, `--ignore json:${path}`), { code: 'usage', message: /expected a path such as/ })
})

test('the same text for equal values, whatever the order of their names', (t) => {
  const shuffled = (value: unknown): unknown => Array.isArray(value) ? value.map(shuffled)
    : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).reverse().map(([name, child]) => [name, shuffled(child)])) : value
  fc.assert(fc.property(fc.json(), (text) => canonicalJson(JSON.parse(text)) === canonicalJson(shuffled(JSON.parse(text)))))
  fc.assert(fc.property(fc.json(), fc.json(), (one, other) => {
    const [a, b] = [JSON.parse(one) as unknown, JSON.parse(other) as unknown]
    return (canonicalJson(a) === canonicalJson(b)) === (jsonDifferences(a, b).length === 0)
  }))
  t.is(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true }), '{"a":true,"b":[1,{"c":"x","d":null}]}')
})

test('each place that differs, by its path', (t) => {
  t.deepEqual(jsonDifferences({ a: 1, list: [1, { x: 1 }], gone: 2, 'odd name': 1 }, { a: 2, list: [1, { x: 2 }, 3], new: {}, 'odd name': 2 }), [
    { path: '$.a', a: '1', b: '2' }, { path: '$.list[1].x', a: '1', b: '2' }, { path: '$.list[2]', a: null, b: '3' }, { path: '$.gone', a: '2', b: null },
    { path: '$["odd name"]', a: '1', b: '2' }, { path: '$.new', a: null, b: '{}' },
  ])
  t.deepEqual(jsonDifferences([1], { 0: 1 }), [{ path: '$', a: '[1]', b: '{"0":1}' }])
  t.is(jsonDifferences(Array.from({ length: 500 }, () => 1), [], 7).length, 7)
})
