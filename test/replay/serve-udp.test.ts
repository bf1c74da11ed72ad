import test from 'ava'
import Sqlite from 'better-sqlite3'
import packet from 'dns-packet'
import { definePlugin, drop, respond } from 'wiretape'
import type { Recording } from 'wiretape'
import { RecordedQuestions } from '../../src/replay/serve/udp/recorded-questions.js'
import { RecordedAnswers } from '../../src/replay/serve/udp/answers.js'
import type { WiretapeError } from 'wiretape'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import type { DatagramPeer } from '../real/datagram-peer.js'
import { dnsServer, question } from '../real/dns-server.js'
import { until, within } from '../real/deadline.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { alter, serving, written } from './serving-bytes.js'

const withDig = installed('dig') ? test : test.skip

/** A server that answers as it is told to. */
async function scriptedPeer(t: Parameters<typeof datagramPeer>[0], answer: (text: string) => readonly string[]): Promise<DatagramPeer> {
  const server = await datagramPeer(t)
  server.socket.on('message', (bytes, from) => {
    for (const text of answer(bytes.toString())) server.socket.send(text, from.port, from.address)
  })
  return server
}

/** Ids from 1, each of a datagram with the question that `asks` tells. */
function recordedQuestions(total: number, asks: (id: number) => number, onRead: (after: number) => void = () => {}): Recording {
  return {
    dnsQueries: () => [],
    datagrams: ({ after = 0, limit = 0 }: { after?: number, limit?: number }) => {
      onRead(after)
      return Array.from({ length: Math.min(limit, total - after) }, (_, index) => after + index + 1).map((id) => ({ id, bytes: Buffer.from(`question ${asks(id)}`) }))
    },
  } as unknown as Recording
}

async function ask(client: DatagramPeer, port: number, text: string): Promise<string> {
  await client.send(text, port)
  return client.text()
}

withDig('dig gets the same answers with the name server gone, with other ids, in the case in which it asks', async (t) => {
  const origin = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const names = [['www.example', 'A'], ['www.example', 'AAAA'], ['example', 'MX'], ['example', 'TXT'], ['_ftp._tcp.example', 'SRV'], ['nowhere.example', 'A']] as const
  const dig = async (port: number, name: string, type: string): Promise<string> => {
    const { stdout } = await run(t, 'dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=60', '+nocookie', '+nostats', '+nocmd', name, type])
    return stdout.toString().replaceAll(/id: \d+/g, 'id')
  }
  const told: string[] = []
  for (const [name, type] of names) told.push(await dig(tape.port, name, type))
  t.true(told[0]!.includes('192.0.2.1') && told[5]!.includes('NXDOMAIN'))
  await tape.relay.stop()
  await origin.close()
  const server = await serving(t, tape.path, { udp: 0 })
  for (let round = 0; round < 5; round++) {
    for (const [index, [name, type]] of names.entries()) t.is(await dig(server.port, name, type), told[index]!)
  }
  t.true((await dig(server.port, 'WwW.eXaMpLe', 'A')).includes('WwW.eXaMpLe.'))
  t.is(server.missed, 0)
  t.is(server.served, 31)
})

test('the id and the spelling are the asking client\'s, and the rest is as recorded', async (t) => {
  const origin = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  await recorded.send(question(1, 'www.example'), tape.port)
  const { bytes: was } = await recorded.take()
  await tape.relay.stop()
  const server = await serving(t, tape.path, { udp: 0 })
  const client = await datagramPeer(t)
  await client.send(question(0xbeef, 'WWW.exAmple'), server.port)
  const { bytes } = await client.take()
  t.is(bytes.readUInt16BE(0), 0xbeef)
  t.is(packet.decode(bytes).questions![0]!.name, 'WWW.exAmple')
  const end = 12 + 'WWW.exAmple'.length + 2
  t.deepEqual(bytes.subarray(2, 12), was.subarray(2, 12))
  t.deepEqual(bytes.subarray(end), was.subarray(end))
})

test('what was never asked isn\'t answered, and the closest question is told', async (t) => {
  const origin = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  for (const name of ['www.example', 'example']) {
    await recorded.send(question(1, name), tape.port)
    await recorded.take()
  }
  const recording = await tape.recorded()
  const { id } = [...recording.dnsQueries()][0]!
  const server = await serving(t, tape.path, { udp: 0 })
  const client = await datagramPeer(t)
  await client.send(question(7, 'www.example', 'MX'), server.port)
  await client.send(question(8, 'ww2.example'), server.port)
  await client.send(question(9, 'www.example'), server.port)
  t.is((await client.take()).bytes.readUInt16BE(0), 9, 'the others have no answer')
  t.deepEqual(server.misses, [
    {
      kind: 'unknown', protocol: 'udp', client: { host: '127.0.0.1', port: client.port }, asked: 'www.example MX', closest: id,
      differs: [{ field: 'type', came: 'MX', recorded: 'A' }], text: `www.example MX was never asked; the closest is ${id}, www.example A`,
    },
    {
      kind: 'unknown', protocol: 'udp', client: { host: '127.0.0.1', port: client.port }, asked: 'ww2.example A', closest: id,
      differs: [{ field: 'name', came: 'ww2.example', recorded: 'www.example' }], text: `ww2.example A was never asked; the closest is ${id}, www.example A`,
    },
  ])
})

test('a query without an answer stays without one, and its retry gets what the retry got', async (t) => {
  const origin = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  await recorded.send(question(1, 'lost.example'), tape.port)
  await origin.take()
  await recorded.send(question(2, 'lost.example'), tape.port)
  const { bytes, port } = await origin.take()
  await origin.send(packet.encode({ id: 2, type: 'response', questions: packet.decode(bytes).questions!, answers: [{ type: 'A', name: 'lost.example', data: '192.0.2.9' }] }), port)
  await recorded.take()
  await tape.relay.stop()
  const server = await serving(t, tape.path, { udp: 0 })
  const client = await datagramPeer(t)
  await client.send(question(10, 'lost.example'), server.port)
  await client.send(question(11, 'lost.example'), server.port)
  t.is((await client.take()).bytes.readUInt16BE(0), 11)
  t.deepEqual([client.left, server.missed], [0, 0])
})

test('datagrams by their bytes: one answer, several, none', async (t) => {
  const origin = await scriptedPeer(t, (text) => text === 'three' ? ['1', '2', '3'] : text === 'none' ? [] : [`got ${text}`])
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  await recorded.send('none', tape.port)
  t.is(await ask(recorded, tape.port, 'one'), 'got one')
  t.is(await ask(recorded, tape.port, 'three') + await recorded.text() + await recorded.text(), '123')
  await tape.relay.stop()
  await origin.close()
  const server = await serving(t, tape.path, { udp: 0 })
  t.is(server.listeners[0]!.target, `127.0.0.1:${origin.port}`)
  const clients = [await datagramPeer(t), await datagramPeer(t)]
  for (let round = 0; round < 100; round++) {
    for (const client of clients) {
      t.is(await ask(client, server.port, 'three') + await client.text() + await client.text(), '123')
      await client.send('none', server.port)
      t.is(await ask(client, server.port, 'one'), 'got one')
    }
  }
  t.deepEqual([server.missed, server.served], [0, 800])
})

for (const [after, fourth] of [['repeat', 'count 3'], ['cycle', 'count 1'], ['miss', null]] as const) {
  test(`equal datagrams get the recorded answers in their order; after the last: ${after}`, async (t) => {
    let count = 0
    const origin = await scriptedPeer(t, (text) => [text === 'end' ? 'end' : `count ${++count}`])
    const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
    for (let round = 0; round < 3; round++) await ask(await datagramPeer(t), tape.port, 'next')
    await ask(await datagramPeer(t), tape.port, 'end')
    await tape.relay.stop()
    const server = await serving(t, tape.path, { udp: 0, after })
    const client = await datagramPeer(t)
    for (const answer of ['count 1', 'count 2', 'count 3']) t.is(await ask(client, server.port, 'next'), answer)
    await client.send('next', server.port)
    if (fourth !== null) {
      t.is(await client.text(), fourth)
      return
    }
    t.is(await ask(client, server.port, 'end'), 'end')
    t.like(server.misses, [{ kind: 'exhausted', protocol: 'udp', asked: '4 bytes "next"' }])
  })
}

test('an unknown datagram has no answer, and is told with the closest recorded one', async (t) => {
  const origin = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  for (const text of ['position 10', 'velocity 10 20', 'quit']) await ask(recorded, tape.port, text)
  const recording = await tape.recorded()
  const [, velocity] = [...recording.datagrams({ where: `direction = 'up'` })]
  const server = await serving(t, tape.path, { udp: 0 })
  const client = await datagramPeer(t)
  await client.send('velocity 11 20', server.port)
  t.is(await ask(client, server.port, 'quit'), 'quit')
  t.like(server.misses, [{
    kind: 'unknown', closest: velocity!.id, asked: '14 bytes "velocity 11 20"',
    differs: [{ field: 'offset 10', came: '31 20 32 30 |1 20|', recorded: '30 20 32 30 |0 20|' }],
  }])
  t.is(server.missed, 1)
})

test('what plugins changed, dropped, sent twice and answered themselves is what clients get again', async (t) => {
  const meddler = definePlugin({
    name: 'meddler', description: 'Changes datagrams.', options: {},
    setup: () => ({
      udp: {
        datagram: (datagram) => {
          const text = datagram.bytes.toString()
          if (datagram.direction === 'up') return text === 'own' ? respond('from the plugin') : undefined
          if (text === 'drop') return drop()
          if (text === 'change') datagram.bytes = Buffer.from('changed')
          return text === 'twice' ? { action: 'duplicate', times: 1 } as const : undefined
        },
      },
    }),
  })
  const origin = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}`, plugins: [meddler] })
  const conversation = async (port: number): Promise<string[]> => {
    const client = await datagramPeer(t)
    const got = [await ask(client, port, 'change'), await ask(client, port, 'twice'), await client.text(), await ask(client, port, 'own')]
    await client.send('drop', port)
    return [...got, await ask(client, port, 'plain'), String(client.left)]
  }
  const expected = ['changed', 'twice', 'twice', 'from the plugin', 'plain', '0']
  t.deepEqual(await conversation(tape.port), expected)
  await tape.relay.stop()
  const server = await serving(t, tape.path, { udp: 0 })
  t.deepEqual(await conversation(server.port), expected)
  t.deepEqual(await conversation(server.port), expected)
  t.is(server.missed, 0)
})

test('a DNS answer that a plugin gave or changed is given again', async (t) => {
  const spoof = definePlugin({
    name: 'spoof', description: 'Answers itself.', options: {},
    setup: () => ({
      dns: {
        query: ({ name }) => name === 'made.up' ? respond({ answers: [{ name, type: 'A', data: '192.0.2.77' }] }) : undefined,
        answer: (answer) => {
          answer.answers = answer.answers.map((record) => record.type === 'A' ? { ...record, data: '192.0.2.78' } : record)
        },
      },
    }),
  })
  const origin = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}`, plugins: [spoof] })
  const address = async (port: number, id: number, name: string): Promise<unknown> => {
    const client = await datagramPeer(t)
    await client.send(question(id, name), port)
    const { bytes } = await client.take()
    t.is(bytes.readUInt16BE(0), id)
    return (packet.decode(bytes).answers![0] as { data: unknown }).data
  }
  t.deepEqual([await address(tape.port, 1, 'made.up'), await address(tape.port, 2, 'www.example')], ['192.0.2.77', '192.0.2.78'])
  await tape.relay.stop()
  const server = await serving(t, tape.path, { udp: 0 })
  t.deepEqual([await address(server.port, 3, 'made.up'), await address(server.port, 4, 'www.example')], ['192.0.2.77', '192.0.2.78'])
})

test('with the recorded timing an answer takes as long as it took', async (t) => {
  const origin = await datagramPeer(t)
  origin.socket.on('message', (bytes, from) => setTimeout(() => origin.socket.send(bytes, from.port, from.address), 500))
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  await ask(await datagramPeer(t), tape.port, 'slow')
  await tape.relay.stop()
  const server = await serving(t, tape.path, { udp: 0, timing: 'recorded' })
  const client = await datagramPeer(t)
  const began = performance.now()
  t.is(await ask(client, server.port, 'slow'), 'slow')
  t.true(performance.now() - began >= 490)
})

test('no answer in a session of which datagrams are missing: said so', async (t) => {
  const origin = await scriptedPeer(t, (text) => text === 'end' ? ['end'] : [])
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  await recorded.send('lost', tape.port)
  await ask(recorded, tape.port, 'end')
  await tape.relay.stop()
  alter(tape.path, 'UPDATE connection SET dropped_down = 10')
  const server = await serving(t, tape.path, { udp: 0 })
  const client = await datagramPeer(t)
  await client.send('lost', server.port)
  t.is(await ask(client, server.port, 'end'), 'end')
  t.like(server.misses, [{ kind: 'incomplete', asked: '4 bytes "lost"' }])
})

test('a recording that is still being written is served with what it has', async (t) => {
  const origin = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  await ask(await datagramPeer(t), tape.port, 'so far')
  await written(tape.path, (recording) => [...recording.datagrams()].length === 2)
  const server = await serving(t, tape.path, { udp: 0 })
  t.is(await ask(await datagramPeer(t), server.port, 'so far'), 'so far')
})

test('hostile datagrams neither stop the server nor keep it from stopping', async (t) => {
  const origin = await dnsServer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  await recorded.send(question(1, 'www.example'), tape.port)
  await recorded.take()
  await tape.relay.stop()
  const server = await serving(t, tape.path, { udp: 0 })
  const client = await datagramPeer(t)
  const query = question(2, 'www.example')
  for (let cut = 0; cut < query.length; cut++) await client.send(query.subarray(0, cut), server.port)
  for (let round = 0; round < 200; round++) await client.send(Buffer.alloc(round * 300, round), server.port)
  await client.send(Buffer.concat([query, Buffer.alloc(5)]), server.port)
  const answered = (): boolean => client.left > 0
  await until(async () => {
    await client.send(question(3, 'www.example'), server.port)
    return answered()
  }, 'an answer')
  t.true(server.missed > 0)
  t.true(server.misses.every(({ kind }) => kind === 'unknown'))
  await within(server.stop(), 'the server to stop')
})

test('a port that is taken is refused', async (t) => {
  const origin = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  await ask(await datagramPeer(t), tape.port, 'x')
  await tape.relay.stop()
  const refused = await t.throwsAsync<WiretapeError>(serving(t, tape.path, { udp: origin.port }))
  t.is(refused.code, 'bind')
})

test('datagrams sent at once each have their own answer, in the order of both; otherwise the last has all, and that is noted', async (t) => {
  const origin = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const conversation = async (names: string[], answers: string[]): Promise<void> => {
    const client = await datagramPeer(t)
    let from = 0
    for (const name of names) {
      await client.send(name, tape.port)
      from = (await origin.take()).port
    }
    for (const answer of answers) {
      await origin.send(Buffer.from(answer), from)
      await client.text()
    }
  }
  await conversation(['p1', 'p2', 'p3'], ['a1', 'a2', 'a3'])
  await conversation(['q1', 'q2', 'q3'], ['b1', 'b2'])
  await tape.relay.stop()
  const notes: string[] = []
  const server = await serving(t, tape.path, { udp: 0, onProblem: (text) => notes.push(text) })
  const client = await datagramPeer(t)
  for (const [name, answer] of [['p3', 'a3'], ['p1', 'a1'], ['p2', 'a2']] as const) t.is(await ask(client, server.port, name), answer)
  t.deepEqual(notes, [])
  await client.send('q1', server.port)
  await client.send('q2', server.port)
  t.is(await ask(client, server.port, 'q3') + await client.text(), 'b1b2')
  t.is(client.left, 0)
  t.is(notes.length, 1)
  t.regex(notes[0]!, /^3 datagrams of one session .* 2 came/)
})

test('a large recording is read while it is served: what has been read is given, what may come still is waited for', async (t) => {
  const total = 9000
  const read: number[] = []
  // The last three ask the same.
  const recording = recordedQuestions(total, (id) => id > total - 3 ? 1 : id, (after) => read.push(after))
  const questions = new RecordedQuestions('repeat')
  const reading = questions.read(recording, [1], () => false)
  const next = (text: string): Promise<number | null> => questions.whenTold(Buffer.from(text), () => questions.datagrams.next(Buffer.from(text)))
  t.is(await next('question 1'), 1)
  t.true(read.length < 3)
  t.is(await next('question 5000'), 5000)
  t.true(read.length < 5)
  t.is(await next('question 1'), total - 2)
  await reading
  t.deepEqual([await next('question 1'), await next('question 1'), await next('question 1'), await next('question 0')], [total - 1, total, total, null])
})

test('equal datagrams that wait for the same part of a recording have a turn each', async (t) => {
  for (const [after, beyond] of [['repeat', 6001], ['cycle', 1], ['miss', null]] as const) {
    const questions = new RecordedQuestions(after)
    const ask = (): Promise<number | null> => questions.whenTold(Buffer.from('question 1'), () => questions.datagrams.next(Buffer.from('question 1')))
    const waiting = [ask(), ask(), ask()]
    await questions.read(recordedQuestions(6001, (id) => id === 6001 ? 1 : id), [1], () => false)
    t.deepEqual(await Promise.all(waiting), [1, 6001, beyond], after)
  }
})

test('an answer is found without sorting its session, and also where it is far from its question', async (t) => {
  const origin = await datagramPeer(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const [slow, quick] = [await datagramPeer(t), await datagramPeer(t)]
  await slow.send('slow', tape.port)
  const { port: slowPort } = await origin.take()
  for (let index = 0; index < 1200; index++) {
    await quick.send(`question ${index}`, tape.port)
    await origin.send(Buffer.from(`answer ${index}`), (await origin.take()).port)
    await quick.text()
  }
  await origin.send(Buffer.from('late'), slowPort)
  await slow.text()
  const recording = await tape.recorded()
  const asked: { where?: string, after?: number }[] = []
  const answers = new RecordedAnswers(new Proxy(recording, {
    get: (all, name: keyof Recording) => name !== 'segments' ? all[name] : (selection: { where?: string, after?: number }) => {
      asked.push(selection)
      return all.segments(selection)
    },
  }))
  const given = (text: string): string[] => {
    const [question] = [...recording.datagrams({ where: `direction = 'up' AND bytes = CAST('${text}' AS BLOB)` })]
    return answers.to(question!).given.map(({ bytes }) => bytes.toString())
  }
  t.deepEqual(given('question 600'), ['answer 600'])
  const database = new Sqlite(tape.path, { readonly: true })
  for (const { where, after = 0 } of asked) {
    const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT * FROM segment WHERE (${where}) AND id > ${after} ORDER BY id`).all() as { detail: string }[]
    t.false(plan.some(({ detail }) => detail.includes('TEMP B-TREE')), where)
  }
  database.close()
  t.deepEqual([given('slow'), given('question 0'), given('question 1199')], [['late'], ['answer 0'], ['answer 1199']])
})

test('a flood of unknown datagrams is told, and explained for a part', async (t) => {
  const origin = await datagramEcho(t)
  const tape = await taping(t, { udp: `0=127.0.0.1:${origin.port}` })
  const recorded = await datagramPeer(t)
  for (let index = 0; index < 100; index++) await ask(recorded, tape.port, `question ${index}`)
  await tape.relay.stop()
  const server = await serving(t, tape.path, { udp: 0 })
  const client = await datagramPeer(t)
  const second = (): number => Math.floor(performance.now() / 1000)
  const began = second()
  for (let index = 0; index < 200; index++) await client.send(`nothing ${index}`, server.port)
  await until(() => server.missed === 200, 'all misses')
  const explained = server.misses.filter(({ closest }) => closest !== null).length
  t.true(explained >= 20 && explained <= 20 * (second() - began + 1), String(explained))
})
