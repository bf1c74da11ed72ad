import assert from 'node:assert/strict'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { Http1Decoder } from '../../../src/protocols/http1/index.js'
import { CORPUS, requestFor, type Sample } from './corpus.js'
import { byteByByte, type Cut, type Played, playTo, type Step, up, down, upEnds, downEnds } from './harness.js'

const NEXT_REQUEST = 'GET /next HTTP/1.1\r\nHost: next\r\n\r\n'
const NEXT_RESPONSE = 'HTTP/1.1 299 Next\r\nContent-Length: 0\r\n\r\n'

/** The sample, and after it, in the same bytes, the next message. */
function steps(sample: Sample, next = ''): Step[] {
  if (sample.kind === 'request') return [up(sample.bytes + next)]
  return [up(requestFor(sample) + NEXT_REQUEST), down(sample.bytes + next)]
}

const ends = (sample: Sample): Step[] => sample.kind === 'request' ? [upEnds()] : [downEnds()]

const played = (all: readonly Step[], cut?: Cut): Played => playTo(new Http1Decoder(), all, cut)

test('the corpus names each sample once', t => {
  const names = CORPUS.map(({ kind, name }) => `${kind} ${name}`)
  t.deepEqual(names.filter((name, index) => names.indexOf(name) !== index), [])
})

for (const sample of CORPUS) {
  test(`${sample.kind} ${sample.name}: whole, byte by byte, and with another behind it`, t => {
    const alone = played([...steps(sample), ...ends(sample)])
    t.deepEqual(played([...steps(sample), ...ends(sample)], byteByByte), alone)
    const next = sample.kind === 'request' ? NEXT_REQUEST : NEXT_RESPONSE
    const followed = played([...steps(sample, next), ...ends(sample)])
    t.deepEqual(played([...steps(sample, next), ...ends(sample)], byteByByte), followed)
    if (sample.ends) followsIntact(t, sample, alone, followed)
    else t.false(followed.events.some(isNext[sample.kind]), 'what follows is no message of its own')
  })
}

const isNext = {
  request: (event: string) => /^request \d+: GET \/next/.test(event),
  response: (event: string) => /^response \d+: 299/.test(event),
}

/** The message says where it ends, so the next one is read as if it stood alone, and changes nothing before it. */
function followsIntact(t: ExecutionContext, sample: Sample, alone: Played, followed: Played): void {
  t.deepEqual(followed.events.slice(0, alone.events.length), alone.events)
  const rest = followed.events.slice(alone.events.length)
  if (sample.kind === 'request') {
    t.regex(rest.join('\n'), /^request \d+: GET \/next 1\.1 \{Host: next\}\nup end \d+$/)
  } else {
    t.deepEqual(rest, ['response 1: 299 Next 1.1 {Content-Length: 0}', 'down end 1'])
  }
}

/** Both directions of a connection, in turns; mostly samples, some of them damaged, some of it noise. */
const conversation: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...CORPUS).map(({ kind, bytes }) => kind === 'request' ? up(bytes) : down(bytes)) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...CORPUS), damages()).map(([sample, damage]) => step(sample, damage)) },
    { weight: 1, arbitrary: fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 80 })).map(([isUp, noise]) => {
      return { direction: isUp ? 'up' as const : 'down' as const, bytes: Buffer.from(noise).toString('latin1') }
    }) },
    { weight: 1, arbitrary: fc.constantFrom(upEnds(), upEnds('cut'), downEnds(), downEnds('cut')) },
  ),
  { minLength: 1, maxLength: 8 },
)

interface Damage {
  readonly at: number
  readonly remove: number
  readonly insert: string
}

function damages(): fc.Arbitrary<Damage[]> {
  const insert = fc.oneof(
    fc.constantFrom('\r', '\n', '\r\n', '\r\n\r\n', '\n\n', ' ', '\t', ':', '\0', '0', 'ffff', ';', ','),
    fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code)),
  )
  return fc.array(fc.record({ at: fc.nat(400), remove: fc.nat(2), insert }), { minLength: 1, maxLength: 3 })
}

function step({ kind, bytes }: Sample, all: readonly Damage[]): Step {
  let damaged = bytes
  for (const { at, remove, insert } of all) {
    const place = at % (damaged.length + 1)
    damaged = damaged.slice(0, place) + insert + damaged.slice(place + remove)
  }
  return kind === 'request' ? up(damaged) : down(damaged)
}

/** Cuts after pieces of the given sizes, taken in turns. */
const cutInto = (sizes: readonly number[]): Cut => {
  let turn = 0
  return length => {
    const pieces: number[] = []
    for (let rest = length; rest > 0;) {
      const piece = Math.min(rest, sizes[turn++ % sizes.length]!)
      pieces.push(piece)
      rest -= piece
    }
    return pieces
  }
}

const pieceSizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 10 })

test('any split gives the same events, for whatever bytes', t => {
  t.notThrows(() => fc.assert(fc.property(conversation, pieceSizes, (all, sizes) => {
    const expected = played(all)
    assert.deepEqual(played(all, cutInto(sizes)), expected)
    assert.deepEqual(played(all, byteByByte), expected)
  }), { numRuns: 600 }))
})

test('a small head limit is found at the same byte in any split', t => {
  t.notThrows(() => fc.assert(fc.property(conversation, fc.integer({ min: 64, max: 90 }), pieceSizes, (all, headLimit, sizes) => {
    const limited = (cut?: Cut) => playTo(new Http1Decoder({ headLimit }), all, cut)
    assert.deepEqual(limited(cutInto(sizes)), limited())
  }), { numRuns: 300 }))
})

const LIMIT = 1024

test('no more is held than a head or a chunk line a direction', t => {
  const endless: [bytes: string, held: number][] = [
    [`GET /${'a'.repeat(3 * LIMIT)}`, 1000],
    [`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(LIMIT)}`, 1000],
    [`POST / HTTP/1.1\r\nContent-Length: 100000\r\nX: ${'x'.repeat(100)}\r\n\r\n${'a'.repeat(20 * LIMIT)}`, 100],
  ]
  for (const [bytes, held] of endless) {
    const decoder = new Http1Decoder({ headLimit: LIMIT })
    let most = 0
    for (let start = 0; start < bytes.length; start += 100) {
      decoder.receive('up', Buffer.from(bytes.slice(start, start + 100)), 0)
      most = Math.max(most, decoder.bufferedBytes)
    }
    t.is(most, held)
    t.is(decoder.bufferedBytes, 0)
  }
  const decoder = new Http1Decoder({ headLimit: LIMIT })
  decoder.receive('up', Buffer.from('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;'), 0)
  t.is(decoder.bufferedBytes, 2)
  for (let count = 0; count < 2 * LIMIT; count++) {
    decoder.receive('up', Buffer.alloc(100, 'x'), 0)
    t.true(decoder.bufferedBytes <= 64 * 1024)
  }
  t.is(decoder.bufferedBytes, 0)
})

test('whatever comes, what is held stays within the limits', t => {
  t.notThrows(() => fc.assert(fc.property(conversation, all => {
    const decoder = new Http1Decoder({ headLimit: 64 })
    for (const { direction, bytes } of all) {
      for (const byte of Buffer.from(bytes, 'latin1')) decoder.receive(direction, Buffer.from([byte]), 0)
      assert.ok(decoder.bufferedBytes <= 2 * (64 + 65_536))
    }
  }), { numRuns: 50 }))
})
