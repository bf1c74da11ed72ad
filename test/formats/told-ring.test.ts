import test from 'ava'
import fc from 'fast-check'
import { nothing, ToldRing } from '../../src/formats/capture/tcp/told-ring.js'

const mebibyte = 1024 * 1024

type Step = { readonly stream: number, readonly bytes: Buffer, readonly again: number, readonly flip: boolean }

const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({
  stream: fc.nat(2), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)), again: fc.nat(120), flip: fc.boolean(),
}), { maxLength: 60 })

test('what is remembered is compared as if every stream were there whole', (t) => {
  fc.assert(fc.property(steps, (given) => {
    const ring = new ToldRing()
    const streams = [0, 1, 2].map(() => ({ last: nothing, all: Buffer.alloc(0) }))
    for (const { stream, bytes, again, flip } of given) {
      const one = streams[stream]!
      one.last = ring.add(one.last, one.all.length, bytes)
      one.all = Buffer.concat([one.all, bytes])
      const from = Math.max(0, one.all.length - again)
      const sent = Buffer.from(one.all.subarray(from))
      const different = flip && sent.length > 0 ? again % sent.length : -1
      if (different >= 0) sent[different]! ^= 1
      t.is(ring.firstDifference(one.last, from, sent), different < 0 ? -1 : from + different)
    }
  }))
})

test('the oldest is forgotten where others have told more than is remembered, and the newest is there', (t) => {
  const ring = new ToldRing()
  const old = ring.add(nothing, 0, Buffer.from('old'))
  t.is(ring.firstDifference(old, 0, Buffer.from('oLd')), 1)
  let last = nothing
  // Of a size that doesn't divide the ring: pieces come to lie everywhere.
  const piece = Buffer.alloc(60_001, 'x')
  for (let told = 0; told < 40 * mebibyte; told += piece.length) {
    last = ring.add(last, told, piece)
    t.is(ring.firstDifference(last, told, piece), -1)
    t.is(ring.firstDifference(last, told + piece.length - 1, Buffer.from('y')), told + piece.length - 1)
  }
  t.is(ring.firstDifference(old, 0, Buffer.from('oLd')), -1)
})

test('what is larger than all that is remembered isn\'t', (t) => {
  const ring = new ToldRing()
  const kept = ring.add(nothing, 0, Buffer.from('abc'))
  t.is(ring.add(kept, 3, Buffer.alloc(17 * mebibyte)), nothing)
  t.is(ring.firstDifference(kept, 0, Buffer.from('abd')), 2)
})

test('a stream of many small pieces that sends its beginning again and again isn\'t looked through each time', (t) => {
  const ring = new ToldRing()
  let last = nothing
  for (let n = 0; n < 400_000; n++) last = ring.add(last, n, Buffer.from('x'))
  for (let n = 0; n < 20_000; n++) t.is(ring.firstDifference(last, 0, Buffer.from('y')), -1)
})
