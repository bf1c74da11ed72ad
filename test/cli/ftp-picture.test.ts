import test from 'ava'
import fc from 'fast-check'
import { layOut } from '../../src/cli/ftp/picture.js'
import { widthOf, wrap } from '../../src/cli/ftp/fitting.js'
import type { FtpStory } from '../../src/cli/ftp/story.js'
import { textPicture } from '../../src/cli/ftp/text-picture.js'
import type { Paint } from '../../src/cli/ftp/text-picture.js'
import { plainDownload, Telling, time } from './ftp-story.js'

const same = (text: string): string => text
const plain: Paint = { plain: same, dim: same, good: same, bad: same, notable: same, strong: same }

function draw(story: FtpStory, columns = 80, full = false): string[] {
  return [...textPicture(layOut(story, full), columns, plain)]
}

function drawn(story: FtpStory, columns = 80, full = false): string {
  return draw(story, columns, full).join('\n')
}

test('one transfer: control left, its bar right, tied to the command that asked and the reply that ended it', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'USER anna', [3, '331 password?'])
  telling.command(10, 'PASV', [12, '227 ok (1,2,3,4,5,6)'])
  telling.command(14, 'RETR big.bin', [16, '150 coming'], [60, '226 done'])
  telling.transfer({ path: '/pub/big.bin', connected: 13, first: 17, last: 58, closed: 59, bytes: 4_100_000 })
  telling.command(61, 'QUIT', [62, '221 bye'])
  t.deepEqual(draw(telling.story(63)), [
    'session 1 · anna · 10.0.0.1:5000 → 10.0.0.2:21 · 63 ms',
    '4 commands · ↓ 1, 4.1 MB',
    ' time  control                                  data',
    '0.001  ← 220 hello',
    '0.002  → USER anna ← 331 password?      1.0 ms',
    '0.010  → PASV ← 227 ok (1,2,3,4,5,6)    2.0 ms  ┊ prepared by PASV',
    '0.013                                           ┌ client connects, by PASV',
    '0.014  → RETR big.bin ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄│',
    '0.016  ← 150 coming                     2.0 ms  │',
    '0.017                                           ┃ ↓ /pub/big.bin',
    '0.059                                           └ 4.1 MB 46 ms 91 MB/s',
    '0.060  ← 226 done                        46 ms',
    '0.061  → QUIT ← 221 bye                 1.0 ms',
    '0.063  · session over: quit',
  ])
})

test('an active connection that comes before the reply to its PORT has a bar from the connect on, and one that comes after it from the reply on', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(10, 'PORT 1,2,3,4,5,6', [13, '200 ok'])
  telling.command(14, 'RETR a', [15, '150 coming'], [20, '226 done'])
  telling.transfer({ path: '/a', form: 'PORT', connected: 12, first: 17, last: 18, closed: 19, bytes: 5 })
  telling.command(30, 'PORT 1,2,3,4,5,7', [32, '200 ok'])
  telling.command(34, 'RETR b', [35, '150 coming'], [40, '226 done'])
  telling.transfer({ path: '/b', form: 'PORT', connected: 33, first: 37, last: 38, closed: 39, bytes: 5 })
  t.deepEqual(draw(telling.story(41)).slice(4), [
    '0.010  → PORT 1,2,3,4,5,6',
    '0.012                                           ┌ server connects, by PORT',
    '0.013  ← 200 ok                         3.0 ms  │',
    '0.014  → RETR a ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄│',
    '0.015  ← 150 coming                     1.0 ms  │',
    '0.019                                           └ ↓ /a 5 B 7.0 ms',
    '0.020  ← 226 done                       6.0 ms',
    '0.030  → PORT 1,2,3,4,5,7 ← 200 ok      2.0 ms  ┊ prepared by PORT',
    '0.033                                           ┌ server connects, by PORT',
    '0.034  → RETR b ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄│',
    '0.035  ← 150 coming                     1.0 ms  │',
    '0.039                                           └ ↓ /b 5 B 6.0 ms',
    '0.040  ← 226 done                       6.0 ms',
    '0.041  · session over: quit',
  ])
})

test('a wait has a row that says who waits on whom', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(1200, 'SITE sleep', [3200, '200 slept'])
  telling.command(3201, 'PASV', [3202, '227 ok (1,2,3,4,5,6)'])
  telling.command(3203, 'RETR a', [3204, '150 coming'], [9000, '226 done'])
  telling.transfer({ path: '/a', connected: 4500, first: 5600, last: 7000, closed: 7001, bytes: 9 })
  const text = drawn(telling.story(9001))
  for (const wait of [
    '⋯ 1.2 s: the client is silent', '⋯ 2.0 s: SITE waits for its reply', '⋯ 1.1 s: RETR waits for data', '⋯ 1.4 s: data flows', '⋯ 2.0 s: RETR waits for its reply',
  ]) t.true(text.includes(wait), `${wait} in\n${text}`)
  t.regex(text, /⋯ 1\.3 s: RETR waits for its data +┊\n +connection +┊\n/)
})

test('a data connection that was prepared and never used is told, whether replaced or left at the end', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'PASV', [3, '227 ok (1,2,3,4,5,6)'])
  plainDownload(telling, 10, 'a')
  telling.command(20, 'EPSV', [21, '229 ok (|||7|)'])
  const text = drawn(telling.story(30))
  t.is(text.match(/└ never used/g)?.length, 2)
  t.true(text.includes('2 data connections never used'))
})

test('a refused transfer, an aborted one and one that nobody connected for say why', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'PASV', [3, '227 ok (1,2,3,4,5,6)'])
  telling.command(4, 'RETR gone', [5, '550 no such file'])
  telling.transfer({ path: '/gone', outcome: 'refused', error: '550 no such file' })
  telling.command(6, 'STOR up', [7, '150 go'], [12, '426 broken off'])
  telling.transfer({ path: '/up', up: true, connected: 6.5, first: 8, last: 9, closed: 11, bytes: 300, outcome: 'aborted', error: 'client reset the connection' })
  telling.command(13, 'EPSV', [14, '229 ok (|||7|)'])
  telling.command(15, 'LIST', [16, '150 wait'], [20, '425 nobody came'])
  telling.transfer({ path: '/', outcome: 'aborted', error: '425 nobody came' })
  const text = drawn(telling.story(25))
  t.regex(text, /← 550 no such file .* refused: ↓ \/gone/)
  t.regex(text, /└ ↑ \/up aborted after 300 B, 4\.5\s+ms: client reset the\s+connection/)
  t.regex(text, /└ nobody connected for ↓ \//)
  t.regex(text, /1 refused · 2 aborted/)
})

test('bars that overlap stand side by side', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'PASV', [3, '227 ok (1,2,3,4,5,6)'])
  telling.command(5, 'RETR one', [6, '150 coming'], [7, '226 done'])
  telling.transfer({ path: '/one', connected: 4, first: 6.5, last: 14, closed: 15, bytes: 10 })
  telling.command(8, 'PASV', [9, '227 ok (1,2,3,4,5,7)'])
  telling.command(11, 'RETR two', [12, '150 coming'], [17, '226 done'])
  telling.transfer({ path: '/two', connected: 10, first: 13, last: 13.5, closed: 16, bytes: 10 })
  const text = drawn(telling.story(20))
  t.regex(text, /0\.010 +┃┌ client connects, by PASV/)
  t.regex(text, /→ RETR two ┄+┃│/)
  t.regex(text, /0\.015 +└│ 10 B 11 ms/)
  t.regex(text, /0\.016 + └ 10 B 6\.0 ms/)
})

test('what is open is drawn open: a transfer, a command, a session', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'PASV', [3, '227 ok (1,2,3,4,5,6)'])
  telling.command(5, 'RETR a', [6, '150 coming'])
  telling.transfer({ path: '/a', connected: 4, first: 7, last: 8, bytes: 1_500_000, outcome: 'open' })
  const text = drawn(telling.story(null))
  t.regex(text, /┆ ↓ \/a still open, 1\.5 MB so far|┆ still open, 1\.5 MB so far/)
  t.true(text.includes('· still open'))
  t.true(text.includes('1 open'))
})

test('a data connection that carried nothing, and a transfer of no bytes', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'PASV', [3, '227 ok (1,2,3,4,5,6)'])
  telling.stray(4, 5)
  telling.command(8, 'PASV', [9, '227 ok (1,2,3,4,5,7)'])
  telling.command(11, 'RETR empty', [12, '150 coming'], [13, '226 done'])
  telling.transfer({ path: '/empty', connected: 10, closed: 12.5 })
  const text = drawn(telling.story(20))
  t.true(text.includes('└ carried nothing, 1.0 ms'))
  t.true(text.includes('└ ↓ /empty 0 B 2.5 ms'))
})

test('an encrypted session says where it can no longer be read', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'AUTH TLS', [3, '234 go ahead'])
  t.regex(drawn(telling.story(9000, { tls: true, user: null })), /234 go ahead[^]*encrypted from here on[^]*⋯ 9\.0 s: encrypted/)
})

test('replies to pipelined commands name them', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'USER anna', [4, '331 password?'])
  telling.command(2.1, 'PASS ****', [5, '230 in'])
  const text = drawn(telling.story(10))
  t.true(text.includes('← 331 to USER password?'))
  t.true(text.includes('← 230 to PASS in'))
})

test('of hundreds of transfers, ordinary ones are a line, and every other is drawn', (t) => {
  const telling = new Telling().greeting(1)
  for (let n = 0; n < 400; n++) {
    if (n === 200) {
      telling.command(10 + n * 10, 'RETR missing', [12 + n * 10, '550 no'])
      telling.transfer({ path: '/missing', outcome: 'refused', error: '550 no' })
    } else if (n === 300) {
      telling.command(10 + n * 10, 'PASV', [11 + n * 10, '227 ok (1,2,3,4,5,6)'])
      telling.command(12 + n * 10, 'RETR slow', [13 + n * 10, '150 coming'], [18.5 + n * 10, '226 done'])
      telling.transfer({ path: '/slow', connected: 11.5 + n * 10, first: 14 + n * 10, last: 17 + n * 10, closed: 18 + n * 10, bytes: 5 })
    } else {
      plainDownload(telling, 10 + n * 10, `file-${n}`)
    }
  }
  const story = telling.story(4100)
  const folded = drawn(story)
  t.true(folded.split('\n').length < 80, folded)
  t.true(folded.includes('/file-0'))
  t.true(folded.includes('↓ /slow'))
  t.true(folded.includes('refused: ↓ /missing'))
  t.regex(folded, /· \d+ transfers, \d+ commands, all well/)
  t.is(drawn(story, 80, true).match(/→ RETR/g)?.length, 400)
  // What is folded and what is drawn is everything.
  const inFolds = [...folded.matchAll(/· (\d+) transfers, /g)].reduce((sum, [, count]) => sum + Number(count), 0)
  t.is(inFolds + folded.match(/→ RETR/g)!.length, 400)
})

// What terminals act on, and what takes no column or two.
const hostile = fc.string({ unit: fc.constantFrom('a', ' ', '\u001b[31m', '\u009b', '\r', '\n', '\t', '\u202e', '字', '🙂', 'é', 'e\u0301', '\u200b', '\ufeff', '\u0000'), maxLength: 60 })

test('whatever names and texts are, no line is wider than the terminal, and none acts on it', (t) => {
  fc.assert(fc.property(hostile, hostile, fc.integer({ min: 60, max: 200 }), (name, text, columns) => {
    const telling = new Telling().greeting(1, `220 ${text}`)
    telling.command(2, 'PASV', [3, `227 ${text} (1,2,3,4,5,6)`])
    telling.command(5, `RETR ${name}`, [6, `150 ${text}`], [7, `426 ${text}`])
    telling.transfer({ path: `/${name}`, connected: 4, first: 6.5, last: 6.7, closed: 8, bytes: 10, outcome: 'aborted', error: text })
    telling.command(9, `${name} x`, [2000, `550 ${text}`])
    const event = { id: 9, time: time(10), connectionId: 100, messageId: null, kind: 'ftp-odd', source: 'relay', direction: null, offset: null, bytes: null, text, hook: null, parameters: null, delayMs: null }
    for (const line of draw(telling.story(2001, { user: name, outcome: text }, [event]), columns)) {
      // oxlint-disable-next-line no-control-regex
      if (widthOf(line) > columns || /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(line)) return false
    }
    return true
  }), { numRuns: 300 })
  t.pass()
})

test('texts are wrapped between words and whole characters, and none is lost', (t) => {
  t.deepEqual(wrap('client reset the connection', 12, 3), ['client reset', 'the', 'connection'])
  t.deepEqual(wrap('one two three four', 8, 2), ['one two', 'three f…'])
  // One column too many, and its last character is none or a pair.
  t.deepEqual(wrap('abcdef\u200b', 5, 2), ['abcde', 'f\u200b'])
  t.deepEqual(wrap('abcd🙂', 5, 2), ['abcd', '🙂'])
  fc.assert(fc.property(hostile, fc.integer({ min: 2, max: 20 }), (text, width) =>
    wrap(text, width, 1000).every((line) => widthOf(line) <= width) && wrap(text, width, 1000).join('').replaceAll(/\s/g, '') === text.replaceAll(/\s/g, '')))
})

test('a session that its server ended is over there, though its data came to an end later', (t) => {
  const telling = new Telling().greeting(1)
  telling.command(2, 'PASV', [3, '227 ok (1,2,3,4,5,6)'])
  telling.command(4, 'RETR a', [5, '150 coming'])
  telling.transfer({ path: '/a', connected: 3.5, first: 6, last: 7, closed: 40, bytes: 5, outcome: 'aborted', error: 'no final reply: server closed' })
  const lines = draw(telling.story(20, { outcome: 'server closed' }))
  t.true(lines.some((line) => line.startsWith('0.020  · session over: server closed ')), lines.join('\n'))
  t.regex(lines.join('\n'), /0\.040 +└ aborted after 5 B/)
})

test('a changed transfer says so, and how much went on where that is less; one among many is drawn', (t) => {
  const telling = new Telling().greeting(1)
  for (let n = 0; n < 20; n++) plainDownload(telling, 10 + n * 10, `f${n}`)
  const story = telling.story(300)
  const transfers = story.transfers.map((transfer, n) => n === 8 || n === 12 ? { ...transfer, changed: true } : transfer)
  const text = drawn({ ...story, transfers, bytesSent: new Map([[transfers[8]!.id, 5000], [transfers[12]!.id, 700]]) }, 100)
  t.regex(text, /· 2 changed/)
  t.regex(text, /└ [^\n]*5\.0 kB changed /)
  t.regex(text, /└ [^\n]*5\.0 kB \(700 B sent on\)/)
})
