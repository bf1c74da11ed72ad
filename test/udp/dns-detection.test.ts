import packet from 'dns-packet'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { dnsServer, question } from '../real/dns-server.js'
import { taping } from '../real/relaying.js'

/** What is recorded of datagrams that an echo server sends back. */
async function echoed(t: ExecutionContext, decode: string | undefined, ...datagrams: readonly (Buffer | string)[]): Promise<{ queries: number, kinds: string[], events: string[] }> {
  const echo = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, ...(decode === undefined ? {} : { decode }) })
  const client = await datagramPeer(t)
  for (const bytes of datagrams) {
    await client.send(bytes, tape.port)
    t.deepEqual((await client.take()).bytes, Buffer.from(bytes))
  }
  const recording = await tape.recorded()
  t.is([...recording.datagrams()].length, 2 * datagrams.length)
  return {
    queries: [...recording.dnsQueries()].length, kinds: [...recording.records()].map(({ kind }) => kind), events: [...recording.events()].map(({ kind }) => kind),
  }
}

test('DNS is found by its content on any port', async (t) => {
  const { queries, events } = await echoed(t, undefined, question(1, 'a.example'))
  t.is(queries, 2)
  t.deepEqual(events, [])
})

test('with decode none DNS stays datagrams', async (t) => {
  const server = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, decode: 'none' })
  const client = await datagramPeer(t)
  await client.send(question(1, 'www.example'), tape.port)
  await client.take()
  const recording = await tape.recorded()
  t.deepEqual([...recording.dnsQueries()], [])
  t.deepEqual([...recording.records()].map(({ kind }) => kind), ['datagram', 'datagram'])
})

test('with decode dns everything is read as DNS, and what is none is told', async (t) => {
  const { queries, kinds, events } = await echoed(t, 'dns', 'hello', question(1, 'a.example'))
  t.is(queries, 2)
  t.deepEqual(kinds, ['datagram', 'datagram', 'query', 'query'], 'what no query tells is a record of its own')
  t.deepEqual(events, ['undecodable', 'undecodable'])
})

for (const [what, bytes] of [
  ['an empty datagram', Buffer.alloc(0)],
  ['text', Buffer.from('<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - failed for lonvick\n')],
  ['statsd', Buffer.from('gorets:1|c\nglork:320|ms|@0.1\n')],
  ['NTP', Buffer.concat([Buffer.from('1b0004fa00010000', 'hex'), Buffer.alloc(40)])],
  ['a QUIC initial', Buffer.concat([Buffer.from('c300000001088394c8f03e5157080000449e', 'hex'), Buffer.alloc(1182, 0x5a)])],
  ['RTP', Buffer.concat([Buffer.from('80e0000100000000deadbeef', 'hex'), Buffer.alloc(160, 0xd5)])],
  ['zeros', Buffer.alloc(600)],
  ['a TFTP request', Buffer.from('\0\x01boot.img\0octet\0', 'latin1')],
] as const) {
  test(`${what} is not taken for DNS`, async (t) => {
    t.deepEqual(await echoed(t, undefined, bytes), { queries: 0, kinds: ['datagram', 'datagram'], events: [] })
  })
}

const query = question(7, 'www.example')
const header = (counts: readonly number[], flags = 0x8000): Buffer => {
  const bytes = Buffer.alloc(12)
  for (const [place, word] of [7, flags, ...counts].entries()) bytes.writeUInt16BE(word, 2 * place)
  return bytes
}
const record = (name: string, type: number, length: number, data: string): Buffer => {
  const fields = Buffer.alloc(10)
  fields.writeUInt16BE(type)
  fields.writeUInt16BE(1, 2)
  fields.writeUInt16BE(length, 8)
  return Buffer.concat([Buffer.from(name, 'hex'), fields, Buffer.from(data, 'hex')])
}

for (const [what, bytes] of [
  ['cut in its header', query.subarray(0, 8)],
  ['cut in its name', query.subarray(0, 17)],
  ['cut in its type', query.subarray(0, query.length - 3)],
  ['with a name that points at itself', Buffer.concat([header([1, 0, 0, 0], 0x100), Buffer.from('c00c00010001', 'hex')])],
  ['with two names that point at each other', Buffer.concat([header([1, 0, 0, 0], 0x100), Buffer.from('c00ec00c00010001', 'hex')])],
  ['with a pointer past the end', Buffer.concat([header([1, 0, 0, 0], 0x100), Buffer.from('ffff00010001', 'hex')])],
  ['with a label past the end', Buffer.concat([header([1, 0, 0, 0], 0x100), Buffer.from('3f41420000010001', 'hex')])],
  ['with a label of a kind that there is not', Buffer.concat([header([1, 0, 0, 0], 0x100), Buffer.from('8041420000010001', 'hex')])],
  ['with counts of more than it can hold', Buffer.concat([header([65535, 65535, 65535, 65535]), query.subarray(12)])],
  ['with one record more than it has', Buffer.concat([header([1, 1, 0, 0]), query.subarray(12)])],
  ['with data past the end', Buffer.concat([header([0, 1, 0, 0]), record('00', 65280, 5000, '0102')])],
  ['with text past the end', Buffer.concat([header([0, 1, 0, 0]), record('00', 16, 4, 'ff414243')])],
  ['with an address of one byte', Buffer.concat([header([0, 1, 0, 0]), record('00', 1, 1, '7f')])],
] as const) {
  test(`a DNS packet ${what} is told as undecodable, and the next datagram flows`, async (t) => {
    const server = await datagramPeer(t)
    const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, decode: 'dns' })
    const client = await datagramPeer(t)
    await client.send(bytes, tape.port)
    t.deepEqual((await server.take()).bytes, Buffer.from(bytes))
    await client.send(query, tape.port)
    const { port } = await server.take()
    await server.send(packet.encode({ id: 7, type: 'response', questions: [{ name: 'www.example', type: 'A' }] }), port)
    await client.take()
    const recording = await tape.recorded()
    const [first] = [...recording.datagrams()]
    const events = [...recording.events()]
    t.deepEqual(events.map(({ kind, messageId, direction }) => [kind, messageId, direction]), [['undecodable', first!.id, 'up']])
    t.not(events[0]!.text, '')
    t.deepEqual(first!.bytes, Buffer.from(bytes))
    t.deepEqual([...recording.dnsQueries()].map(({ rcode }) => rcode), ['NOERROR'])
  })
}
