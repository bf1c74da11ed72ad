import { networkInterfaces } from 'node:os'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { isSameHost } from '../../src/relay/ftp/same-host.js'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer, PeerServer } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

const hasIpv6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === '::1')
const withIpv6 = hasIpv6 ? test : test.skip

interface Crossing {
  readonly tape: Taped
  readonly client: Peer
  readonly server: Peer
  readonly data: PeerServer
}

const bracketed = (host: string): string => host.includes(':') ? `[${host}]` : host

/** A client at `near` and a server at `far`, past the greeting. */
async function cross(t: ExecutionContext, near: string, far: string): Promise<Crossing> {
  const listening = await peerServer(t, far)
  const data = await peerServer(t, far)
  const tape = await taping(t, { ftp: `${bracketed(near)}:0=${bracketed(far)}:${listening.port}` })
  const client = await connectTo(t, tape.port, near)
  const server = await listening.next()
  server.write('220 ready\r\n')
  await client.through('\r\n')
  return { tape, client, server, data }
}

for (const [client, server, spelt] of [
  ['::1', '::1', '|2|0:0:0:0:0:0:0:1|'], ['::1', '::1', '|2|0000::0001|'], ['::1', '::1', '|2|::1%lo|'], ['::1', '127.0.0.1', '|2|0::1|'],
  ['127.0.0.1', '127.0.0.1', '|2|::FFFF:127.0.0.1|'], ['127.0.0.1', '::1', '|2|::ffff:7f00:1|'],
] as const) {
  withIpv6(`EPRT to the client's own address, spelt ${spelt}, from ${client} to ${server}, is no bounce`, async (t) => {
    const pair = await cross(t, client, server)
    const listening = await peerServer(t, client)
    pair.client.write(`EPRT ${spelt}${listening.port}|\r\n`)
    const [, told] = (server === '::1' ? /^EPRT \|2\|::1\|(\d+)\|\r\n$/ : /^EPRT \|1\|127\.0\.0\.1\|(\d+)\|\r\n$/).exec(await pair.server.through('\r\n')) ?? []
    t.truthy(told)
    const dialled = await connectTo(t, Number(told), server)
    dialled.write('through')
    t.is((await (await listening.next()).take(7)).toString(), 'through')
  })
}

test('addresses are compared, not their spellings', (t) => {
  for (const [one, other] of [
    ['::1', '0:0:0:0:0:0:0:1'], ['2001:DB8::A', '2001:db8:0::a'], ['10.0.0.1', '::ffff:10.0.0.1'], ['::FFFF:0a00:1', '10.0.0.1'], ['fe80::1%eth0', 'FE80::1'],
  ] as const) t.true(isSameHost(one, other), `${one} ${other}`)
  for (const [one, other] of [['::1', '::2'], ['10.0.0.1', '10.0.0.2'], ['::10.0.0.1', '10.0.0.1'], ['::ffff:10.0.0.1', '10.0.0.2']] as const) t.false(isSameHost(one, other), `${one} ${other}`)
})

for (const [near, far, command] of [['127.0.0.1', '::1', 'EPSV 1'], ['::1', '127.0.0.1', 'EPSV 2'], ['::1', '127.0.0.1', 'epsv 2']] as const) {
  withIpv6(`${command} from ${near} to a server at ${far} asks in the server's family`, async (t) => {
    const { client, server, data } = await cross(t, near, far)
    client.write(`${command}\r\n`)
    t.is(await server.through('\r\n'), 'EPSV\r\n')
    server.write(`229 Extended (|||${data.port}|)\r\n`)
    const [, port] = /\|\|\|(\d+)\|/.exec(await client.through('\r\n'))!
    const connected = await connectTo(t, Number(port), near)
    connected.write('through')
    t.is((await (await data.next()).take(7)).toString(), 'through')
  })
}

for (const [near, far, command, family] of [['127.0.0.1', '::1', 'EPSV 2', 1], ['::1', '127.0.0.1', 'EPSV 1', 2]] as const) {
  withIpv6(`${command} from ${near} to a server at ${far} is answered with 522: the client can't reach the relay so`, async (t) => {
    const { client, server } = await cross(t, near, far)
    client.write(`${command}\r\n`)
    t.is(await server.through('\r\n'), 'NOOP\r\n')
    server.write('200 Fine\r\n')
    t.regex(await client.through('\r\n'), new RegExp(`^522 [^\\r]*\\(${family}\\)`))
  })
}

for (const far of ['127.0.0.1', '::1']) {
  withIpv6(`PASV from an IPv6 client to a server at ${far} is answered with 522`, async (t) => {
    const { tape, client, server, data } = await cross(t, '::1', far)
    client.write('PASV\r\n')
    if (far === '::1') {
      t.is(await server.through('\r\n'), 'EPSV\r\n')
      server.write(`229 Extended (|||${data.port}|)\r\n`)
    } else {
      t.is(await server.through('\r\n'), 'PASV\r\n')
      server.write(`227 Passive (127,0,0,1,${data.port >> 8},${data.port & 0xff})\r\n`)
    }
    t.regex(await client.through('\r\n'), /^522 [^\r]*EPSV/)
    client.write('NOOP\r\n')
    t.is(await server.through('\r\n'), 'NOOP\r\n')
    t.is([...(await tape.recorded()).events({ where: 'kind = \'ftp-data-refused\'' })].length, 1)
  })
}
