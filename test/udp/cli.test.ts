import packet from 'dns-packet'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { definePlugin, drop, duplicate, openRecording, respond } from 'wiretape'
import { startWiretape, wiretape } from '../cli/wiretape.js'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { until } from '../real/deadline.js'
import { dnsServer, question } from '../real/dns-server.js'
import { taping } from '../real/relaying.js'

/** Records one exchange with a server, and gives the file and the ids of its records. */
async function recorded(t: ExecutionContext, port: number, bytes: Buffer): Promise<{ file: string, ids: string[], answer: Buffer }> {
  const tape = await taping(t, { udp: `0=127.0.0.1:${port}` })
  const client = await datagramPeer(t)
  await client.send(bytes, tape.port)
  const answer = (await client.take()).bytes
  const recording = await tape.recorded()
  return { file: tape.path, ids: [...recording.records()].map(({ id }) => String(id)), answer }
}

test('ls and show tell a DNS query as one record', async (t) => {
  const asked = question(4711, 'www.example')
  const { file, ids, answer } = await recorded(t, (await dnsServer(t)).port, asked)
  t.is(ids.length, 1)
  const id = ids[0]!
  t.regex((await wiretape(t, 'ls', file)).stdout.toString(), /^ *\d+ .* dns .* www\.example A → NOERROR, 2 answers\n$/)
  const shown = (await wiretape(t, 'show', file, id)).stdout.toString()
  t.regex(shown, /DNS query \d+ .* answered after /)
  t.regex(shown, /id 4711, QUERY → NOERROR, flags /)
  t.regex(shown, /answer {2}www\.example {2}300 IN A {2}192\.0\.2\.2\n/)
  t.deepEqual((await wiretape(t, 'show', file, id, '--raw')).stdout, Buffer.concat([asked, answer]))
  t.deepEqual((await wiretape(t, 'show', file, id, '--body', 'request')).stdout, asked)
  t.deepEqual((await wiretape(t, 'show', file, id, '--body', 'response')).stdout, answer)
  const json = JSON.parse((await wiretape(t, 'show', file, id, '--json')).stdout.toString()) as object
  t.like(json, { dnsId: 4711, name: 'www.example', rcode: 'NOERROR' })
  t.is((json as { records: unknown[] }).records.length, 2)
})

test('ls and show tell a query without an answer', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}` })
  const client = await datagramPeer(t)
  await client.send(question(1, 'silent.example'), tape.port)
  await server.take()
  const recording = await tape.recorded()
  const [{ id } = { id: 0 }] = [...recording.records()]
  t.regex((await wiretape(t, 'ls', tape.path)).stdout.toString(), /silent\.example A {2}no answer\n$/)
  t.regex((await wiretape(t, 'show', tape.path, String(id))).stdout.toString(), /not answered/)
  t.is((await wiretape(t, 'show', tape.path, String(id), '--body', 'response')).stdout.length, 0)
})

test('show tells that the server of a datagram, or of a query, was not there', async (t) => {
  const holder = await datagramPeer(t)
  const { port } = holder
  await holder.close()
  const tape = await taping(t, { udp: `0=127.0.0.1:${port}` })
  const [talker, resolver] = [await datagramPeer(t), await datagramPeer(t)]
  await talker.send('hello', tape.port)
  await resolver.send(question(1, 'www.example'), tape.port)
  await until(() => {
    using recording = openRecording(tape.path)
    return [...recording.events({ where: `kind = 'udp-unreachable'` })].length === 2
  }, 'both to be told as unreachable')
  const recording = await tape.recorded()
  for (const { id } of recording.records()) {
    t.regex((await wiretape(t, 'show', tape.path, String(id))).stdout.toString(), new RegExp(`\\nsession \\d+: nobody listens on 127\\.0\\.0\\.1:${port} \\(port unreachable\\)\\n`))
  }
  t.is([...recording.records()].length, 2)
})

for (const [what, bytes, shown] of [
  ['text', Buffer.from('héllo\n'), /\nhéllo\n$/],
  ['bytes', Buffer.from([0, 1, 2, 255]), /\n00000000 {2}00 01 02 ff/],
  ['nothing', Buffer.alloc(0), /\n\[empty\]\n$/],
] as const) {
  test(`ls and show tell a datagram of ${what}, and give its exact bytes`, async (t) => {
    const { file, ids } = await recorded(t, (await datagramEcho(t)).port, bytes)
    t.is(ids.length, 2)
    const lines = (await wiretape(t, 'ls', file)).stdout.toString().trim().split('\n')
    const [, client, server] = / udp .* (127\.0\.0\.1:\d+) → (127\.0\.0\.1:\d+)$/.exec(lines[0]!)!
    t.true(lines[1]!.endsWith(`${server} → ${client}`), lines[1])
    for (const id of ids) {
      t.regex((await wiretape(t, 'show', file, id)).stdout.toString(), shown)
      t.deepEqual((await wiretape(t, 'show', file, id, '--raw')).stdout, bytes)
    }
    t.deepEqual((await wiretape(t, 'show', file, ids[1]!, '--body', 'response')).stdout, bytes)
    const json = JSON.parse((await wiretape(t, 'show', file, ids[0]!, '--json')).stdout.toString()) as { bytes: string }
    t.like(json, { direction: 'up', size: bytes.length })
    t.deepEqual(Buffer.from(json.bytes, 'base64'), bytes)
  })
}

test('what no query tells is listed, followed and shown, with the reason', async (t) => {
  const server = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, decode: 'dns' })
  const following = startWiretape(t, 'ls', tape.path, '--follow', '--json')
  const client = await datagramPeer(t)
  await client.send('hello', tape.port)
  const { port } = await server.take()
  await server.send(packet.encode({ id: 9, type: 'response', questions: [{ name: 'unasked.example', type: 'A' }] }), port)
  await client.take()
  const followed = [await following.lines.next(/.+/), await following.lines.next(/.+/)].map(([line]) => JSON.parse(line) as { id: number, kind: string })
  t.deepEqual(followed.map(({ kind }) => kind), ['datagram', 'datagram'])
  const recording = await tape.recorded()
  t.deepEqual([...recording.records()].map(({ id }) => id), followed.map(({ id }) => id))
  t.is((await wiretape(t, 'ls', tape.path)).stdout.toString().split('\n').length, 3)
  const [hello, unasked] = await Promise.all(followed.map(async ({ id }) => (await wiretape(t, 'show', tape.path, String(id))).stdout.toString()))
  t.regex(hello!, /\nundecodable: a DNS message has at least 12 bytes, this has 5\nhello\n$/)
  t.regex(unasked!, /\ndns-unasked: an answer that no query waits for: id 9, unasked\.example\n/)
})

test('show tells what plugins did to a datagram, and what went out instead', async (t) => {
  const echo = await datagramEcho(t)
  const plugin = definePlugin({ name: 'act', description: '', setup: () => ({ udp: { datagram: (datagram) => {
    if (datagram.direction === 'down') return undefined
    const text = datagram.bytes.toString()
    if (text === 'change') datagram.bytes = Buffer.from('changed')
    return text === 'drop' ? drop() : text === 'twice' ? duplicate() : undefined
  } } }) })
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [plugin] })
  const client = await datagramPeer(t)
  for (const text of ['change', 'drop', 'twice', 'plain']) await client.send(text, tape.port)
  for (let n = 0; n < 4; n++) await client.take()
  const recording = await tape.recorded()
  const shown = await Promise.all([...recording.datagrams({ where: `direction = 'up'` })].map(async ({ id }) =>
    (await wiretape(t, 'show', tape.path, String(id))).stdout.toString().split('\n').slice(1).join('|')))
  t.deepEqual(shown, [
    'act: udp.datagram: changed|change||sent instead, 7 B|changed|', 'act: udp.datagram: dropped|drop||not sent on|',
    'act: udp.datagram: sent 1 times more|twice||sent once more|twice|', 'plain|',
  ])
})

test('show tells what plugins did to a query and its answer', async (t) => {
  const server = await dnsServer(t)
  const plugin = definePlugin({ name: 'act', description: '', setup: () => ({ dns: {
    query: (query) => query.name === 'made.example' ? respond({ answers: [{ name: query.name, type: 'A', data: '192.0.2.99' }] }) : void (query.name = 'www.example'),
  } }) })
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, plugins: [plugin] })
  const client = await datagramPeer(t)
  for (const name of ['old.example', 'made.example']) {
    await client.send(question(1, name), tape.port)
    await client.take()
  }
  const recording = await tape.recorded()
  const [changed, made] = await Promise.all([...recording.records()].map(async ({ id }) => (await wiretape(t, 'show', tape.path, String(id))).stdout.toString()))
  t.regex(changed!, /\nact: dns\.query: changed\n[^]*\nold\.example {2}IN A\n {2}answer {2}www\.example {2}300 IN A {2}192\.0\.2\.1\n/)
  t.regex(changed!, /\n\nquery sent instead, \d+ B\nwww\.example {2}IN A\n\nanswer sent instead, \d+ B\nold\.example {2}IN A → NOERROR\n {2}answer {2}old\.example {2}300 IN A {2}192\.0\.2\.1\n/)
  t.regex(made!, /answered by a plugin after [^]*\nact: dns\.query: answered\n[^]*\nmade\.example {2}IN A\n {2}answer {2}made\.example {2}0 IN A {2}192\.0\.2\.99\n\nquery not sent on\n$/)
})

test('control characters from datagrams and names never reach the output raw', async (t) => {
  const evil = packet.encode({ id: 1, type: 'query', questions: [{ name: '\u001b]0;owned\u0007.\u009b31m', type: 'A' }] })
  for (const bytes of [evil, Buffer.from('\u001b[2Jred\u009b31m\u0007\n')]) {
    const { file, ids } = await recorded(t, (await datagramEcho(t)).port, bytes)
    for (const words of [['ls', file], ['show', file, ids[0]!], ['show', file, ids[0]!, '--json']]) {
      const { code, stdout } = await wiretape(t, ...words)
      t.is(code, 0)
      // oxlint-disable-next-line no-control-regex
      t.notRegex(stdout.toString(), /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
    }
  }
})

test('the ready line has the real port and the receive buffer', async (t) => {
  const relay = startWiretape(t, 'relay', '--udp', '0=127.0.0.1:9', '--udp-buffer', '65536')
  const [, port, buffer] = await relay.lines.next(/^udp +127\.0\.0\.1:(\d+) → 127\.0\.0\.1:9 \(receive buffer (.*)\)$/)
  t.true(Number(port) > 0)
  t.regex(buffer!, /^\d[\d.]* (kB|MB|B)$/)
  relay.signal('SIGINT')
  t.is((await relay.ended).code, 0)
})

test('as JSON the ready line has them too', async (t) => {
  const relay = startWiretape(t, 'relay', '--udp', '0=127.0.0.1:9', '--json')
  const [line] = await relay.lines.next(/^.*"listening".*$/)
  const told = JSON.parse(line) as { port: number, buffer: number }
  t.like(told, { type: 'listening', protocol: 'udp', host: '127.0.0.1', target: '127.0.0.1:9' })
  t.true(told.port > 0 && told.buffer > 0)
  relay.signal('SIGTERM')
  t.is((await relay.ended).code, 0)
})

for (const [words, pattern] of [
  [['--udp', '0=224.0.0.1:9'], /multicast/], [['--udp', '0=no-such-host.invalid:9'], /has no address/], [['--udp', '5353'], /expected LISTEN=TARGET/],
  [['--udp', '0=127.0.0.1:9', '--udp-sessions', '0'], /udp-sessions 0/], [['--udp', '0=127.0.0.1:9', '--udp-buffer', 'big'], /udp-buffer/],
  [['--udp', '0=127.0.0.1:9', '--udp-idle-timeout', '-1'], /udp-idle-timeout/], [['--udp', '0=127.0.0.1:9', '--decode', 'quic'], /decode quic/],
] as const) {
  test(`what cannot be relayed is one line and exit 2: ${words.join(' ')}`, async (t) => {
    const { code, stderr } = await wiretape(t, 'relay', ...words)
    t.is(code, 2)
    t.regex(stderr, /^wiretape: [^\n]+\n$/)
    t.regex(stderr, pattern)
  })
}
