import { join } from 'node:path'
import packet from 'dns-packet'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { compareRecordings, openRecording, sendRecording } from 'wiretape'
import type { AnswerDifference, SendOptions, SendResult } from 'wiretape'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { answerTo, dnsServer } from '../real/dns-server.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { ClientSockets } from '../../src/replay/send/udp/client-sockets.js'
import { temporaryFolder } from '../real/temporary-folder.js'

async function sending(t: ExecutionContext, file: string, port: number, options: Partial<SendOptions> = {}): Promise<SendResult> {
  const result = await sendRecording(file, { to: `127.0.0.1:${port}`, record: join(temporaryFolder(t), 'now.sqlite'), patience: 10_000, onProblem: (message) => t.log(message), ...options })
  t.deepEqual((await compareRecordings(file, result.path)).differences, result.comparison.differences, 'compared later it is the same')
  return result
}

function told({ asked, field, was, now }: AnswerDifference): string {
  return `${asked} ${field}: ${was} → ${now}`
}

const withDig = installed('dig') ? test : test.skip

async function digs(t: ExecutionContext): Promise<string> {
  const server = await dnsServer(t)
  const taped = await taping(t, { udp: `0=127.0.0.1:${server.port}`, decode: 'dns' })
  const dig = async (...words: string[]): Promise<string> => (await run(t, 'dig', ['@127.0.0.1', '-p', String(taped.port), '+tries=1', '+time=60', ...words])).stdout.toString()
  t.regex(await dig('www.example'), /192\.0\.2\.1/)
  await dig('example', 'MX')
  await dig('nowhere.example')
  await dig('alias.example')
  await dig('www.example', 'AAAA')
  await taped.relay.stop()
  return taped.path
}

withDig('dig: the same server answers the same', async (t) => {
  const file = await digs(t)
  const { comparison, sent } = await sending(t, file, (await dnsServer(t)).port)
  t.deepEqual(comparison.differences, [])
  t.is(sent, 5)
  t.is(comparison.same, 5)
  t.is(comparison.latency.b?.count, 5)
})

withDig('dig: a server that answers otherwise, in another order and with other TTLs, or not at all', async (t) => {
  const file = await digs(t)
  const changed = await datagramPeer(t)
  changed.socket.on('message', (bytes, from) => {
    const answer = answerTo(packet.decode(bytes))!
    const name = answer.questions![0]!.name
    if (name === 'example') return
    answer.answers = answer.answers!.toReversed().map((one) => ({ ...one, ttl: 7 }) as typeof one)
    if (name === 'alias.example') answer.answers = answer.answers.map((one) => ({ ...one, data: 'ftp.example' }) as typeof one)
    if (name === 'nowhere.example') answer.flags = 0
    changed.socket.send(packet.encode(answer), from.port, from.address)
  })
  const { comparison } = await sending(t, file, changed.port, { patience: 3_000 })
  t.deepEqual(comparison.differences.map(told), [
    'example MX answer: NOERROR → null', 'nowhere.example A rcode: NXDOMAIN → NOERROR', 'alias.example A answer alias.example CNAME: www.example → ftp.example',
  ])
  t.is(comparison.failed, 1)
  t.is(comparison.different, 2)
  t.is(comparison.same, 2)
})

test('answers where silence was recorded are a difference, also late ones, and such as are no DNS', async (t) => {
  for (const decode of ['dns', 'none'] as const) {
    const silent = await datagramPeer(t)
    const taped = await taping(t, { udp: `0=127.0.0.1:${silent.port}`, decode })
    const client = await datagramPeer(t)
    await client.send(packet.encode({ type: 'query', id: 7, flags: packet.RECURSION_DESIRED, questions: [{ type: 'A', name: 'drop.example' }] }), taped.port)
    await silent.take()
    await new Promise((resolve) => { setTimeout(resolve, 2_500) })
    await taped.relay.stop()
    const again = await sending(t, taped.path, (await datagramPeer(t)).port)
    t.deepEqual(again.comparison.differences.map(told), [])
    for (const [what, answer, after] of [
      ['late', (bytes: Buffer) => packet.encode({ ...answerTo(packet.decode(bytes)), id: 7 }), 600], ['garbage', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(30, 0xff)]), 0],
    ] as const) {
      const server = await datagramPeer(t)
      server.socket.on('message', (bytes, from) => { setTimeout(() => server.socket.send(answer(bytes), from.port, from.address), after) })
      const { comparison, equal } = await sending(t, taped.path, server.port)
      t.false(equal, `${decode} ${what}`)
      t.is(comparison.different, 1, `${decode} ${what}`)
      t.regex(comparison.differences.map(told).join(), / answer.*: null → /)
    }
  }
})

test('datagrams of two sessions, an empty one among them', async (t) => {
  const echo = await datagramEcho(t)
  const taped = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, decode: 'none' })
  for (const texts of [['one', '', 'three'], ['other']]) {
    const client = await datagramPeer(t)
    for (const text of texts) {
      await client.send(text, taped.port)
      t.is(await client.text(), text)
    }
  }
  await taped.relay.stop()
  const heard: string[] = []
  const again = await datagramPeer(t)
  again.socket.on('message', (bytes, from) => {
    heard.push(bytes.toString())
    again.socket.send(bytes, from.port, from.address)
  })
  const same = await sending(t, taped.path, again.port)
  t.deepEqual(same.comparison.differences, [])
  t.is(same.comparison.same, 2)
  t.deepEqual(heard, ['one', '', 'three', 'other'])
  using now = openRecording(same.path)
  t.is([...now.connections()].length, 2)
  const changed = await datagramPeer(t)
  changed.socket.on('message', (bytes, from) => {
    const text = bytes.toString()
    changed.socket.send(text === 'three' ? 'thrxx' : text, from.port, from.address)
    if (text === 'other') changed.socket.send('more', from.port, from.address)
  })
  const { comparison } = await sending(t, taped.path, changed.port)
  t.deepEqual(comparison.differences.map(told), [
    'session of 3 datagrams answer 3 offset 3: 65 65 (5 bytes) → 78 78 (5 bytes)', 'session of 1 datagram answer 2: null → 6d 6f 72 65 (4 bytes)',
  ])
  const paced = await sending(t, taped.path, again.port, { speed: 'recorded' })
  t.is(paced.drift?.count, 4)
  t.deepEqual(paced.comparison.differences, [])
})

test('more sessions than the process may have sockets: they wait for each other', async (t) => {
  const sockets = new URL('../../src/replay/send/udp/client-sockets.js', import.meta.url).href
  const { stdout, stderr } = await run(t, 'sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', `
    import { ClientSockets } from '${sockets}'
    const sockets = new ClientSockets('127.0.0.1', new AbortController().signal)
    const had = await Promise.all(Array.from({ length: 200 }, async () => {
      const opened = await sockets.open()
      if (opened.refused !== undefined) return opened.refused
      setTimeout(() => sockets.close(opened.socket), 10)
      return 'had'
    }))
    console.log([...new Set(had)].join())
  `])
  t.is(stdout.toString(), 'had\n', stderr)
})

test('a session that gets no socket is told, and the others go on', async (t) => {
  const never = new AbortController()
  // An address that nobody has here (RFC 5737).
  const none = await new ClientSockets('192.0.2.1', never.signal).open()
  t.true(none !== null && 'refused' in none && none.refused.includes('EADDRNOTAVAIL'))
  const sockets = new ClientSockets('127.0.0.1', never.signal)
  const one = await sockets.open()
  t.true(one !== null && 'socket' in one)
  if (one !== null && 'socket' in one) sockets.close(one.socket)
  never.abort()
  t.is(await sockets.open(), null)
})
