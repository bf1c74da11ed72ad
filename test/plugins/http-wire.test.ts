import fc from 'fast-check'
import test from 'ava'
import { cutAt } from '../real/chunking.js'
import { http } from '../real/http-origin.js'
import { connectTo, peerServer } from '../real/peer.js'
import { taping, textOf } from '../real/relaying.js'

const requests = [
  'GET /a?b HTTP/1.1\r\nhOST:   h\t\r\nx-LAST:first\r\nX-last: again\r\n\r\n',
  'POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c="d;e"\r\nabc\r\n000002\r\nde\r\n0;last\r\nX-Sum: 5\r\n\r\n',
  '\r\nPUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nGET / HTTP/1',
  'HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n',
  'POST /10 HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n\0\xff\n',
]
const responses = [
  'HTTP/1.1 200   Fine  \r\nseRVer:  x\t \r\nX-A: 1\r\nX-B:2\r\nX-A: 3\r\nCONTENT-length: 2\r\n\r\nok',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\nA;x\r\n0123456789\r\n00\r\nX-T: t\r\nx-t: u\r\n\r\n',
  'HTTP/1.1 404 Tr\xe8s mal\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n\r\n\0',
]

const looking = http('looking', { request: () => {}, response: () => {}, trailers: () => {} })
const waiting = http('waiting', { request: async () => { await Promise.resolve() }, response: () => new Promise((resolve) => { setImmediate(resolve) }) })
const holding = http('holding', { requestBody: () => {}, responseBody: async () => {} })

for (const plugins of [[looking], [waiting, looking], [holding, waiting]]) {
  test(`however it is cut, what no plugin changed goes on byte for byte: ${plugins.map(({ name }) => name).join(', ')}`, async (t) => {
    const server = await peerServer(t)
    const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins })
    const whole = Buffer.from(requests.join(''), 'latin1')
    const places = fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 10 })
    await fc.assert(fc.asyncProperty(places, fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }), async (up, down) => {
      const client = await connectTo(t, tape.port)
      const sending = (async () => {
        for (const piece of cutAt(whole, up)) {
          client.write(piece)
          await new Promise((resolve) => { setImmediate(resolve) })
        }
      })()
      const served = await server.next()
      for (const [index, request] of requests.entries()) {
        const arrived = (await served.take(request.length)).toString('latin1')
        if (arrived !== request) throw new Error(`arrived as ${JSON.stringify(arrived)}`)
        const response = responses[index]!
        for (const piece of cutAt(Buffer.from(response, 'latin1'), down.filter((place) => place < response.length))) {
          served.write(piece)
          await new Promise((resolve) => { setImmediate(resolve) })
        }
        const back = (await client.take(response.length)).toString('latin1')
        if (back !== response) throw new Error(`came back as ${JSON.stringify(back)}`)
      }
      await sending
      client.finish()
      if ((await served.rest()).length > 0) throw new Error('more than was sent')
      served.finish()
      if ((await client.rest()).length > 0) throw new Error('more than was answered')
      await client.gone()
    }), { numRuns: 25 })
    const recording = await tape.recorded()
    t.deepEqual([...recording.segments({ where: 'leg = \'sent\'' })], [])
    t.deepEqual([...recording.exchanges({ where: 'changed or error is not null' })], [])
    for (const { id } of recording.connections()) t.is(await textOf(recording.stream(id, 'up', 'sent')), whole.toString('latin1'))
  })
}

test('a changed head amid bytes that stay, however it is cut', async (t) => {
  const server = await peerServer(t)
  const adding = http('adding', { request: (request) => request.headers.set('X-Added', '1'), response: (response) => response.headers.set('X-Added', '2') })
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, plugins: [adding] })
  const whole = Buffer.from(requests.join(''), 'latin1')
  const canonical = (message: string, value: string): string => {
    const [lead = '', rest = ''] = message.startsWith('\r\n') ? ['\r\n', message.slice(2)] : ['', message]
    const end = rest.indexOf('\r\n\r\n')
    const [start = '', ...fields] = rest.slice(0, end).split('\r\n')
    return `${lead}${start.replace(/ +Fine/, ' ' + ' '.repeat(2) + 'Fine')}\r\n${fields.map((field) => field.replace(/^([^:]*):[ \t]*(.*?)[ \t]*$/, '$1: $2')).join('\r\n')}${fields.length > 0 ? '\r\n' : ''}X-Added: ${value}${rest.slice(end)}`
  }
  const expected = requests.map((request) => canonical(request, '1'))
  const answered = responses.map((response) => response.startsWith('HTTP/1.1 100') ? `HTTP/1.1 100 Continue\r\nX-Added: 2\r\n\r\n${canonical(response.slice(25), '2')}` : canonical(response, '2'))
  await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 10 }), async (up) => {
    const client = await connectTo(t, tape.port)
    for (const piece of cutAt(whole, up)) client.write(piece)
    const served = await server.next()
    for (const [index, request] of expected.entries()) {
      const arrived = (await served.take(request.length)).toString('latin1')
      if (arrived !== request) throw new Error(`arrived as ${JSON.stringify(arrived)}`)
      served.write(responses[index]!)
      const back = (await client.take(answered[index]!.length)).toString('latin1')
      if (back !== answered[index]) throw new Error(`came back as ${JSON.stringify(back)}`)
    }
    client.finish()
    served.finish()
    await client.gone()
  }), { numRuns: 25 })
  const recording = await tape.recorded()
  for (const { id } of recording.connections()) {
    t.is(await textOf(recording.stream(id, 'up', 'sent')), expected.join(''))
    t.is(await textOf(recording.stream(id, 'down', 'sent')), answered.join(''))
    t.is(await textOf(recording.stream(id, 'up')), whole.toString('latin1'))
  }
  for (const [index, { id }] of [...recording.exchanges({ limit: 5 })].entries()) {
    t.is(await textOf(recording.message(id, 'request', 'sent')), expected[index]!.trimStart())
    t.is(await textOf(recording.message(id, 'response', 'sent')), answered[index]!)
  }
})
