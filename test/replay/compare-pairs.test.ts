import test from 'ava'
import fc from 'fast-check'
import { pairByKey } from '../../src/replay/compare/pair-by-key.js'
import { Turns } from '../../src/replay/compare/turns.js'

/** Equal requests of two recordings, a letter each: `x` has no answer. Ids are places from 1 on; those of `b` are told as they are, what stands alone as `-`. */
function paired(a: string, b: string): string {
  const turns = new Turns()
  for (const [side, letters] of [['a', a], ['b', b]] as const) {
    for (const [at, letter] of letters.split('').entries()) turns.add(side, '', { id: at + 1, time: at, answered: letter !== 'x' })
  }
  const { pairs, onlyB } = turns.pair()
  return [...pairs.map(([id, other]) => `${id}${other ?? '-'}`), ...onlyB.map((id) => `-${id}`)].join(' ')
}

test('equal requests are paired in the order of time, those without an answer too', (t) => {
  t.is(paired('ooo', 'ooo'), '11 22 33')
  t.is(paired('ooo', 'xoo'), '11 22 33', 'the first has no answer now')
  t.is(paired('oxo', 'oxo'), '11 22 33')
  t.is(paired('xoo', 'oox'), '11 22 33')
  t.is(paired('oo', 'ooo'), '11 22 -3')
  t.is(paired('ooo', 'oo'), '11 22 3-')
})

test('one that was sent again counts as what came of it', (t) => {
  t.is(paired('oo', 'xoo'), '12 23 -1')
  t.is(paired('oo', 'oxo'), '11 23 -2')
  t.is(paired('ox', 'xox'), '12 23 -1')
  t.is(paired('xo', 'xxo'), '11 23 -2')
  t.is(paired('oo', 'xox'), '12 23 -1', 'the second was given up')
  t.is(paired('xoo', 'oo'), '1- 21 32', 'and so in the first recording')
})

test('each has one counterpart at most, as many have one as can, and none of them cross', (t) => {
  const letters = fc.string({ unit: fc.constantFrom('o', 'x'), maxLength: 8 })
  fc.assert(fc.property(letters, letters, (a, b) => {
    const all = paired(a, b).split(' ').filter((pair) => pair !== '')
    const both = all.filter((pair) => !pair.includes('-'))
    t.is(both.length, Math.min(a.length, b.length))
    t.is(all.length, Math.max(a.length, b.length))
    t.deepEqual(both.map((pair) => pair[1]), both.map((pair) => pair[1]).toSorted((one, other) => Number(one) - Number(other)))
  }))
})

test('the time decides, not the order in which it was written', (t) => {
  const turns = new Turns()
  turns.add('a', 'k', { id: 1, time: 20, answered: true })
  turns.add('a', 'k', { id: 2, time: 10, answered: true })
  turns.add('b', 'k', { id: 3, time: 10, answered: true })
  turns.add('b', 'k', { id: 4, time: 20, answered: true })
  t.deepEqual(turns.pair(), { pairs: [[2, 3], [1, 4]], onlyB: [] })
  const one = (key: string, id: number, began: number): { key: string, id: number, began: number } => ({ key, id, began })
  t.deepEqual(pairByKey([one('k', 1, 20), one('k', 2, 10), one('gone', 5, 30)], [one('k', 3, 10), one('new', 6, 5), one('k', 4, 20)]), { pairs: [[2, 3], [1, 4], [5, 6]], onlyA: [], onlyB: [] })
})
