import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { importCapture, serveRecording } from 'wiretape'
import { wiretape } from '../cli/wiretape.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { onlyExchange, opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { PcapngFile } from './capture-files.js'
import { exported } from './exported.js'
import { capture, Frames, importing } from './importing.js'
import { ethernet, ipv4, udp } from './packets.js'

const exchange = capture(new Frames(40_000, 8080).opens().up('GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n').down('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello').closes().list)

/** The last frame's record is this long. */
const lastRecord = 16 + 14 + 20 + 20

function file(t: ExecutionContext, bytes: Buffer | string, name = 'capture'): string {
  const path = join(temporaryFolder(t), name)
  writeFileSync(path, bytes)
  return path
}

const wrong: readonly [what: string, bytes: Buffer | string, told: RegExp][] = [
  ['an empty file', '', /it is empty/],
  ['text', 'just some words\n', /looks like text/],
  ['what tcpdump prints', '12:01:02.123456 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S]\n', /tcpdump prints/],
  ['a page', '<!DOCTYPE html><html>', /an HTML page/],
  ['XML', '<?xml version="1.0"?>', /looks like XML/],
  ['JSON that is no HAR', '{"entries": []}', /JSON, but a HAR/],
  ['a ZIP archive', Buffer.from('504b030414000000', 'hex'), /a ZIP archive/],
  ['a recording', 'SQLite format 3\0', /an SQLite database/],
  ['a modified pcap', Buffer.from('34cdb2a102000400', 'hex'), /Kuznetzov/],
  ['binary data', Buffer.from([1, 2, 3, 4, 5]), /binary data/],
  ['gzip of text', gzipSync('words'), /\(unpacked\): it looks like text/],
]
for (const [what, bytes, told] of wrong) {
  test(`not a capture but ${what}: that is said, and nothing is made`, async (t) => {
    const path = file(t, bytes)
    const output = join(temporaryFolder(t), 'never.sqlite')
    const thrown = await t.throwsAsync(importCapture([file(t, exchange), path], { path: output }), { code: 'not-a-capture', message: told })
    t.true(thrown.message.includes(path))
    t.throws(() => readFileSync(output), { code: 'ENOENT' })
  })
}

test('no file, and a folder', async (t) => {
  const folder = temporaryFolder(t)
  await t.throwsAsync(importCapture(join(folder, 'none')), { code: 'not-found' })
  await t.throwsAsync(importCapture(folder), { code: 'usage', message: /is a folder/ })
  await t.throwsAsync(importCapture([]), { code: 'usage' })
  await t.throwsAsync(importCapture('/dev/null'), { code: 'usage', message: /is a device/ })
  await t.throwsAsync(importCapture(['-', '-']), { code: 'usage', message: /read once/ })
})

test('a truncated capture: what is there is imported, and where it ends is said; the next file is read all the same', async (t) => {
  const { summary, recording } = await importing(t, [exchange.subarray(0, -3), exchange])
  t.is(onlyExchange(recording).status, 200)
  t.false(summary.complete)
  t.deepEqual(summary.problems.map(({ offset, packet, text }) => ({ offset, packet, text })), [
    { offset: exchange.length - lastRecord, packet: 8, text: `it ends ${lastRecord - 3} bytes into a packet's record` },
  ])
  t.is(summary.packets, 15)
})

test('a pcapng that ends in a block that would be passed over: where that begins is said', async (t) => {
  const frame = new Frames(40_000, 8080).opens().list[0]!
  const whole = new PcapngFile().section().interface().packet(0, 5n, frame).bytes()
  const { summary } = await importing(t, Buffer.concat([whole, new PcapngFile().section().block(77, Buffer.alloc(2_500_000)).bytes().subarray(28, -500_000)]))
  t.is(summary.packets, 1)
  t.like(summary.problems[0], { offset: whole.length, packet: 2, text: 'it ends 2000012 bytes into a block' })
})

test('gzip that ends early gives all that it has', async (t) => {
  const packed = gzipSync(exchange)
  const { summary, recording } = await importing(t, packed.subarray(0, -6))
  t.is(onlyExchange(recording).status, 200)
  t.like(summary.problems[0], { text: 'its gzip data ends too early', offset: exchange.length })
})

const packed = gzipSync(exchange)
/** Another byte at the end of what is packed, and in its checksum. */
const flipped = (at: number): Buffer => Buffer.from(packed.map((byte, place) => place === packed.length + at ? byte ^ 1 : byte))

for (const [what, bytes, told] of [
  ['with another checksum', flipped(-6), /^its gzip data is damaged: incorrect data check$/], ['with another length', flipped(-1), /^its gzip data is damaged: incorrect length check$/],
  ['without its end', packed.subarray(0, -1), /^its gzip data ends too early$/], ['damaged behind all packets', Buffer.concat([packed.subarray(0, -8), gzipSync('x').subarray(0, 9)]), /^its gzip data is damaged/],
] as const) {
  test(`gzip ${what}: what was unpacked before counts, and it is told`, async (t) => {
    const { summary, recording } = await importing(t, bytes)
    t.is(onlyExchange(recording).status, 200)
    t.false(summary.complete)
    t.like(summary.problems[0], { offset: exchange.length })
    t.regex(summary.problems[0]!.text, told)
  })
}

test('gzip followed by something else: all of it counts, and a note tells of the rest; zeros fill a block', async (t) => {
  const junk = await importing(t, Buffer.concat([packed, Buffer.from('junk'), packed]))
  t.like(junk.summary, { complete: true, packets: 8 })
  t.regex(junk.summary.notes[0]!, new RegExp(`followed by ${4 + packed.length} bytes that are none: they are passed over$`))
  const filled = await importing(t, Buffer.concat([packed, Buffer.alloc(20_000)]))
  t.like(filled.summary, { complete: true, packets: 8, notes: [] })
})

test('gzip of several members, with names and comments in their headers, is one file', async (t) => {
  const named = (member: Buffer): Buffer => Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16]), member.subarray(4, 10), Buffer.from([3, 0, 1, 2, 3]), Buffer.from('name\0and a comment\0'), Buffer.from([0, 0]), member.subarray(10)])
  const { summary } = await importing(t, Buffer.concat([named(gzipSync(exchange.subarray(0, 100))), gzipSync(''), gzipSync(exchange.subarray(100)), named(gzipSync(exchange.subarray(24)))]))
  t.like(summary, { complete: true, packets: 16 })
})

test('gzip that is damaged from its beginning on is not said to be empty', async (t) => {
  for (const bytes of [Buffer.from('1f8b0800000000000003ffffffff', 'hex'), Buffer.from('1f8b07', 'hex')]) {
    await t.throwsAsync(importCapture(file(t, bytes), { path: join(temporaryFolder(t), 'never.sqlite') }), { code: 'not-a-capture', message: /its gzip data is damaged/ })
  }
  await t.throwsAsync(importCapture(file(t, packed.subarray(0, 10)), { path: join(temporaryFolder(t), 'never.sqlite') }), { code: 'not-a-capture', message: /its gzip data ends too early/ })
})

test('gzip that is larger than is read at once, and damaged far behind: what comes before is imported', async (t) => {
  const frames = new Frames(40_000, 9999).opens()
  for (let n = 0; n < 400; n++) frames.up(randomBytes(1000))
  const whole = gzipSync(capture(frames.list))
  const { summary } = await importing(t, Buffer.concat([whole.subarray(0, 300_000), Buffer.alloc(1000, 0xff), whole.subarray(301_000)]))
  t.false(summary.complete)
  t.true(summary.packets > 250)
  t.is((await importing(t, whole)).summary.packets, 403)
})

test('the command: records, exit codes, --partial, --append, --overwrite, --json', async (t) => {
  const folder = temporaryFolder(t)
  const output = join(folder, 'made.sqlite')
  const whole = file(t, exchange)
  const done = await wiretape(t, 'import', whole, '-o', output)
  t.is(done.code, 0, done.stderr)
  t.regex(done.stdout.toString(), /made\.sqlite: 1 records on 1 connections, from 8 packets\n$/)
  t.is((await wiretape(t, 'import', whole, '-o', output)).code, 2)
  t.is((await wiretape(t, 'import', whole, '-o', output, '--append')).code, 0)
  t.is([...opening(t, output).exchanges()].length, 2)
  const truncated = file(t, exchange.subarray(0, -3))
  const cut = await wiretape(t, 'import', truncated, '-o', output, '--overwrite')
  t.is(cut.code, 1)
  t.regex(cut.stderr, new RegExp(`it ends 67 bytes into a packet's record: at offset ${exchange.length - lastRecord}, where its record 8 begins`))
  const partial = await wiretape(t, 'import', truncated, '-o', output, '--overwrite', '--partial', '--json')
  t.is(partial.code, 0)
  t.like(JSON.parse(partial.stdout.toString()), { path: output, records: 1, packets: 7, complete: false })
  const none = await wiretape(t, 'import', file(t, 'words'))
  t.is(none.code, 2)
  t.regex(none.stderr, /is no capture: it looks like text/)
  const unnamed = await wiretape(t, 'import')
  t.deepEqual([unnamed.code, unnamed.stderr], [2, 'wiretape: the capture is missing: wiretape import capture.pcapng, or - for the standard input\n'])
})

test('without -o, a new file in recordings/', async (t) => {
  const folder = temporaryFolder(t)
  const path = file(t, exchange)
  mkdirSync(join(folder, 'recordings'))
  const done = await run(t, 'sh', ['-c', `cd '${folder}' && '${process.execPath}' '${join(import.meta.dirname, '../../src/cli/main.js')}' import '${path}' && '${process.execPath}' '${join(import.meta.dirname, '../../src/cli/main.js')}' ls`])
  t.is(done.code, 0, done.stderr)
  t.regex(done.stdout.toString(), /recordings\/.*\.sqlite: 1 records.*\n.*GET \/a → 200/)
})

const withCurl = installed('curl') ? test : test.skip
withCurl('an imported recording can be served', async (t) => {
  const { summary } = await importing(t, exchange)
  const server = await serveRecording(summary.path, { http: ['0'] })
  t.teardown(() => server.stop())
  const { stdout } = await run(t, 'curl', ['-s', `${server.listeners[0]!.url}/a`])
  t.is(stdout.toString(), 'hello')
})

/** An exchange, told by a HAR with this laid over its parts. */
const har = (...entries: { response?: object, entry?: object }[]): Buffer => Buffer.from(JSON.stringify({ log: { entries: entries.map(({ response, entry }) => ({
  startedDateTime: '2026-01-02T03:04:05Z', time: 1, request: { method: 'GET', url: 'http://a/' }, response: { status: 200, content: { size: 2, text: 'ok' }, ...response }, ...entry,
})) } }))

for (const [what, ticks, form] of [
  ['beyond what a number holds', 0xfffffff0_00000000n, {}], ['before 1970', 5n, { offset: BigInt.asUintN(64, -100_000_000_000n) }], ['of seconds, and far too many', 0xfffffff0_00000000n, { resolution: 0 }],
] as const) {
  test(`packets with a time ${what} are of 1970, and everything can be done with them`, async (t) => {
    const file = new PcapngFile().section().interface(1, form)
    for (const frame of new Frames(40_000, 8080).opens().up('GET /a HTTP/1.1\r\nHost: a\r\n\r\n').down('HTTP/1.1 204 No Content\r\n\r\n').closes().list) file.packet(0, ticks, frame)
    const { summary, recording } = await importing(t, file.bytes())
    t.like(onlyExchange(recording), { status: 204, started: 0 })
    for (const format of ['har', 'pcapng', 'jsonl', 'curl'] as const) t.true((await exported(summary.path, { format })).length > 50)
  })
}

for (const size of [1.5, 1e300, -1, 2 ** 53, '7', null, {}]) {
  test(`a HAR that says a body has ${JSON.stringify(size)} bytes says nothing of it`, async (t) => {
    const { recording, summary } = await importing(t, har({ response: { content: { size } } }, {}))
    t.deepEqual([...recording.exchanges()].map(({ status, error }) => [status, error]), [[200, null], [200, null]])
    t.is(summary.missingBytes, 0)
  })
}

test('entries of a HAR at times that no recording can hold are left out', async (t) => {
  const at = (startedDateTime: string) => ({ entry: { startedDateTime } })
  const { summary } = await importing(t, har(at('+275760-09-13T00:00:00Z'), at('-271821-04-20T00:00:00Z'), at('1969-12-31T23:59:59Z'), at('2255-06-05T23:47:34.739Z'), {}))
  t.like(summary, { records: 2, skipped: { unknownLink: 0, other: 0, malformed: 0, entries: 3 } })
  t.true((await exported(summary.path, { format: 'pcapng' })).length > 50)
})

test('a datagram larger than any is malformed; the largest of each version goes the whole way, and back', async (t) => {
  const packets = [70_000, 65_508].map((length) => {
    const datagram = Buffer.concat([udp(5000, 9000, '').fill(0, 4, 6), Buffer.alloc(length, 'x')])
    const ip = ipv4(Buffer.alloc(0), { protocol: 17 })
    // No length, as segmentation offload leaves it.
    ip.fill(0, 2, 4)
    return ethernet(Buffer.concat([ip, datagram]))
  })
  const { summary, recording } = await importing(t, capture([...packets, ethernet(ipv4(udp(5000, 9000, Buffer.alloc(65_507, 'y')), { protocol: 17 }))]))
  t.is(summary.skipped.malformed, 2)
  t.deepEqual([...recording.datagrams()].map(({ size }) => size), [65_507])
  const again = await importing(t, await exported(summary.path, { format: 'pcapng' }))
  t.deepEqual([...again.recording.datagrams()].map(({ size }) => size), [65_507])
})

test('a HAR that claims a body of a petabyte: that it is missing is told once', async (t) => {
  const entry = {
    startedDateTime: '2026-01-01T00:00:00.000Z', time: 10, request: { method: 'GET', url: 'http://shop.example/a', httpVersion: 'HTTP/1.1', headers: [] },
    response: { status: 200, statusText: 'OK', httpVersion: 'HTTP/1.1', headers: [], content: { size: 2 ** 50 } }, timings: { send: 1, wait: 1, receive: 1 },
  }
  const { recording, summary } = await importing(t, [Buffer.from(JSON.stringify({ log: { entries: [entry] } }))])
  const [told, ...more] = recording.events({ where: `kind = 'dropped'` })
  t.regex(told!.text, /^1125899906842624 bytes not in the capture/)
  t.deepEqual(more, [])
  t.is(summary.missingBytes, 2 ** 50)
})

test('an import that the caller gives up leaves what came until then, and the name is free again', async (t) => {
  const path = join(temporaryFolder(t), 'given-up.sqlite')
  const given = file(t, exchange)
  await t.throwsAsync(importCapture(given, { path, onProgress: () => { throw new Error('enough') } }), { message: 'enough' })
  const recording = opening(t, path)
  t.true(recording.ended)
  t.is(onlyExchange(recording).path, '/a')
  recording.close()
  t.is((await importCapture(given, { path, overwrite: true })).records, 1)
})

test('asterisks of an import may be anybody\'s: they are not said to be told apart', async (t) => {
  const { recording } = await importing(t, [exchange])
  t.is(recording.facts()['masks'], undefined)
})
