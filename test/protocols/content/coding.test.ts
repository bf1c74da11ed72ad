import { gzipSync } from 'node:zlib'
import test from 'ava'
import { contentCodings, contentEncoding, decodeContent } from '../../../src/protocols/content/coding.js'

const text = Array.from({ length: 20_000 }, (_, line) => `${line} of it\n`).join('')
const gzip = contentCodings('gzip')!

async function decoded(bytes: Buffer, piece: number): Promise<{ text: string, error: string | null }> {
  const { bytes: made, error } = await decodeContent(inPieces(bytes, piece), gzip, Infinity)
  return { text: made.toString(), error }
}

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

/** A header with everything in it that RFC 1952 knows. */
function withHeader(member: Buffer): Buffer {
  const fixed = Buffer.from(member.subarray(0, 10))
  fixed[3] = 2 | 4 | 8 | 16
  return Buffer.concat([fixed, Buffer.from([3, 0, 1, 2, 3]), Buffer.from('name\0comment\0'), Buffer.from([0, 0]), member.subarray(10)])
}

const whole = gzipSync(text)
const wrong = (at: number): Buffer => {
  const bytes = Buffer.from(whole)
  bytes[bytes.length - at]! ^= 1
  return bytes
}
for (const piece of [1, 7, 1000, Infinity]) {
  for (const [what, bytes, made, error] of [
    ['one member', whole, text, null],
    ['two members', Buffer.concat([whole, withHeader(whole)]), text + text, null],
    ['a long header', withHeader(whole), text, null],
    ['zeros after it', Buffer.concat([whole, Buffer.alloc(100)]), text, null],
    ['other bytes after it', Buffer.concat([whole, Buffer.from('junk')]), text, 'other bytes come after the end of it'],
    ['one other byte after it', Buffer.concat([whole, Buffer.from('j')]), text, 'other bytes come after the end of it'],
    ['a member cut in its trailer', whole.subarray(0, -3), text, 'unexpected end of file'],
    ['a second member cut in its header', Buffer.concat([whole, whole.subarray(0, 5)]), text, 'unexpected end of file'],
    ['another checksum', wrong(8), text, 'incorrect data check'],
    ['another length', wrong(4), text, 'incorrect length check'],
    ['no gzip', Buffer.from('notgzip'), '', 'incorrect header check'],
    ['nothing', Buffer.alloc(0), '', 'unexpected end of file'],
  ] as const) {
    test(`gzip, in pieces of ${piece}: ${what}`, async (t) => {
      t.deepEqual(await decoded(bytes, piece), { text: made, error })
    })
  }
}

test('gzip that is damaged in the middle gives what came before', async (t) => {
  const { text: made, error } = await decoded(Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.alloc(1000, 0xff)]), Infinity)
  t.true(made.length > text.length / 4 && text.startsWith(made.slice(0, text.length / 4)))
  t.truthy(error)
})

test('a header without an end is given up', async (t) => {
  const endless = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0])
    for (;;) yield Buffer.alloc(65_536, 'n')
  }
  t.regex((await decodeContent(endless(), gzip, Infinity)).error ?? '', /header is longer than/)
})

test('several lines of Content-Encoding are one list', (t) => {
  t.is(contentEncoding([['A', 'b'], ['Content-Encoding', 'gzip'], ['content-encoding', 'br, deflate']]), 'gzip, br, deflate')
  t.is(contentEncoding([['A', 'b']]), null)
  t.deepEqual(contentCodings(contentEncoding([['content-encoding', 'gzip'], ['content-encoding', 'br']])), ['br', 'gzip'])
})
