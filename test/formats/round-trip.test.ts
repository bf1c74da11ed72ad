import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { exportRecording, importCapture } from 'wiretape'
import type { Recording } from 'wiretape'
import { until } from '../real/deadline.js'
import { dnsServer, question } from '../real/dns-server.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { ftpServers } from '../real/ftp/servers.js'
import { httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { run } from '../real/program.js'
import { bytesOf, opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { PcapngFile } from './capture-files.js'
import { differences } from './differences.js'
import { exported } from './exported.js'
import { began, capture, Frames, importing } from './importing.js'
import { ethernet, ipv4, udp } from './packets.js'
import { Tshark } from './tshark.js'

/* A recording, exported as pcapng and imported again: records, their times and their bytes are the same. */

const ftpServer = ftpServers.find(({ available }) => available)
const withCurl = installed('curl') ? test : test.skip
const withFtp = ftpServer !== undefined && ftplibClient.available ? test.serial : test.serial.skip

async function again(t: ExecutionContext, path: string): Promise<Recording> {
  const folder = temporaryFolder(t)
  await exportRecording(path, { format: 'pcapng', output: join(folder, 'packets.pcapng') })
  const summary = await importCapture(join(folder, 'packets.pcapng'), { path: join(folder, 'again.sqlite') })
  t.like(summary, { complete: true, missingBytes: 0, notes: [], skipped: { unknownLink: 0, other: 0, malformed: 0 } })
  return opening(t, summary.path)
}

/** What only the relay knew: its own addresses, and ids. */
const relays = new Set(['changed', 'id', 'relayId', 'parentId', 'connectionId', 'sessionId', 'commandId', 'transferId', 'messageId', 'segmentId', 'datagramId', 'answerDatagramId', 'firstSegment', 'lastSegment', 'listen', 'dial'])

async function streamsOf(recording: Recording): Promise<Buffer[]> {
  const streams: Buffer[] = []
  for (const { id } of recording.connections()) for (const direction of ['up', 'down'] as const) streams.push(await bytesOf(recording.stream(id, direction)))
  return streams
}

async function same(t: ExecutionContext, before: Recording, after: Recording): Promise<void> {
  const kinds = ['exchanges', 'ftpSessions', 'ftpCommands', 'ftpReplies', 'ftpTransfers', 'datagrams', 'dnsQueries', 'records'] as const
  // Of a UDP session, packets don't tell when it was opened and closed.
  const tcp = { where: 'transport = \'tcp\'' }
  t.deepEqual([...kinds.flatMap((kind) => differences(kind, before[kind](), after[kind](), relays)), ...differences('connections', before.connections(tcp), after.connections(tcp), relays)], [])
  t.deepEqual(await streamsOf(after), await streamsOf(before))
}

withCurl('HTTP: bodies of all sizes, chunked, ended by the connection, cut by either side', async (t) => {
  const big = randomBytes(2_000_000)
  const origin = await httpOrigin(t, (request, response) => {
    request.resume()
    if (request.url === '/big') response.end(big)
    else if (request.url === '/chunked') response.write('one', () => response.end('two'))
    else if (request.url === '/kill') response.writeHead(200, { 'Content-Length': '100' }).write('some', () => request.socket.destroy())
    else if (request.url === '/unframed') request.socket.end('HTTP/1.0 200 OK\r\n\r\nto the end')
    else if (request.url === '/close') response.writeHead(200, { Connection: 'close' }).end('bye')
    else request.on('end', () => response.end())
  })
  const tape = await taping(t, { http: origin.target })
  const url = `http://127.0.0.1:${tape.port}`
  for (const path of ['/big', '/chunked', '/close', '/unframed', '/kill']) await run(t, 'curl', ['-s', '-o', '/dev/null', url + path])
  await run(t, 'curl', ['-s', '-T', '-', url], big)
  const socket = connect(tape.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {}).write('POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhalf')
  const live = opening(t, tape.path)
  await until(() => [...live.connections({ where: `bytes_up > 0 AND client_port = ${socket.localPort}` })].length > 0, 'the request')
  socket.resetAndDestroy()
  await until(() => tape.relay.stats().open === 0, 'the end of all connections')
  const before = await tape.recorded()
  await same(t, before, await again(t, tape.path))
})

for (const form of ['PASV', 'PORT'] as const) {
  withFtp(`FTP by ${form}: commands, replies, transfers and their data connections`, async (t) => {
    const server = await ftpServer!.start(t)
    const content = randomBytes(200_001)
    writeFileSync(join(server.folder, 'down.bin'), content)
    mkdirSync(join(server.folder, 'inner'))
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
    const place = { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form }
    t.deepEqual(await ftplibClient.download(t, place, 'down.bin'), content)
    await ftplibClient.upload(t, place, 'up.bin', content)
    await ftplibClient.list(t, place)
    const before = await tape.recorded()
    t.is([...before.ftpTransfers()].length, 3)
    await same(t, before, await again(t, tape.path))
  })
}

for (const host of ['127.0.0.1', '::1']) {
  test(`DNS and other datagrams over ${host}`, async (t) => {
    const server = await dnsServer(t, host)
    const at = host.includes(':') ? `[${host}]` : host
    const tape = await taping(t, { udp: `${at}:0=${at}:${server.port}`, decode: 'dns' })
    const client = await datagramPeer(t, host)
    for (const [id, name] of ['www.example', 'nowhere.example'].entries()) {
      await client.send(question(id + 1, name), tape.port, host)
      await client.take()
    }
    await client.send(question(3, 'silent.example'), tape.port, host)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const before = await tape.recorded()
    await same(t, before, await again(t, tape.path))
  })
}

test('TCP: a half-close, a reset by either side, nothing said', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${server.port}` })
  for (const ends of [(a: Peer) => a.finish(), (_: Peer, b: Peer) => b.finish(), (a: Peer) => a.reset(), (_: Peer, b: Peer) => b.reset()]) {
    const client = await connectTo(t, tape.port)
    const other = await server.next()
    client.write('ask')
    await other.take(3)
    ends(client, other)
    await until(() => client.ending !== null || other.ending !== null, 'one end')
    other.write('answer').finish()
    client.finish()
    await until(() => tape.relay.stats().open === 0, 'both ends')
  }
  const before = await tape.recorded()
  await same(t, before, await again(t, tape.path))
})

test('a capture that begins and ends within connections: no handshake and no end is made up', async (t) => {
  const ask = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const midway = new Frames(40_000, 8080).up(ask).down(answer).up(ask)
  const open = new Frames(40_001, 8080).opens().up(ask).down(answer)
  const holed = new Frames(40_002, 8080).opens().up(ask).down('HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n').loses('down', 80).down('0123456789').closes()
  const { summary, recording } = await importing(t, capture([...midway.list, ...open.list, ...holed.list]))
  const packets = await exported(summary.path, { format: 'pcapng' })
  const { recording: after } = await importing(t, packets)
  await same(t, recording, after)
  const told = (one: Recording) => [...one.events()].map(({ kind, text }) => [kind, text])
  t.deepEqual(told(after), told(recording))
  t.deepEqual(told(after).map(([kind]) => kind), ['beginning-missing', 'dropped'])
})

const ask = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
/** What was lost is acknowledged, and so often that it counts as lost. */
const lost = (frames: Frames, length: number): Frames => Array.from({ length: 4 }).reduce<Frames>((all) => all.up(''), frames.loses('down', length))

for (const [what, frames] of [
  ['of a body', lost(new Frames(40_000, 8080).opens().up(ask).down('HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n'), 90).closes()],
  ['of one side, all that it said', lost(new Frames(40_000, 8080).opens().up(ask), 500).closes()],
  ['of a connection that says nothing else', lost(new Frames(40_000, 9999).opens(), 5000).closes()],
  ['before a reset', lost(new Frames(40_000, 9999).opens().up('abc').down('def'), 70).down('', 'R')],
  ['of a connection whose end is not in the capture', lost(new Frames(40_000, 9999).opens().up('abc').down('def'), 70)],
  ['twice, with bytes between', lost(lost(new Frames(40_000, 9999).opens().up('abc').down('def'), 70).down('ghi'), 5).closes()],
] as const) {
  test(`lost at the end ${what}: a gap again, and the end comes after it`, async (t) => {
    const { summary, recording } = await importing(t, capture(frames.list))
    t.true(summary.missingBytes > 0)
    const { summary: second, recording: after } = await importing(t, await exported(summary.path, { format: 'pcapng' }))
    t.is(second.missingBytes, summary.missingBytes)
    await same(t, recording, after)
    const told = (one: Recording) => [...one.events()].map(({ kind, time, direction, offset, text }) => ({ kind, time, direction, offset, text }))
    t.deepEqual(told(after), told(recording))
  })
}

test('an FTP transfer whose bytes are lost is not complete, and not so either when it is exported and imported again', async (t) => {
  const control = new Frames(41_000, 21).opens().down('220 hi\r\n').up('USER u\r\n').down('331 who\r\n').up('PASS x\r\n').down('230 in\r\n').up('PASV\r\n').down('227 Entering (10,0,0,2,200,1)\r\n').up('RETR f\r\n').down('150 go\r\n')
  const began = control.list.length
  control.down('226 done\r\n').closes()
  const data = lost(new Frames(41_001, 51_201).opens(), 1000).down('', 'F').up('', 'F').down('')
  const { summary, recording } = await importing(t, capture([...control.list.slice(0, began), ...data.list, ...control.list.slice(began)]))
  const { recording: after } = await importing(t, await exported(summary.path, { format: 'pcapng' }))
  await same(t, recording, after)
  const [transfer] = after.ftpTransfers()
  t.not(transfer!.outcome, 'completed')
  t.is([...after.connections({ where: 'role = \'data\'' })][0]!.droppedDown, 1000)
})

const withTshark = installed('tshark') ? test : test.skip

withTshark('a HAR as packets: each connection has addresses of its own, and its exchanges are the same', async (t) => {
  const entry = (n: number, url: string) => ({
    startedDateTime: `2026-01-02T03:04:05.00${n}Z`, time: 20, timings: { send: 1, wait: 10, receive: 9 }, request: { method: 'GET', url, headers: [{ name: 'Host', value: 'a' }] },
    response: { status: 200, statusText: 'OK', headers: [], content: { size: 1, text: `${n}` } },
  })
  const entries = ['http://a/1', 'http://a/2', 'https://a/3', 'http://a:3000/4'].map((url, n) => entry(n, url))
  const { summary, recording } = await importing(t, Buffer.from(JSON.stringify({ log: { entries } })))
  const { recording: after } = await importing(t, await exported(summary.path, { format: 'pcapng' }))
  const facts = (one: Recording) => [...one.exchanges()].map(({ path, status, error, started, ended, responseHeaders }) => ({ path, status, error, started, ended, responseHeaders }))
  t.is(facts(after).length, 4)
  t.deepEqual(facts(after), facts(recording))
  const shark = await Tshark.of(t, summary.path, ['tcp.port==3000,http'])
  t.deepEqual(await shark.faults(), [])
  t.deepEqual(await shark.fields('http.request', 'tcp.stream', 'http.request.uri'), ['0\t/1', '1\t/2', '2\t/3', '3\t/4'])
})

test('our own HAR gives the same exchanges, binary bodies of requests too', async (t) => {
  const binary = randomBytes(3000)
  const origin = await httpOrigin(t, (request, response) => request.pipe(response))
  const tape = await taping(t, { http: origin.target })
  for (const body of [binary, Buffer.from('text \u20ac'), Buffer.from('a=1&b=%20')]) t.is((await (await fetch(`http://127.0.0.1:${tape.port}/`, { method: 'POST', body })).arrayBuffer()).byteLength, body.length)
  const before = await tape.recorded()
  const { recording: after } = await importing(t, await exported(tape.path, { format: 'har' }))
  const bodies = async (one: Recording) => Promise.all([...one.exchanges()].flatMap(({ id }) => (['request', 'response'] as const).map((side) => bytesOf(one.body(id, side)))))
  t.deepEqual(await bodies(after), await bodies(before))
  const facts = (one: Recording) => [...one.exchanges()].map(({ method, url, status, requestHeaders, requestBodySize, started }) => ({ method, url, status, requestHeaders, requestBodySize, started }))
  t.deepEqual(facts(after), facts(before))
})

test('datagrams that a capture cut short are cut again', async (t) => {
  const sent = (from: number, to: number, payload: string): Buffer => ethernet(ipv4(udp(from, to, payload), { protocol: 17, ...(from === 5000 ? {} : { source: '10.0.0.2', destination: '10.0.0.1' }) }))
  const file = new PcapngFile().section().interface()
  const packets: readonly (readonly [frame: Buffer, cut: number])[] = [
    [sent(5000, 6000, 'whole'), 0], [sent(5000, 6000, '0123456789'), 4], [sent(6000, 5000, 'all of it is missing'), 20], [sent(6000, 5000, 'whole too'), 0], [sent(5000, 6000, 'last'), 1],
    // More than are read at once.
    ...Array.from({ length: 1200 }, () => [sent(5000, 6000, 'and so on'), 3] as const),
  ]
  for (const [n, [frame, cut]] of packets.entries()) file.packet(0, BigInt(began + n), frame.subarray(0, frame.length - cut), frame.length)
  const { recording: before, summary } = await importing(t, file.bytes())
  const folder = temporaryFolder(t)
  await exportRecording(summary.path, { format: 'pcapng', output: join(folder, 'packets.pcapng') })
  const second = await importCapture(join(folder, 'packets.pcapng'), { path: join(folder, 'again.sqlite') })
  const after = opening(t, second.path)
  t.is(summary.missingBytes, 25 + 3600)
  t.like(second, { complete: true, notes: [], cut: summary.cut, missingBytes: summary.missingBytes })
  const told = (recording: Recording) => [...recording.events()].map(({ kind, time, direction, offset, text }) => ({ kind, time, direction, offset, text }))
  t.deepEqual(told(after), told(before))
  t.deepEqual([...differences('datagrams', before.datagrams(), after.datagrams(), relays)], [])
  t.deepEqual([...differences('connections', before.connections(), after.connections(), relays)], [])
})
