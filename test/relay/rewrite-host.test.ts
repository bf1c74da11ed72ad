import fc from 'fast-check'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { onlyConnection, taping, textOf } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer, PeerServer } from '../real/peer.js'
import { cutAt } from '../real/chunking.js'

const answer = 'HTTP/1.1 204 No Content\r\n\r\n'

async function rewriting(t: ExecutionContext): Promise<{ server: PeerServer, tape: Taped, client: Peer, target: string }> {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, rewriteHost: true })
  return { server, tape, client: await connectTo(t, tape.port), target: `127.0.0.1:${server.port}` }
}

test('the server sees its own Host, the rest of the head as it came, and the recording has both', async (t) => {
  const { server, tape, client, target } = await rewriting(t)
  const request = 'GET /p HTTP/1.1\r\nx-before:1\r\nhOST:\tclient.example \r\nX-After :  2\r\nx-host: client.example\r\n\r\n'
  const expected = request.replace('hOST:\tclient.example ', `hOST:\t${target} `)
  client.write(request)
  const served = await server.next()
  t.is((await served.take(expected.length)).toString(), expected)
  served.write(answer)
  await client.take(answer.length)
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  const [exchange] = [...recording.exchanges()]
  t.true(exchange!.changed)
  t.is(exchange!.host, 'client.example', 'the facts are those of what was received')
  t.is(await textOf(recording.message(exchange!.id, 'request', 'received')), request)
  t.is(await textOf(recording.message(exchange!.id, 'request', 'sent')), expected)
  t.is(recording.head(exchange!.id, 'request', 'sent').toString(), expected)
  t.is(await textOf(recording.message(exchange!.id, 'response', 'received')), answer)
  t.is(await textOf(recording.message(exchange!.id, 'response', 'sent')), answer)
  t.true([...recording.records()][0]!.changed)
})

test('a request that names the target already is not changed', async (t) => {
  const { server, tape, client, target } = await rewriting(t)
  const request = `GET / HTTP/1.1\r\nHost: ${target}\r\n\r\n`
  client.write(request)
  const served = await server.next()
  t.is((await served.take(request.length)).toString(), request)
  served.write(answer)
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  t.false([...recording.exchanges()][0]!.changed)
  t.deepEqual([...recording.segments({ where: 'leg = \'sent\'' })], [])
})

test('Host is set in each of several pipelined requests, bodies that look like heads stay', async (t) => {
  const { server, tape, client, target } = await rewriting(t)
  const body = 'GET / HTTP/1.1\r\nHost: body.example\r\n\r\n'
  const requests = [
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n',
    `POST /2 HTTP/1.1\r\nContent-Length: ${body.length}\r\nHost: a.much.longer.name.example\r\n\r\n${body}`,
    `POST /3 HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\nHost: trailer\r\n\r\n`,
    '\r\nGET /4 HTTP/1.0\r\n\r\n',
    'GET /5 HTTP/1.1\r\nHost:\r\n\r\n',
  ]
  const expected = requests.map((request, index) =>
    index === 4 ? request.replace('Host:', `Host:${target}`)
      : index === 3 ? request : request.replace(/(Host: )[a-z.]+/, `$1${target}`))
  client.write(requests.join(''))
  const served = await server.next()
  const whole = expected.join('')
  t.is((await served.take(whole.length)).toString(), whole)
  served.write(answer.repeat(5))
  t.is((await client.take(answer.length * 5)).toString(), answer.repeat(5))
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  const exchanges = [...recording.exchanges()]
  t.deepEqual(exchanges.map(({ path, changed }) => [path, changed]),
    [['/1', true], ['/2', true], ['/3', true], ['/4', false], ['/5', true]])
  for (const [index, { id }] of exchanges.entries()) {
    t.is((await textOf(recording.message(id, 'request', 'sent'))).trimStart(), expected[index]!.trimStart())
    t.is((await textOf(recording.message(id, 'request', 'received'))).trimStart(), requests[index]!.trimStart())
  }
  t.is(await textOf(recording.stream(onlyConnection(recording).id, 'up', 'sent')), whole)
})

test('a head that comes byte by byte is rewritten as a whole', async (t) => {
  const { server, tape, client, target } = await rewriting(t)
  const request = 'POST / HTTP/1.1\r\nHost: slow\r\nContent-Length: 3\r\n\r\nabc'
  for (const byte of request) {
    client.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const served = await server.next()
  const expected = request.replace('slow', target)
  t.is((await served.take(expected.length)).toString(), expected)
  served.write(answer)
  await client.take(answer.length)
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  const [exchange] = [...recording.exchanges()]
  t.is(await textOf(recording.message(exchange!.id, 'request', 'received')), request)
  t.is(await textOf(recording.message(exchange!.id, 'request', 'sent')), expected)
})

test('however the requests are cut, what goes out is the same and both versions are kept', async (t) => {
  const server = await peerServer(t)
  const target = `127.0.0.1:${server.port}`
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, rewriteHost: true })
  const sent = 'GET /1 HTTP/1.1\r\nHost: one.example\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nHost:GET /3 HTTP/1.1\r\nA: b\r\nHost: three\r\n\r\n'
  const expected = sent.replace('one.example', target).replace('Host: x', `Host: ${target}`).replace('three', target)
  await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: sent.length - 1 }), { maxLength: 12 }), async (places) => {
    const client = await connectTo(t, tape.port)
    const served = await server.next()
    for (const piece of cutAt(Buffer.from(sent), places)) {
      client.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    client.finish()
    const arrived = await served.rest()
    served.finish()
    await client.gone()
    if (arrived.toString() !== expected) throw new Error(`arrived as ${JSON.stringify(arrived.toString())}`)
  }), { numRuns: 40 })
  const recording = await tape.recorded()
  for (const { id } of recording.connections()) {
    t.is(await textOf(recording.stream(id, 'up', 'received')), sent)
    t.is(await textOf(recording.stream(id, 'up', 'sent')), expected)
  }
  t.is([...recording.exchanges({ where: 'changed = 1' })].length, [...recording.connections()].length * 3)
})

test('a client that closes in the middle of a head has what it sent passed on', async (t) => {
  const { server, client } = await rewriting(t)
  client.write('GET / HTTP/1.1\r\nHost: cut').finish()
  const served = await server.next()
  t.is((await served.rest()).toString(), 'GET / HTTP/1.1\r\nHost: cut')
})
