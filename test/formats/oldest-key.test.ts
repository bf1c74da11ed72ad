import test from 'ava'
import { OldestKey } from '../../src/formats/oldest-key.js'

test('gives keys in the order in which they were set last, whatever was deleted meanwhile', (t) => {
  const map = new Map<number, string>()
  const oldest = new OldestKey(map)
  const given: (number | undefined)[] = []
  const take = (): void => {
    const key = oldest.next()
    given.push(key)
    if (key !== undefined) map.delete(key)
  }
  take()
  for (const key of [1, 2, 3, 4]) map.set(key, '')
  take()
  map.delete(2)
  map.set(2, '')
  map.delete(3)
  take()
  for (let key = 100; key < 1000; key++) map.set(key, '')
  for (let key = 100; key < 990; key++) map.delete(key)
  take()
  take()
  map.clear()
  take()
  map.set(7, '')
  take()
  t.deepEqual(given, [undefined, 1, 4, 2, 990, undefined, 7])
})
