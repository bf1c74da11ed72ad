import assert from 'node:assert/strict'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import type { Direction } from '../../../src/protocols/decoder.js'
import { FtpDecoder, type FtpDecoderOptions } from '../../../src/protocols/ftp/index.js'
import { CORPUS, type Sample, stepsOf } from './corpus.js'
import { byteByByte, type Cut, down, downEnds, GREETING, type Played, playTo, type Step, up, upEnds } from './harness.js'

const NEXT = { command: 'NEXT one\r\n', reply: '299 next\r\n' }
const END = { command: upEnds(), reply: downEnds() }

const played = (steps: readonly Step[], cut?: Cut, options?: FtpDecoderOptions): Played => {
  return playTo(new FtpDecoder(options), steps, cut)
}

/** Holds that cutting made no difference, but for the owners of reply bytes before their code was known. */
function assertSame(cut: Played, whole: Played): void {
  assert.deepEqual(cut.events, whole.events)
  assert.deepEqual(cut.owners.up, whole.owners.up)
  const undecided = undecidedBytes(whole.stream.down)
  for (const [index, owner] of cut.owners.down.entries()) {
    if (owner === whole.owners.down[index]) continue
    assert.ok(undecided.has(index), `byte ${index} down: ${owner}, not ${whole.owners.down[index]}`)
    assert.match(owner, /^reply/)
  }
}

/** The first three bytes of each line and the CRs after them. A line with telnet in it isn't looked at. */
function undecidedBytes(stream: string): Set<number> {
  const undecided = new Set<number>()
  let start = 0
  for (const line of stream.split(/(?<=\n)/)) {
    const length = line.includes('\xff') ? line.length : /^[^]{0,3}\r*/.exec(line)![0].length
    for (let index = start; index < start + length; index++) undecided.add(index)
    start += line.length
  }
  return undecided
}

test('the corpus names each sample once', t => {
  const names = CORPUS.map(({ kind, name }) => `${kind} ${name}`)
  t.deepEqual(names.filter((name, index) => names.indexOf(name) !== index), [])
})

for (const sample of CORPUS) {
  test(`${sample.kind} ${sample.name}: whole, byte by byte, and with another behind it`, t => {
    const alone = [...stepsOf(sample), END[sample.kind]]
    const followed = [...stepsOf(sample, NEXT[sample.kind]), END[sample.kind]]
    t.notThrows(() => assertSame(played(alone, byteByByte), played(alone)))
    t.notThrows(() => assertSame(played(followed, byteByByte), played(followed)))
    followsIntact(t, sample, played(alone).events, played(followed).events)
  })
}

/** Where it is complete, the next one is read as if it stood alone, and changes nothing before it. */
function followsIntact(t: ExecutionContext, { kind, ends }: Sample, alone: string[], followed: string[]): void {
  const isNext = kind === 'command' ? /^command \d+: NEXT \{one\}$/ : /^reply -?\d+: 299 \{next\}/
  if (ends) {
    t.deepEqual(followed.slice(0, -1), alone)
    t.regex(followed.at(-1)!, isNext)
  } else {
    t.false(followed.some(event => isNext.test(event)), 'what follows is nothing of its own')
  }
}

interface Damage {
  readonly at: number
  readonly remove: number
  readonly insert: string
}

const damages: fc.Arbitrary<Damage[]> = fc.array(fc.record({
  at: fc.nat(400),
  remove: fc.nat(2),
  insert: fc.oneof(
    fc.constantFrom('\r', '\n', '\r\n', '\r\n\r\n', ' ', '-', '\t', '\0', '\xff', '\xff\xf4\xff\xf2', '\xff\xff', '2', '211 ', '226-', 'ABOR\r\n'),
    fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code)),
  ),
}), { minLength: 1, maxLength: 3 })

function damaged(bytes: string, all: readonly Damage[]): string {
  for (const { at, remove, insert } of all) {
    const place = at % (bytes.length + 1)
    bytes = bytes.slice(0, place) + insert + bytes.slice(place + remove)
  }
  return bytes
}

const inDirection = (direction: Direction, bytes: string): Step => direction === 'up' ? up(bytes) : down(bytes)
const short = CORPUS.filter(({ bytes }) => bytes.length < 1000)
const stepOf = ({ kind, bytes }: Sample): Step => inDirection(kind === 'command' ? 'up' : 'down', bytes)
const exchanges = ['RETR a\r\n', 'STAT\r\n', 'ABOR\r\n', 'NOOP\r\n', '\r\n', 'AUTH TLS\r\n', 'QUIT\r\n'].map(up)
const answers = ['150 a\r\n', '226 b\r\n', '225 c\r\n', '426 d\r\n', '211 e\r\n', '200 f\r\n', '500 g\r\n', '421 h\r\n', '234 i\r\n'].map(down)

/** Both directions of a connection, in turns: samples, some of them damaged, some of it noise. */
const conversation: fc.Arbitrary<Step[]> = fc.tuple(fc.boolean(), fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...short).map(stepOf) },
    { weight: 6, arbitrary: fc.constantFrom(...exchanges, ...answers) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...short), damages).map(([sample, damage]) => {
      const { direction, bytes } = stepOf(sample)
      return inDirection(direction, damaged(bytes, damage))
    }) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('up' as const, 'down' as const), fc.uint8Array({ maxLength: 80 })).map(
      ([direction, noise]) => inDirection(direction, Buffer.from(noise).toString('latin1')),
    ) },
    { weight: 1, arbitrary: fc.constantFrom(upEnds(), upEnds('cut'), downEnds(), downEnds('cut')) },
  ),
  { minLength: 1, maxLength: 12 },
)).map(([greeted, steps]) => greeted ? [GREETING, ...steps] : steps)

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

const pieceSizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 })

test('any split gives the same events, for whatever bytes', t => {
  t.notThrows(() => fc.assert(fc.property(conversation, pieceSizes, (steps, sizes) => {
    const whole = played(steps)
    assertSame(played(steps, cutInto(sizes)), whole)
    assertSame(played(steps, byteByByte), whole)
  }), { numRuns: 800 }))
})

test('small limits are found at the same byte in any split', t => {
  const limits = fc.record({ lineLimit: fc.integer({ min: 64, max: 70 }), replyLimit: fc.integer({ min: 64, max: 70 }) })
  const longer = conversation.map(steps => steps.map(step => ({ ...step, bytes: step.bytes.replaceAll('a', 'a'.repeat(22)) })))
  t.notThrows(() => fc.assert(fc.property(longer, limits, pieceSizes, (steps, options, sizes) => {
    const whole = played(steps, undefined, options)
    assertSame(played(steps, cutInto(sizes), options), whole)
    assertSame(played(steps, byteByByte, options), whole)
  }), { numRuns: 400 }))
})

test('whatever comes, what is held stays within the limits', t => {
  const options = { lineLimit: 64, replyLimit: 100 }
  t.notThrows(() => fc.assert(fc.property(conversation, steps => {
    const decoder = new FtpDecoder(options)
    for (const { direction, bytes } of steps) {
      for (const byte of Buffer.from(bytes, 'latin1')) {
        decoder.receive(direction, Buffer.from([byte]), 0)
        assert.ok(decoder.bufferedBytes <= 2 * options.lineLimit + options.replyLimit)
      }
    }
  }), { numRuns: 100 }))
})

test('a line or reply without end is held up to its limit, and then not at all', t => {
  const most = (direction: Direction, start: string, rest: string) => {
    const decoder = new FtpDecoder({ lineLimit: 1000, replyLimit: 2000 })
    let held = 0
    decoder.receive(direction, Buffer.from(start), 0)
    for (let count = 0; count < 100; count++) {
      decoder.receive(direction, Buffer.from(rest), 0)
      held = Math.max(held, decoder.bufferedBytes)
    }
    return [held, decoder.bufferedBytes]
  }
  t.deepEqual(most('up', '', 'a'.repeat(90)), [990, 0])
  t.deepEqual(most('down', '', 'a'.repeat(90)), [990, 0])
  t.deepEqual(most('down', '220-a\n', 'a'.repeat(90)), [996, 0])
  t.deepEqual(most('down', '220-a\n', `${'a'.repeat(98)}\n`), [1986, 0])
})
