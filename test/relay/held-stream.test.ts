import test from 'ava'
import { HeldStream } from '../../src/relay/held-stream.js'
import { threadTime } from '../real/thread-time.js'

const text = (pieces: Buffer[]): string => Buffer.concat(pieces).toString('latin1')

test('what is held is let go of in order, with replacements in their places', (t) => {
  const stream = new HeldStream()
  stream.take(Buffer.from('abc'))
  t.is(text(stream.release(1)), 'a')
  stream.take(Buffer.from('def'))
  t.is(stream.from, 1)
  t.is(stream.end, 6)
  t.is(text(stream.release(5, [{ start: 2, end: 4, bytes: Buffer.from('XYZ') }])), 'bXYZe')
  t.is(stream.tail(10), 'f')
  t.is(text(stream.release(6)), 'f')
  t.is(stream.held, 0)
})

test('a replacement of bytes that are gone is passed over', (t) => {
  const stream = new HeldStream()
  stream.take(Buffer.from('abcdef'))
  t.is(text(stream.release(3)), 'abc')
  t.is(text(stream.release(6, [{ start: 2, end: 5, bytes: Buffer.from('again') }])), 'def')
})

test('what was taken and what was let go of doesn\'t change when memory is used again', (t) => {
  const stream = new HeldStream()
  const read = Buffer.from('first')
  stream.take(read)
  stream.release(2)
  read.fill('-')
  stream.take(Buffer.from(' second'))
  const out = stream.release(8)
  stream.take(Buffer.from(' third'))
  stream.take(Buffer.alloc(1000, 'x'))
  t.is(text(out), 'rst se')
  t.is(text(stream.release(stream.end)), `cond third${'x'.repeat(1000)}`)
})

test('what comes in small pieces and is held isn\'t copied anew with each', (t) => {
  const stream = new HeldStream()
  const piece = Buffer.alloc(16, 'x')
  const began = threadTime()
  for (let n = 0; stream.held < 4 << 20 && (n % 1000 !== 0 || threadTime() - began < 30_000); n++) {
    stream.take(piece)
    stream.release(0)
  }
  // Copying all of it each time would take several minutes, and this takes less than a second.
  t.is(stream.held, 4 << 20)
})
