import packet from 'dns-packet'
import test from 'ava'
import { definePlugin, drop, duplicate, respond } from 'wiretape'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { dnsServer, question } from '../real/dns-server.js'
import { taping } from '../real/relaying.js'
import { wiretape } from './wiretape.js'

test('--sent gives a datagram as it went out: changed, not at all, twice, or as it came', async (t) => {
  const echo = await datagramEcho(t)
  const act = definePlugin({
    name: 'act', description: 'Acts.',
    setup: () => ({
      udp: {
        datagram(datagram) {
          const text = datagram.bytes.toString()
          if (datagram.direction === 'down') return undefined
          if (text === 'one') datagram.bytes = Buffer.from('another')
          return text === 'dropped' ? drop() : text === 'twice' ? duplicate() : undefined
        },
      },
    }),
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, plugins: [act] })
  const client = await datagramPeer(t)
  for (const text of ['one', 'dropped', 'twice', 'plain']) await client.send(text, tape.port)
  for (let n = 0; n < 4; n++) await client.text()
  const recording = await tape.recorded()
  const sent: string[] = []
  for (const { id } of recording.datagrams({ where: `direction = 'up'` })) {
    sent.push((await wiretape(t, 'show', tape.path, String(id), '--raw', '--sent')).stdout.toString())
  }
  const [first] = [...recording.datagrams({ where: `direction = 'up'` })]
  t.is((await wiretape(t, 'export', tape.path, '--format', 'raw', '--id', String(first!.id), '--sent')).stdout.toString(), 'another')
  t.deepEqual(sent, ['another', '', 'twicetwice', 'plain'])
})

test('--sent gives a DNS query and its answer as they went out, a plugin\'s answer too', async (t) => {
  const server = await dnsServer(t)
  const act = definePlugin({
    name: 'act', description: 'Acts.',
    setup: () => ({
      dns: {
        query(query) {
          if (query.name === 'old.example') query.name = 'www.example'
          return query.name === 'mine.example' ? respond({ answers: [{ name: query.name, type: 'A', ttl: 5, data: '192.0.2.99' }] }) : undefined
        },
      },
    }),
  })
  const tape = await taping(t, { udp: `0=127.0.0.1:${server.port}`, plugins: [act] })
  const client = await datagramPeer(t)
  const answers: Buffer[] = []
  for (const [id, name] of [[1, 'old.example'], [2, 'mine.example'], [3, 'www.example']] as const) {
    await client.send(question(id, name), tape.port)
    answers.push((await client.take()).bytes)
  }
  const recording = await tape.recorded()
  const shown: { asked: string, answer: Buffer, received: number }[] = []
  for (const { id } of recording.dnsQueries()) {
    const bytes = async (...words: string[]): Promise<Buffer> => (await wiretape(t, 'show', tape.path, String(id), ...words)).stdout
    const asked = await bytes('--body', 'request', '--sent')
    shown.push({ asked: asked.length === 0 ? '' : packet.decode(asked).questions![0]!.name, answer: await bytes('--body', 'response', '--sent'), received: (await bytes('--body', 'response')).length })
  }
  t.deepEqual(shown.map(({ asked }) => asked), ['www.example', '', 'www.example'])
  t.deepEqual(shown.map(({ answer }) => answer), answers)
  t.is(shown[1]!.received, 0)
})
