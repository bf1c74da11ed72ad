import { randomBytes } from 'node:crypto'
import test from 'ava'
import { bytesOf, onlyConnection, taping } from '../real/relaying.js'
import { connectTo, peerServer } from '../real/peer.js'

const tlsHello = Buffer.from('16030100c8010000c40303' + '5a'.repeat(189), 'hex')

const hostile: Record<string, { up: Buffer, down: Buffer }> = {
  'a TLS hello': { up: tlsHello, down: Buffer.from('1503010002022f', 'hex') },
  'an HTTP/2 preface': {
    up: Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00', 'latin1'),
    down: Buffer.from('\x00\x00\x00\x04\x00\x00\x00\x00\x00', 'latin1'),
  },
  'random bytes': { up: Buffer.concat([Buffer.from([0xff]), randomBytes(100_000)]), down: Buffer.concat([Buffer.from([0x00]), randomBytes(100_000)]) },
  'a header without end': { up: Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(400_000)}`), down: Buffer.from('never mind') },
  'a status line that isn\'t one': { up: Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'), down: Buffer.from('220 this is FTP\r\n') },
  'contradicting lengths': {
    up: Buffer.from('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcGET'),
    down: Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
  },
}

for (const rewriteHost of [false, true]) {
  for (const [name, { up, down }] of Object.entries(hostile)) {
    test(`${name} flows byte for byte and leaves an event${rewriteHost ? ', also while Host is rewritten' : ''}`, async (t) => {
      const server = await peerServer(t)
      const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}`, rewriteHost })
      const client = await connectTo(t, tape.port)
      client.write(up).finish()
      const served = await server.next()
      const arrived = await served.rest()
      const sent = rewriteHost
        ? Buffer.from(up.toString('latin1').replace('Host: h\r\n', `Host: 127.0.0.1:${server.port}\r\n`), 'latin1') : up
      t.true(arrived.equals(sent), `${arrived.length} bytes arrived, ${sent.length} were sent`)
      served.write(down).finish()
      t.true((await client.rest()).equals(down))
      await client.gone()
      const recording = await tape.recorded()
      const connection = onlyConnection(recording)
      t.true((await bytesOf(recording.stream(connection.id, 'up'))).equals(up))
      t.true((await bytesOf(recording.stream(connection.id, 'up', 'sent'))).equals(sent))
      t.true((await bytesOf(recording.stream(connection.id, 'down'))).equals(down))
      const events = [...recording.events({ where: 'kind = \'undecodable\'' })]
      t.true(events.length > 0, 'an event tells why the bytes were not decoded')
      for (const event of events) {
        t.is(event.connectionId, connection.id)
        t.true(event.text.length > 0)
        t.true(event.offset !== null && event.offset >= 0)
        t.true([...recording.segments({ where: `kind = 'opaque' and direction = '${event.direction}'` })].length > 0)
      }
    })
  }
}
