import { createServer } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { connectTo, peerServer } from '../real/peer.js'
import { onlyExchange, taping } from '../real/relaying.js'
import { formatBytes } from '../../src/cli/units.js'
import { wiretape } from './wiretape.js'

/** Records one answer to one request, and gives the file and the exchange's id. */
async function recorded(t: ExecutionContext, headers: OutgoingHttpHeaders, body: Buffer): Promise<{ file: string, id: string }> {
  const origin = createServer((_request, response) => response.writeHead(200, headers).end(body)).listen(0, '127.0.0.1')
  origin.keepAliveTimeout = 600_000
  t.teardown(() => origin.close())
  await new Promise((resolve) => origin.once('listening', resolve))
  const taped = await taping(t, { http: `0=http://127.0.0.1:${(origin.address() as AddressInfo).port}` })
  await (await fetch(`http://127.0.0.1:${taped.port}/x?y=1`, { headers: { connection: 'close' } })).arrayBuffer().catch(() => {})
  const recording = await taped.recorded()
  return { file: taped.path, id: String(onlyExchange(recording).id) }
}

const json = '{"name":"Zoë","list":[1,2]}'
const pretty = '{\n  "name": "Zoë",\n  "list": [\n    1,\n    2\n  ]\n}'

for (const [coding, compress] of [
  ['gzip', gzipSync], ['deflate', deflateSync], ['Deflate', deflateRawSync], ['br', brotliCompressSync],
] as const) {
  test(`JSON is indented and its coding undone: ${coding}`, async (t) => {
    const body = compress(Buffer.from(json))
    const { file, id } = await recorded(t, { 'Content-Type': 'application/json', 'Content-Encoding': coding }, body)
    const shown = await wiretape(t, 'show', file, id)
    t.is(shown.code, 0)
    t.true(shown.stdout.toString().includes(`Content-Encoding: ${coding}`))
    t.true(shown.stdout.toString().includes(pretty), shown.stdout.toString())
    t.deepEqual((await wiretape(t, 'show', file, id, '--body', 'response')).stdout, body)
  })
}

test('text is read by its charset', async (t) => {
  const { file, id } = await recorded(t, { 'Content-Type': 'text/plain; charset=iso-8859-1' }, Buffer.from('caf\u00e9 cr\u00e8me', 'latin1'))
  t.true((await wiretape(t, 'show', file, id)).stdout.toString().includes('café crème'))
})

test('binary is a hex dump, cut with its size told', async (t) => {
  const body = Buffer.from(Array.from({ length: 3000 }, (_, at) => at % 256))
  const { file, id } = await recorded(t, { 'Content-Type': 'application/octet-stream' }, body)
  const text = (await wiretape(t, 'show', file, id)).stdout.toString()
  t.true(text.includes('00000000  00 01 02 03 04 05 06 07  08 09'))
  t.regex(text, /binary, 3\.0 kB, cut after 512 bytes/)
  t.deepEqual((await wiretape(t, 'show', file, id, '--body', 'response')).stdout, body)
})

test('a compressed body that holds far more than it weighs is cut, and memory with it', async (t) => {
  const { file, id } = await recorded(t, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }, gzipSync(Buffer.alloc(200_000_000, 'a')))
  const { code, stdout } = await wiretape(t, 'show', file, id)
  t.is(code, 0)
  t.true(stdout.length < 400_000)
  t.regex(stdout.toString(), /cut after 262 kB/)
})

test('a damaged coding is told, and shown as far as it goes', async (t) => {
  const whole = gzipSync(Buffer.from('good beginning '.repeat(100)))
  const { file, id } = await recorded(t, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }, whole.subarray(0, whole.length - 12))
  const { code, stdout } = await wiretape(t, 'show', file, id)
  t.is(code, 0)
  t.regex(stdout.toString(), /decoding gzip stopped: /)
})

test('control characters from the wire never reach the output raw', async (t) => {
  const server = await peerServer(t)
  const taped = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, taped.port)
  client.write('GET /\x1b]0;owned\x07\x9b31m HTTP/1.1\r\nHost: x\r\nX-Evil: \x1b[2J\x7f\r\n\r\n')
  const peer = await server.next()
  await peer.through('\r\n\r\n')
  peer.write('HTTP/1.1 200 \x1b[31mOK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n\x1b[2Jred\x9b31m\u0007\u0008\r\n').finish()
  client.finish()
  await client.rest()
  const recording = await taped.recorded()
  const { id } = onlyExchange(recording)
  for (const words of [['show', taped.path, String(id)], ['ls', taped.path], ['show', taped.path, String(id), '--json']]) {
    const { code, stdout } = await wiretape(t, ...words)
    t.is(code, 0)
    // oxlint-disable-next-line no-control-regex
    t.notRegex(stdout.toString(), /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
  }
})

test('--raw gives the exact bytes of both messages, chunking and all', async (t) => {
  const server = await peerServer(t)
  const taped = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const client = await connectTo(t, taped.port)
  const request = 'POST /a HTTP/1.1\r\nhOST:   x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n0\r\nT: 1\r\n\r\n'
  const response = 'HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\nok'
  client.write(request)
  const peer = await server.next()
  await peer.take(request.length)
  peer.write(response).finish()
  client.finish()
  await client.rest()
  const recording = await taped.recorded()
  const id = String(onlyExchange(recording).id)
  t.is((await wiretape(t, 'show', taped.path, id, '--raw')).stdout.toString(), request + response)
  t.is((await wiretape(t, 'show', taped.path, id, '--raw', '--body', 'response')).stdout.toString(), response)
  t.is((await wiretape(t, 'show', taped.path, id, '--body', 'request')).stdout.toString(), 'abc')
})

test('a TCP connection is shown as a conversation', async (t) => {
  const server = await peerServer(t)
  const taped = await taping(t, { tcp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, taped.port)
  client.write('hello\n')
  const peer = await server.next()
  await peer.take(6)
  peer.write(Buffer.from([0, 1, 2, 255])).finish()
  await client.take(4)
  client.finish()
  await client.rest()
  const recording = await taped.recorded()
  const [record] = [...recording.records()]
  const text = (await wiretape(t, 'show', taped.path, String(record!.id))).stdout.toString()
  t.regex(text, /→ .*6 B\nhello\n← .*4 B\n00000000 {2}00 01 02 ff/)
})

for (const [words, pattern] of [
  [['99999'], /there is no record 99999/], [['abc'], /ID abc: expected a record's number/], [['-1'], /-1/], [['1', '2', '3'], /at most two/],
  [['1', '--body', 'both'], /body/], [['2', '--body', 'response', '--json'], /--json and --body exclude each other/], [['2', '--raw', '--json'], /--json and --raw exclude each other/],
] as const) {
  test(`an id that isn't one is one line and exit 2: show ${words.join(' ')}`, async (t) => {
    const { file } = await recorded(t, {}, Buffer.from('x'))
    const given = words.length === 1 || words[1].startsWith('--') ? [file, ...words] : words
    const { code, stderr } = await wiretape(t, 'show', ...given)
    t.is(code, 2)
    t.regex(stderr, /^wiretape: [^\n]+\n$/)
    t.regex(stderr, pattern)
  })
}

test('Content-Encoding in several lines is one list', async (t) => {
  const body = deflateSync(gzipSync(Buffer.from(json)))
  const { file, id } = await recorded(t, { 'Content-Type': 'application/json', 'Content-Encoding': ['gzip', 'deflate'] }, body)
  const shown = (await wiretape(t, 'show', file, id)).stdout.toString()
  t.regex(shown, /Content-Encoding: gzip\nContent-Encoding: deflate\n/)
  t.true(shown.includes(pretty), shown)
})

test('what comes before other bytes in a body is shown, and that they come', async (t) => {
  const { file, id } = await recorded(t, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }, Buffer.concat([gzipSync(Buffer.from('all of it')), Buffer.from('junk')]))
  const shown = (await wiretape(t, 'show', file, id)).stdout.toString()
  t.true(shown.includes('\nall of it\n[decoding gzip stopped: other bytes come after the end of it]'), shown)
})

for (const [what, type, body, told] of [
  ['text', 'text/plain', 'a line\n'.repeat(100_000), (size: string) => `[cut after 262 kB; the whole, still gzip, ${size}: wiretape show`],
  ['binary', 'image/png', '\0\x01'.repeat(100_000), (size: string) => `[binary, 200 kB, cut after 512 bytes; the whole, still gzip, ${size}: wiretape show`],
] as const) {
  test(`where a coded body is cut, the size is that of what the command gives: ${what}`, async (t) => {
    const coded = gzipSync(Buffer.from(body))
    const { file, id } = await recorded(t, { 'Content-Type': type, 'Content-Encoding': 'gzip' }, coded)
    const shown = (await wiretape(t, 'show', file, id)).stdout.toString()
    t.true(shown.includes(told(formatBytes(coded.length))), shown.slice(-300))
  })
}

test('where a body is cut that has no coding, its size is told', async (t) => {
  const { file, id } = await recorded(t, { 'Content-Type': 'text/plain' }, Buffer.from('a line\n'.repeat(100_000)))
  t.regex((await wiretape(t, 'show', file, id)).stdout.toString(), /\[cut after 262 kB; the whole, 700 kB: wiretape show \d+ --body response\]/)
})
