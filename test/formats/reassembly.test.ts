import test from 'ava'
import fc from 'fast-check'
import type { Direction } from '../../src/protocols/decoder.js'
import type { ConversationEnd } from '../../src/formats/capture/tcp/conversation.js'
import { TcpConversation } from '../../src/formats/capture/tcp/conversation.js'
import { ReassemblyMemory } from '../../src/formats/capture/tcp/memory.js'
import { readTcp } from '../../src/formats/capture/packets/tcp.js'
import type { TcpSegment } from '../../src/formats/capture/packets/tcp.js'
import { tcp } from './packets.js'
import type { TcpFields } from './packets.js'

const [ours, theirs] = [1000, 9000]

/** A connection whose segments are given one by one; what it tells is a line each. */
class Playbook {
  readonly said: string[] = []
  readonly conversation: TcpConversation
  #time = 0

  constructor(memory = new ReassemblyMemory()) {
    const say = (line: string): void => { this.said.push(line) }
    this.conversation = new TcpConversation({
      connected: () => say('connected'),
      bytes: (direction, offset, bytes) => say(`${direction} ${offset} ${bytes.length > 60 ? `${bytes.length} bytes` : bytes.toString('latin1')}`),
      gap: (direction, offset, length) => say(`${direction} ${offset} gap of ${length}`),
      differs: (direction, offset) => say(`${direction} ${offset} differs`),
      end: (direction) => say(`${direction} end`),
      over: ({ by, how }: ConversationEnd) => say(`over: ${by ?? 'nobody'} ${how}`),
      late: (direction, offset, length) => say(`${direction} ${offset} ${length} bytes after the reset`),
    }, memory)
  }

  up(sequence: number, payload: string | Buffer = '', fields: Partial<TcpFields> = {}, missing = 0): this {
    return this.#take('up', { from: 1, to: 2, sequence: ours + sequence, payload, acknowledged: theirs + 1, ...fields }, missing)
  }

  down(sequence: number, payload: string | Buffer = '', fields: Partial<TcpFields> = {}, missing = 0): this {
    return this.#take('down', { from: 2, to: 1, sequence: theirs + sequence, payload, acknowledged: ours + 1, ...fields }, missing)
  }

  /** Both SYNs, and the acknowledgement of the second. */
  opened(): this {
    this.#take('up', { from: 1, to: 2, sequence: ours, flags: 'S' }, 0)
    this.down(0, '', { flags: 'S' }).up(1)
    return this
  }

  segment(fields: TcpFields): TcpSegment {
    return readTcp(tcp(fields), 0)!
  }

  /** What was said, without the handshake. */
  get told(): string[] {
    return this.said.filter((line) => line !== 'connected')
  }

  #take(direction: Direction, fields: TcpFields, missing: number): this {
    this.conversation.take(direction, readTcp(tcp(fields), missing)!, ++this.#time)
    return this
  }
}

test('a connection in order: handshake, bytes of both sides, both ends', (t) => {
  const book = new Playbook().opened().up(1, 'ask').down(1, 'answer', { acknowledged: ours + 4 })
    .up(4, '', { flags: 'F', acknowledged: theirs + 7 }).down(7, '', { flags: 'F', acknowledged: ours + 5 })
  t.deepEqual(book.said, ['connected', 'up 0 ask', 'down 0 answer', 'up end', 'down end', 'over: up closed'])
})

test('out of order: told in order, once', (t) => {
  t.deepEqual(new Playbook().opened().up(7, 'ghi').up(4, 'def').up(1, 'abc').up(10, 'j').told, ['up 0 abc', 'up 3 def', 'up 6 ghi', 'up 9 j'])
})

test('retransmitted: told once', (t) => {
  const book = new Playbook().opened().up(1, 'abc').up(1, 'abc').up(4, 'def').up(1, 'abcdef').up(7, 'g').up(7, 'g')
  t.deepEqual(book.told, ['up 0 abc', 'up 3 def', 'up 6 g'])
})

test('a retransmission that goes further tells its new part', (t) => {
  t.deepEqual(new Playbook().opened().up(1, 'abc').up(2, 'bcdef').told, ['up 0 abc', 'up 3 def'])
})

test('an overlap of what was told already keeps the first bytes, and a difference is flagged where it is', (t) => {
  const book = new Playbook().opened().up(1, 'abc').up(4, 'def').up(2, 'bcdXYZ')
  t.deepEqual(book.told, ['up 0 abc', 'up 3 def', 'up 4 differs', 'up 6 Z'])
})

test('an overlap among segments that wait keeps what came first, and a difference is flagged', (t) => {
  const book = new Playbook().opened().up(5, 'EFGH').up(3, 'cdEFghij').up(1, 'ab')
  t.deepEqual(book.told, ['up 6 differs', 'up 0 ab', 'up 2 cd', 'up 4 EFGH', 'up 8 ij'])
})

test('a keep-alive\'s byte is no difference', (t) => {
  t.deepEqual(new Playbook().opened().up(1, 'abc').up(3, '\0').told, ['up 0 abc'])
})

test('lost segments: once acknowledged and not seen, a gap of their size, and never closed up', (t) => {
  const book = new Playbook().opened().up(1, 'abc').up(9, 'ijk')
  for (let n = 0; n < 3; n++) book.down(1, '', { acknowledged: ours + 12 })
  t.deepEqual(book.told, ['up 0 abc'])
  book.down(1, '', { acknowledged: ours + 12 })
  t.deepEqual(book.told, ['up 0 abc', 'up 3 gap of 5', 'up 8 ijk'])
  book.up(12, 'l')
  t.is(book.told.at(-1), 'up 11 l')
})

test('what is acknowledged before it is seen is no gap where the capture has it a little later', (t) => {
  const book = new Playbook().opened().up(4, 'def').down(1, '', { acknowledged: ours + 7 }).up(1, 'abc')
  t.deepEqual(book.told, ['up 0 abc', 'up 3 def'])
})

test('lost at the end: a gap as far as it was acknowledged', (t) => {
  const book = new Playbook().opened().up(1, 'abc')
  for (let n = 0; n < 4; n++) book.down(1, '', { acknowledged: ours + 21 })
  t.deepEqual(book.told, ['up 0 abc', 'up 3 gap of 17'])
})

test('one byte that is acknowledged at the end and not there is the FIN\'s, not a gap', (t) => {
  const book = new Playbook().opened().up(1, 'abc')
  for (let n = 0; n < 6; n++) book.down(1, '', { acknowledged: ours + 5 })
  t.deepEqual(book.told, ['up 0 abc'])
})

test('what is still missing when the connection ends is a gap, and what waited behind it is told', (t) => {
  const book = new Playbook().opened().up(1, 'a').up(5, 'e').up(8, 'h', { flags: 'F' }).down(1, '', { flags: 'R' })
  t.deepEqual(book.told, ['up 0 a', 'up 1 gap of 3', 'up 4 e', 'up 5 gap of 2', 'up 7 h', 'up end', 'over: down reset'])
})

test('bytes that the snapshot cut off are a gap of their size', (t) => {
  const book = new Playbook().opened().up(1, 'abc', {}, 100).up(104, 'next')
  t.deepEqual(book.told, ['up 0 abc', 'up 3 gap of 100', 'up 103 next'])
})

test('a cut segment that came too early', (t) => {
  const book = new Playbook().opened().up(4, 'def', {}, 10).up(17, 'q').up(1, 'abc')
  t.deepEqual(book.told, ['up 0 abc', 'up 3 def', 'up 6 gap of 10', 'up 16 q'])
})

test('no handshake: each side begins with the first byte that is known of it', (t) => {
  const book = new Playbook().up(500, 'middle', { acknowledged: theirs + 700 }).down(700, 'answer', { acknowledged: ours + 506 })
  t.deepEqual(book.said, ['up 0 middle', 'down 0 answer'])
})

test('no handshake, and the other side\'s first bytes lost: they are a gap', (t) => {
  const book = new Playbook().up(500, 'middle', { acknowledged: theirs + 700 }).down(710, 'rest')
  for (let n = 0; n < 4; n++) book.up(506, '', { acknowledged: theirs + 714 })
  t.deepEqual(book.told, ['up 0 middle', 'down 0 gap of 10', 'down 10 rest'])
})

test('the second SYN is not in the capture: the first acknowledgement tells its number', (t) => {
  const book = new Playbook()
  book.conversation.take('up', book.segment({ from: 1, to: 2, sequence: ours, flags: 'S' }), 1)
  book.up(1, 'ask').down(1, 'answer')
  t.deepEqual(book.told, ['up 0 ask', 'down 0 answer'])
})

test('FIN before the bytes that it follows: the end waits for them', (t) => {
  const book = new Playbook().opened().up(4, 'def', { flags: 'F' }).up(1, 'abc')
  t.deepEqual(book.told, ['up 0 abc', 'up 3 def', 'up end'])
})

test('bytes beyond the FIN are none', (t) => {
  t.deepEqual(new Playbook().opened().up(1, 'abc', { flags: 'F' }).up(4, 'xyz').up(5, 'xyz').told, ['up 0 abc', 'up end'])
})

test('a reset ends both; what comes after it is not told, but that it came', (t) => {
  const book = new Playbook().opened().up(1, 'abc').down(1, '', { flags: 'R' }).up(4, 'late').up(1, 'abclate!').down(1, 'later').up(9).down(1, 'later')
  t.deepEqual(book.told, ['up 0 abc', 'over: down reset', 'up 3 4 bytes after the reset', 'up 7 1 bytes after the reset', 'down 0 5 bytes after the reset'])
})

test('after an end in order, nothing comes late', (t) => {
  const book = new Playbook().opened().up(1, 'abc', { flags: 'F' }).down(1, '', { flags: 'F', acknowledged: ours + 5 }).up(1, 'abc').up(5, 'x').down(2, 'y')
  t.deepEqual(book.told, ['up 0 abc', 'up end', 'down end', 'over: up closed'])
})

for (const [what, number] of [['far away', 2 ** 31 - 5], ['from before', -20], ['of bytes that were acknowledged', 2]] as const) {
  test(`a reset with a number ${what} is none`, (t) => {
    const book = new Playbook().opened().up(1, 'abc').down(1, 'def').up(4, '', { acknowledged: theirs + 4 }).down(number, '', { flags: 'R' }).up(4, 'ghi').down(4, 'jkl')
    t.deepEqual(book.told, ['up 0 abc', 'down 0 def', 'up 3 ghi', 'down 3 jkl'])
    book.conversation.abandon(99)
    t.is(book.told.at(-1), 'over: nobody unseen')
  })
}

for (const [what, number] of [['comes next', 7], ['was acknowledged last', 4], ['was sent and is not yet acknowledged', 5], ['comes after a piece that waits', 13], ['comes after the FIN', 14]] as const) {
  test(`a reset with the number that ${what} ends the connection`, (t) => {
    const book = new Playbook().opened().down(1, 'abc').up(1, '', { acknowledged: theirs + 4 }).down(4, 'def')
    if (number > 7) book.down(10, 'jkl', { flags: number === 14 ? 'F' : '' })
    book.down(number, '', { flags: 'R' })
    t.is(book.told.at(-1), 'over: down reset')
  })
}

test('a reset beyond all that is known ends the connection where nothing more comes of that side, and else doesn\'t', (t) => {
  const book = (): Playbook => new Playbook().opened().up(1, 'abc').down(5000, '', { flags: 'R' }).up(4, 'def')
  const [last, spoofed] = [book(), book().down(1, 'here still')]
  for (const one of [last, spoofed]) one.conversation.abandon(99)
  t.deepEqual(last.told, ['up 0 abc', 'up 3 def', 'over: down reset'])
  t.deepEqual(spoofed.told, ['up 0 abc', 'up 3 def', 'down 0 here still', 'over: nobody unseen'])
})

test('a refused connection', (t) => {
  const book = new Playbook()
  book.conversation.take('up', book.segment({ from: 1, to: 2, sequence: ours, flags: 'S' }), 1)
  book.conversation.take('down', book.segment({ from: 2, to: 1, sequence: 0, acknowledged: ours + 1, flags: 'R' }), 2)
  t.deepEqual(book.said, ['over: down refused'])
})

test('sequence numbers wrap, also out of order', (t) => {
  const book = new Playbook()
  const at = (sequence: number, payload: string, flags = ''): void => book.conversation.take('up', book.segment({ from: 1, to: 2, sequence, payload, flags }), 1)
  at(0xffff_fffc, '', 'S')
  at(0xffff_fffd, 'ab')
  at(2, 'fg')
  at(0xffff_ffff, 'cde')
  at(0xffff_ffff, 'cXe')
  at(4, 'h', 'F')
  t.deepEqual(book.said, ['up 0 ab', 'up 2 cde', 'up 5 fg', 'up 3 differs', 'up 7 h', 'up end'])
})

test('simultaneous open: two SYNs make one connection', (t) => {
  const book = new Playbook()
  const syn = (from: number, sequence: number): TcpSegment => book.segment({ from, to: 3 - from, sequence, flags: 'S' })
  t.false(book.conversation.isReuse('up', syn(1, ours)))
  book.conversation.take('up', syn(1, ours), 1)
  t.false(book.conversation.isReuse('down', syn(2, theirs)))
  book.conversation.take('down', syn(2, theirs), 2)
  book.up(0, '', { flags: 'S' }).down(0, '', { flags: 'S' }).up(1, 'from here').down(1, 'from there')
  t.deepEqual(book.said, ['connected', 'up 0 from here', 'down 0 from there'])
})

test('a SYN with another number is another connection; the same SYN again isn\'t', (t) => {
  const book = new Playbook().opened().up(1, 'abc')
  const syn = (sequence: number, direction = 1): TcpSegment => book.segment({ from: direction, to: 3 - direction, sequence, flags: 'S' })
  t.false(book.conversation.isReuse('up', syn(ours)))
  t.true(book.conversation.isReuse('up', syn(ours + 77)))
  t.true(book.conversation.isReuse('down', syn(theirs + 77, 2)))
})

test('a SYN may carry bytes', (t) => {
  const book = new Playbook()
  book.conversation.take('up', book.segment({ from: 1, to: 2, sequence: ours, flags: 'S', payload: 'early' }), 1)
  t.deepEqual(book.said, ['up 0 early'])
})

test('a segment from far away is not of this stream', (t) => {
  t.deepEqual(new Playbook().opened().up(1, 'abc').up(2 ** 30 + 100, 'far').up(4, 'def').told, ['up 0 abc', 'up 3 def'])
})

test('what waits is bounded: where too much does, the hole before it is a gap', (t) => {
  const book = new Playbook().opened()
  const piece = Buffer.alloc(60_000, 'x')
  for (let n = 0; n < 80; n++) book.up(101 + n * piece.length, piece)
  t.is(book.told[0], 'up 0 gap of 100')
  t.is(book.told.length, 81)
})

test('many tiny holes are bounded too', (t) => {
  const book = new Playbook().opened()
  for (let n = 1; n <= 5000; n++) book.up(1 + n * 2, 'x')
  t.is(book.told[0], 'up 0 gap of 2')
})

test('left open: what is known is told, and that it is not known how it ended', (t) => {
  const book = new Playbook().opened().up(1, 'abc').up(6, 'fgh')
  book.conversation.abandon(99)
  t.deepEqual(book.told, ['up 0 abc', 'up 3 gap of 2', 'up 5 fgh', 'over: nobody unseen'])
})

test('where streams that wait hold too much together, those give way that wait the longest, and the newest is put together', (t) => {
  const memory = new ReassemblyMemory()
  const books = Array.from({ length: 80 }, () => new Playbook(memory).opened())
  for (const book of books) for (let n = 1; n <= 4000; n++) book.up(1 + n * 2, 'x')
  t.is(books[0]!.told[0], 'up 0 gap of 2')
  const newest = new Playbook(memory).opened().up(4, 'def').up(1, 'abc')
  t.deepEqual(newest.told, ['up 0 abc', 'up 3 def'])
  t.deepEqual(books.at(-1)!.told, [])
})

test('what is held of connections that haven\'t shown what they speak is bounded', (t) => {
  const memory = new ReassemblyMemory()
  const costs: number[] = []
  for (let cost = memory.hold(4000); cost !== null; cost = memory.hold(4000)) costs.push(cost)
  t.true(costs.length < 5000)
  for (const cost of costs) memory.letGo(cost)
  t.not(memory.hold(4000), null)
})

test('an answer that comes before its question waits for it', (t) => {
  const book = new Playbook().opened().down(1, 'answer', { acknowledged: ours + 4 })
  t.deepEqual(book.told, [])
  t.deepEqual(book.up(1, 'ask').told, ['up 0 ask', 'down 0 answer'])
})

test('a question that never comes is waited for by a few segments', (t) => {
  const book = new Playbook().opened().down(1, 'answer', { acknowledged: ours + 4 }).down(7, '', { acknowledged: ours + 4 }).up(4, '', { acknowledged: theirs + 7 })
  t.deepEqual(book.told, [])
  t.deepEqual(book.up(4, '', { acknowledged: theirs + 7 }).told, ['down 0 answer'])
})

test('what waits for its question is told before a reset, and where no more comes', (t) => {
  const early = (): Playbook => new Playbook().opened().down(1, 'answer', { acknowledged: ours + 4 })
  t.deepEqual(early().down(7, '', { flags: 'R' }).told, ['down 0 answer', 'over: down reset'])
  const book = early()
  book.conversation.abandon(9)
  t.deepEqual(book.told, ['down 0 answer', 'over: nobody unseen'])
})

test('where there is no room, nothing waits for its question, and what waited gives its room back', (t) => {
  const memory = new ReassemblyMemory()
  const held: number[] = []
  const waiting = new Playbook(memory).opened().down(1, 'x'.repeat(30_000), { acknowledged: ours + 4 })
  for (let cost = memory.hold(100_000); cost !== null; cost = memory.hold(100_000)) held.push(cost)
  t.deepEqual(new Playbook(memory).opened().down(1, 'answer', { acknowledged: ours + 4 }).told, ['down 0 answer'])
  waiting.conversation.abandon(9)
  for (const cost of held) memory.letGo(cost)
  for (let n = 0; n < 160; n++) t.not(memory.hold(100_000), null)
})

test('the answer to a SYN that comes before it is of the same connection', (t) => {
  const book = new Playbook().down(0, '', { flags: 'S' })
  const syn = book.segment({ from: 1, to: 2, sequence: ours, flags: 'S' })
  t.false(book.conversation.isReuse('up', syn))
  book.conversation.take('up', syn, 2)
  t.deepEqual(book.up(1, 'ask').said, ['connected', 'up 0 ask'])
  t.false(book.conversation.isReuse('up', syn))
  t.true(book.conversation.isReuse('up', book.segment({ from: 1, to: 2, sequence: 77, flags: 'S' })))
})

test('questions and answers of which any two that follow one another have changed places are told in their order', (t) => {
  fc.assert(fc.property(fc.array(fc.boolean(), { minLength: 4, maxLength: 20 }), (swaps) => {
    const said: ((book: Playbook) => void)[] = []
    const expected: string[] = []
    for (let n = 0; n * 2 < swaps.length + 2; n++) {
      said.push((book) => { book.up(1 + n * 3, `q${n % 10}?`, { acknowledged: theirs + 1 + n * 3 }) }, (book) => { book.down(1 + n * 3, `a${n % 10}!`, { acknowledged: ours + 4 + n * 3 }) })
      expected.push(`up ${n * 3} q${n % 10}?`, `down ${n * 3} a${n % 10}!`)
    }
    for (let at = 0; at + 1 < said.length; at += swaps[at] === true ? 2 : 1) {
      if (swaps[at] === true) said.splice(at, 2, said[at + 1]!, said[at]!)
    }
    const book = new Playbook().opened()
    for (const say of said) say(book)
    t.deepEqual(book.told, expected)
  }))
})
