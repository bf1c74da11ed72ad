import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { openRecording } from 'wiretape'
import { question } from '../real/dns-server.js'
import { bytesOf, onlyConnection, onlyExchange } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { pcap, PcapngFile } from './capture-files.js'
import { exportedHar } from './exported.js'
import { began, capture, Frames, importing } from './importing.js'
import { cooked, cooked2, ethernet, ipv4, ipv6, ipv6Fragment, loopback, tcp, udp } from './packets.js'

const request = 'GET /a?b=c HTTP/1.1\r\nHost: example\r\n\r\n'
const response = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const exchange = (wrap?: (ip: Buffer) => Buffer): Frames => new Frames(40_000, 8080, wrap).opens().up(request).down(response).closes()

const links: readonly [name: string, linkType: number, wrap: (ip: Buffer) => Buffer][] = [
  ['Ethernet', 1, ethernet], ['a VLAN', 1, (ip) => ethernet(ip, [7])], ['a VLAN in a VLAN', 1, (ip) => ethernet(ip, [7, 8])],
  ['Linux cooked', 113, cooked], ['Linux cooked 2', 276, cooked2], ['BSD loopback', 0, loopback], ['OpenBSD loopback', 108, loopback], ['raw IP', 101, (ip) => ip], ['raw IPv4', 228, (ip) => ip],
]
for (const [name, linkType, wrap] of links) {
  test(`an exchange over ${name}`, async (t) => {
    const { summary, recording } = await importing(t, capture(exchange(wrap).list, { linkType }))
    t.like(summary, { packets: 8, connections: 1, records: 1, complete: true, missingBytes: 0, notes: [] })
    t.like(onlyExchange(recording), { method: 'GET', url: 'http://example/a?b=c', status: 200, responseBodySize: 5, started: began + 3000, ended: began + 4000, error: null })
    t.like(onlyConnection(recording), {
      protocol: 'http', client: { host: '10.0.0.1', port: 40_000 }, server: { host: '10.0.0.2', port: 8080 }, listen: null, dial: null,
      opened: began, connected: began + 1000, closed: began + 6000, endReason: 'client closed', error: null, bytesUp: request.length, bytesDown: response.length,
    })
    t.deepEqual(recording.relays().map(({ protocol, target }) => ({ protocol, target })), [{ protocol: 'http', target: 'http://10.0.0.2:8080' }])
  })
}

test('gzip is undone, whatever the file is called', async (t) => {
  const { recording } = await importing(t, gzipSync(capture(exchange().list)))
  t.is(onlyExchange(recording).status, 200)
})

test('connections go on from one file to the next', async (t) => {
  const { list } = exchange()
  const { recording } = await importing(t, [capture(list.slice(0, 4)), new PcapngFile().section().interface().packet(0, BigInt(began + 9000), list[4]!).bytes()])
  t.like(onlyExchange(recording), { status: 200, ended: began + 9000 })
})

test('fragments, the last one first, and one of them twice', async (t) => {
  const bytes = question(7, 'www.example')
  const whole = udp(5000, 53, Buffer.concat([bytes, Buffer.alloc(100, 'x')]))
  const part = (offset: number, end: number): Buffer => ethernet(ipv4(whole.subarray(offset, end), { protocol: 17, id: 9, offset, more: end < whole.length }))
  const { recording, summary } = await importing(t, capture([part(80, whole.length), part(0, 48), part(0, 48), part(40, 80)]))
  t.deepEqual(summary.notes, [])
  t.deepEqual([...recording.datagrams()].map((one) => one.bytes), [whole.subarray(8)])
})

for (const [what, again, notes] of [['another content: the first bytes are kept, and a note counts it', 'xxxxxxxxxxxxxxxx', 1], ['the same: nothing is to be told', 'AAAAAAAABBBBBBBB', 0]] as const) {
  test(`fragments that overlap with ${what}`, async (t) => {
    const part = (offset: number, text: string, more: boolean): Buffer => ethernet(ipv4(Buffer.from(text), { protocol: 17, id: 9, offset, more }))
    const head = udp(5000, 6000, 'AAAAAAAA'.repeat(3)).subarray(0, 16)
    const { recording, summary } = await importing(t, capture([ethernet(ipv4(head, { protocol: 17, id: 9, more: true })), part(16, 'BBBBBBBB', true), part(8, `${again}CCCCCCCC`, false)]))
    t.deepEqual([...recording.datagrams()].map((one) => one.bytes.toString()), ['AAAAAAAABBBBBBBBCCCCCCCC'])
    t.is(summary.notes.length, notes)
    for (const note of summary.notes) t.regex(note, /^1 fragmented packet has parts that overlap with another content/)
  })
}

test('fragments of which one never comes are left out, and that is said', async (t) => {
  const { summary } = await importing(t, capture([ethernet(ipv4(Buffer.alloc(16), { protocol: 17, id: 9, more: true }))]))
  t.is(summary.records, 0)
  t.regex(summary.notes[0]!, /1 fragmented packet is not complete/)
})

test('IPv6: extension headers are passed over, fragments put together', async (t) => {
  const hopByHop: [number, Buffer] = [0, Buffer.alloc(7)]
  const destination: [number, Buffer] = [60, Buffer.concat([Buffer.from([1]), Buffer.alloc(14)])]
  const whole = udp(5000, 6000, 'datagram of two parts')
  const part = (from: number, to: number): Buffer => ethernet(ipv6(whole.subarray(from, to), { protocol: 17 }, [hopByHop, [44, ipv6Fragment(3, from, to < whole.length)]]))
  const { recording } = await importing(t, capture([
    ethernet(ipv6(tcp({ from: 40_000, to: 80, sequence: 1, flags: 'S' }), {}, [hopByHop, destination])),
    ethernet(ipv6(tcp({ from: 40_000, to: 80, sequence: 2, acknowledged: 1, payload: request }), {}, [destination])),
    part(16, whole.length), part(0, 16),
  ]))
  t.like(onlyExchange(recording), { method: 'GET', status: null })
  t.deepEqual([...recording.datagrams()].map((one) => one.bytes.toString()), ['datagram of two parts'])
  t.deepEqual([...recording.connections()].map(({ client, server }) => [client?.host, server?.host]), [['2001:db8::1', '2001:db8::2'], ['2001:db8::1', '2001:db8::2']])
  t.deepEqual(recording.relays().map(({ target }) => target), ['http://[2001:db8::2]:80', '[2001:db8::2]:6000'])
})

test('frames that are padded: the IP header says how long the packet is', async (t) => {
  const { recording } = await importing(t, capture(exchange().list.map((frame) => Buffer.concat([frame, Buffer.alloc(6, '!')]))))
  t.like(onlyConnection(recording), { bytesUp: request.length, bytesDown: response.length })
})

test('a gap is marked with its place and size, and what comes after it is kept', async (t) => {
  const frames = new Frames(40_000, 9999).opens().up('abc').loses('up', 20).up('xyz').down('1').down('2').down('3').down('4').closes()
  const { recording, summary } = await importing(t, capture(frames.list))
  const connection = onlyConnection(recording)
  t.like(connection, { protocol: 'tcp', bytesUp: 26, droppedUp: 20, droppedDown: 0 })
  t.is(summary.missingBytes, 20)
  t.deepEqual([...recording.segments({ where: `connection_id = ${connection.id} and direction = 'up'` })].map(({ offset, bytes }) => [offset, bytes.toString()]), [[0, 'abc'], [23, 'xyz']])
  t.deepEqual([...recording.events()].map(({ kind, offset, text }) => [kind, offset, text.includes('20 bytes not in the capture')]), [['dropped', 3, true]])
})

test('a gap in HTTP: the exchange tells that it is cut, and nothing is invented', async (t) => {
  const frames = new Frames(40_000, 80).opens().up(request).down(response.slice(0, -5)).loses('down', 5).up('').up('').up('').up('').closes()
  const { recording } = await importing(t, capture(frames.list))
  const found = onlyExchange(recording)
  t.like(found, { status: 200, responseBodySize: 0 })
  t.is(found.error, 'exchange cut: 5 bytes not in the capture')
  t.is(onlyConnection(recording).droppedDown, 5)
})

test('packets cut by the snapshot leave gaps of the size that they had', async (t) => {
  const frames = new Frames(40_000, 9999).opens().up('0123456789'.repeat(10)).up('next').closes()
  const file = new PcapngFile().section().interface(1, { snapshot: 64 })
  frames.list.forEach((frame, n) => file.packet(0, BigInt(began + n), frame.subarray(0, 64), frame.length))
  const { recording, summary } = await importing(t, file.bytes())
  t.like(summary, { cut: 1, missingBytes: 90 })
  t.like(onlyConnection(recording), { bytesUp: 104, droppedUp: 90 })
})

for (const [version, lengthAt] of [[4, 2], [6, 4]] as const) {
  test(`a length in the header of IPv${version} that is larger than what was on the wire invents no gap`, async (t) => {
    const packet = (fields: Partial<Parameters<typeof tcp>[0]>, from: 'client' | 'server' = 'client'): Buffer => {
      const segment = tcp({ from: from === 'client' ? 40_000 : 80, to: from === 'client' ? 80 : 40_000, sequence: 1, ...fields })
      return ethernet(version === 4 ? ipv4(segment, from === 'client' ? {} : { source: '10.0.0.2', destination: '10.0.0.1' }) : ipv6(segment, from === 'client' ? {} : { source: '2001:db8:0:0:0:0:0:2', destination: '2001:db8:0:0:0:0:0:1' }))
    }
    const asks = packet({ sequence: 1, acknowledged: 1, payload: request })
    asks.writeUInt16BE(65_535, 14 + lengthAt)
    const { summary, recording } = await importing(t, capture([packet({ sequence: 0, flags: 'S' }), asks, packet({ sequence: 1, acknowledged: 1 + request.length, payload: response }, 'server')]))
    t.like(summary, { missingBytes: 0, cut: 0, skipped: { unknownLink: 0, other: 0, malformed: 0, entries: 0 } })
    t.like(onlyExchange(recording), { status: 200, error: null })
    t.is(onlyConnection(recording).bytesUp, request.length)
  })
}

test('a cut datagram is marked', async (t) => {
  const frame = ethernet(ipv4(udp(5000, 6000, '0123456789'), { protocol: 17 }))
  const file = new PcapngFile().section().interface().packet(0, BigInt(began), frame.subarray(0, frame.length - 4), frame.length).bytes()
  const { recording } = await importing(t, file)
  t.deepEqual([...recording.datagrams()].map(({ bytes }) => bytes.toString()), ['012345'])
  t.like(onlyConnection(recording), { bytesUp: 10, droppedUp: 4 })
})

test('no handshake: who is the server is told by the port, and that the beginning is missing by an event', async (t) => {
  const frames = new Frames(40_000, 80).down('rest of a response').up(request).down(response)
  const { recording } = await importing(t, capture(frames.list))
  t.like(onlyConnection(recording), { server: { host: '10.0.0.2', port: 80 }, connected: null, endReason: 'capture ended' })
  t.deepEqual([...recording.events()].map(({ kind, source }) => [kind, source]), [['beginning-missing', 'import']])
})

test('no handshake, and the capture begins between two exchanges: they are read', async (t) => {
  const { recording } = await importing(t, capture(new Frames(40_000, 80).up(request).down(response).list))
  t.like(onlyExchange(recording), { method: 'GET', status: 200, error: null })
})

test('ports used again make another connection', async (t) => {
  const again = new Frames(40_000, 8080).loses('up', 100_000).loses('down', 100_000).opens().up(request).down(response).closes()
  const { recording } = await importing(t, capture([...exchange().list, ...again.list]))
  t.is([...recording.connections()].length, 2)
  t.deepEqual([...recording.exchanges()].map(({ status, error }) => [status, error]), [[200, null], [200, null]])
})

test('ports used again without an end in the capture: the first is over there', async (t) => {
  const first = new Frames(40_000, 8080).opens().up(request)
  const again = new Frames(40_000, 8080).loses('up', 100_000).loses('down', 100_000).opens().up(request).down(response).closes()
  const { recording } = await importing(t, capture([...first.list, ...again.list]))
  t.deepEqual([...recording.exchanges()].map(({ status, error }) => [status, error]), [[null, 'no response: how it ended is not in the capture'], [200, null]])
})

test('overlaps that differ are an event at their place', async (t) => {
  const frames = new Frames(40_000, 9999).opens().up('abcdef')
  const other = new Frames(40_000, 9999).opens().up('abXdef').closes()
  const { recording } = await importing(t, capture([...frames.list, other.list[3]!, ...other.list.slice(4)]))
  t.deepEqual([...recording.events()].map(({ kind, direction, offset }) => [kind, direction, offset]), [['overlap-differs', 'up', 2]])
  t.is((await bytesOf(recording.stream(onlyConnection(recording).id, 'up'))).toString(), 'abcdef')
})

const guesses: readonly [what: string, port: number, frames: (frames: Frames) => Frames, protocol: string][] = [
  ['a request line on any port', 4711, (frames) => frames.up('OPTIONS * HTTP/1.1\r\n\r\n'), 'http'],
  ['a request line in two parts', 4711, (frames) => frames.up('GET /').up('a HTTP/1.1\r\n\r\n'), 'http'],
  ['a request line that the capture cuts off', 4711, (frames) => frames.up('GET /a'), 'http'],
  ['text that only begins like one', 4711, (frames) => frames.up('GET key\r\n'), 'tcp'],
  ['a greeting of FTP on any port', 4711, (frames) => frames.down('220 ready\r\n').up('QUIT\r\n'), 'ftp'],
  ['a greeting in two parts', 4711, (frames) => frames.down('22').down('0-ready\r\n220 now\r\n'), 'ftp'],
  ['a greeting of SMTP', 4711, (frames) => frames.down('220 mx.example ESMTP ready\r\n'), 'tcp'],
  ['a greeting on the port of mail', 25, (frames) => frames.down('220 ready\r\n'), 'tcp'],
  ['FTP\'s port', 21, (frames) => frames.up('QUIT\r\n'), 'ftp'],
  ['TLS on the port of HTTP', 80, (frames) => frames.up('\x16\x03\x01\x02\x00\x01'), 'tcp'],
  ['nothing on the port of HTTP', 80, (frames) => frames, 'http'],
  ['nothing', 4711, (frames) => frames, 'tcp'],
]
for (const [what, port, add, protocol] of guesses) {
  test(`by port and content, ${what} is ${protocol}`, async (t) => {
    const { recording } = await importing(t, capture(add(new Frames(40_000, port).opens()).list))
    t.is(onlyConnection(recording).protocol, protocol)
  })
}

test('a UDP session ends with a minute\'s silence, and its queries without an answer have none', async (t) => {
  const ask = (port: number, id: number): Buffer => ethernet(ipv4(udp(port, 53, question(id, 'www.example')), { protocol: 17 }))
  const file = new PcapngFile().section().interface()
    .packet(0, BigInt(began), ask(5000, 1)).packet(0, BigInt(began + 61_000_000), ask(5000, 2)).bytes()
  const { recording } = await importing(t, file)
  t.deepEqual([...recording.connections()].map(({ endReason, server }) => [endReason, server?.port]), [['idle', 53], ['capture ended', 53]])
  t.deepEqual([...recording.dnsQueries()].map(({ error }) => error), ['no answer', 'no answer'])
})

test('what is neither TCP nor UDP, and what can\'t be read, is counted', async (t) => {
  const arp = Buffer.concat([Buffer.alloc(12), Buffer.from([0x08, 0x06]), Buffer.alloc(28)])
  const { summary } = await importing(t, capture([arp, ethernet(ipv4(Buffer.alloc(8), { protocol: 1 })), ethernet(ipv4(Buffer.alloc(6))), ethernet(Buffer.from([0x45, 0, 0])), Buffer.alloc(3)]))
  t.deepEqual(summary.skipped, { unknownLink: 0, other: 3, malformed: 2, entries: 0 })
})

test('an interface of an unknown link type is named and left out, the others are read', async (t) => {
  const { list } = exchange()
  const file = new PcapngFile().section().interface(127).interface(1)
  list.forEach((frame, n) => file.packet(1, BigInt(began + n), frame).packet(0, BigInt(began + n), Buffer.from('radio')))
  const { summary, recording } = await importing(t, file.bytes())
  t.is(onlyExchange(recording).status, 200)
  t.is(summary.skipped.unknownLink, list.length)
  t.true(summary.complete)
  t.deepEqual(summary.notes, ['link type 127 (IEEE 802.11 with radiotap header) can\'t be read: what was captured on such interfaces is left out'])
})

test('late packets of a connection that is over are none of another', async (t) => {
  const { list } = exchange()
  const { recording } = await importing(t, capture([...list, list[3]!, list[4]!, list.at(-1)!]))
  t.is([...recording.connections()].length, 1)
  t.is([...recording.exchanges()].length, 1)
})

test('bytes that come after the reset of their connection are left out, counted, and told on it', async (t) => {
  const { summary, recording } = await importing(t, capture(new Frames(40_000, 9999).opens().up('abc').down('', 'R').up('and').up(' more').list))
  t.like(onlyConnection(recording), { endReason: 'server reset', bytesUp: 3 })
  t.deepEqual([...recording.events()].map(({ kind, connectionId, direction, offset }) => [kind, connectionId, direction, offset]), [['after-reset', onlyConnection(recording).id, 'up', 3]])
  t.regex(summary.notes[0]!, /^8 bytes were sent after the reset of their connection/)
})

test('a reset that somebody else sent, with a number from elsewhere, ends nothing', async (t) => {
  const { list } = exchange()
  const spoofed = ethernet(ipv4(tcp({ from: 8080, to: 40_000, sequence: 123, flags: 'R' }), { source: '10.0.0.2', destination: '10.0.0.1' }))
  const { recording } = await importing(t, capture([...list.slice(0, 4), spoofed, ...list.slice(4)]))
  t.like(onlyExchange(recording), { status: 200, responseBodySize: 5, error: null })
  t.like(onlyConnection(recording), { endReason: 'client closed' })
})

test('a clock that is set back within a connection: no duration is negative, and a note counts the packets', async (t) => {
  const names = [question(1, 'www.example'), Buffer.concat([Buffer.from([0, 1, 0x81, 0x80]), question(1, 'www.example').subarray(4)])]
  const datagrams = [ethernet(ipv4(udp(5000, 53, names[0]!), { protocol: 17 })), ethernet(ipv4(udp(53, 5000, names[1]!), { protocol: 17, source: '10.0.0.2', destination: '10.0.0.1' }))]
  const packets = [...exchange().list, ...datagrams].map((bytes, n) => ({ bytes, time: began - n * 1_000_000 }))
  const { summary, recording } = await importing(t, pcap(packets))
  t.like(onlyExchange(recording), { status: 200, started: began, firstByte: began, ended: began })
  t.deepEqual([...recording.connections()].map(({ opened, connected, closed }) => [opened, connected, closed]), [[began, began, began], [began - 8_000_000, null, began - 8_000_000]])
  t.is([...recording.records()].filter(({ durationMs }) => (durationMs ?? 0) < 0).length, 0)
  t.deepEqual(summary.notes, ['8 packets have a time before that of the packet before on the same connection: they got that one\'s'])
  const [entry] = (await exportedHar(summary.path)).log.entries
  t.true(Object.values(entry!.timings).every((time) => time === -1 || time >= 0), JSON.stringify(entry!.timings))
})

test('more connections at once than are followed: the longest idle are given up, one that talks goes on', async (t) => {
  const talking = new Frames(40_000, 8080).opens()
  const syn = (n: number): Buffer => ethernet(ipv4(tcp({ from: 1024 + n % 60_000, to: 9999, sequence: n, flags: 'S' }), { source: `10.1.0.${1 + Math.floor(n / 60_000)}` }))
  const many = Array.from({ length: 40_000 }, (_, n) => syn(n))
  const list = [...talking.list, ...many.slice(0, 15_000), ...talking.up(request).list.slice(3), ...many.slice(15_000, 30_000), ...talking.down(response).list.slice(4), ...many.slice(30_000)]
  const { recording, summary } = await importing(t, capture(list))
  t.is(summary.connections, 40_001)
  t.like(onlyExchange(recording), { status: 200, error: null })
})

test('many small fragments hold no more than what they cost: the oldest packets give way', async (t) => {
  const parts = Array.from({ length: 300 }, (_, id) => Array.from({ length: 400 }, (_, n) => ethernet(ipv4(Buffer.alloc(8), { protocol: 17, id, offset: 8 + n * 16, more: true })))).flat()
  const whole = udp(5000, 9000, 'abcdefgh'.repeat(4))
  const last = [ethernet(ipv4(whole.subarray(0, 16), { protocol: 17, id: 999, more: true })), ethernet(ipv4(whole.subarray(16), { protocol: 17, id: 999, offset: 16 }))]
  // The first packet's other half: it is no longer waited for.
  const late = Array.from({ length: 400 }, (_, n) => ethernet(ipv4(Buffer.alloc(8), { protocol: 17, id: 0, offset: n * 16, more: true })))
  const end = ethernet(ipv4(Buffer.alloc(8), { protocol: 17, id: 0, offset: 6400 }))
  const { recording } = await importing(t, pcap([...parts, ...last, ...late, end].map((bytes, n) => ({ bytes, time: began + n }))))
  t.deepEqual([...recording.datagrams()].map(({ size }) => size), [32])
})

test('a capture that is read in many pieces: every byte, those that come out of order and again too; others may read what is there yet', async (t) => {
  const sent = randomBytes(9_000_000)
  const frames = new Frames(40_000, 9999).opens()
  for (let at = 0; at < sent.length; at += 1400) frames.up(sent.subarray(at, at + 1400))
  const [handshake, data] = [frames.list.slice(0, 3), frames.list.slice(3)]
  const mixed: Buffer[] = []
  for (let n = 0; n < data.length; n += 2) mixed.push(...data.slice(n, n + 2).reverse(), ...(n % 100 === 0 ? data.slice(n, n + 1) : []))
  const path = join(temporaryFolder(t), 'imported.sqlite')
  let looks = 0
  const { recording, summary } = await importing(t, capture([...handshake, ...mixed]), {
    path,
    onProgress() {
      using beside = openRecording(path)
      // Whatever is there yet can be read.
      for (const { bytes } of beside.segments()) t.true(bytes.length > 0)
      looks++
    },
  })
  t.true(summary.complete)
  t.true(looks > 5)
  t.true((await bytesOf(recording.stream(onlyConnection(recording).id, 'up'))).equals(sent))
  t.deepEqual([...recording.events()], [])
})
