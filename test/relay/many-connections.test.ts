import test from 'ava'
import { until } from '../real/deadline.js'
import { connectTo, echoServer } from '../real/peer.js'
import { taping } from '../real/relaying.js'

const count = 2000

test('2,000 connections open at once all echo, and all are recorded', async (t) => {
  const target = await echoServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${target}` })
  const clients = []
  for (let n = 0; n < count; n += 100) {
    clients.push(...await Promise.all(Array.from({ length: 100 }, () => connectTo(t, tape.port))))
  }
  await until(() => tape.relay.stats().open === count, 'all connections to be open at once')
  const answers = await Promise.all(clients.map(async (client, index) => {
    const said = `I am client ${index}.`
    return (await client.write(said).take(said.length)).toString() === said
  }))
  t.true(answers.every(Boolean))
  t.is(tape.relay.stats().open, count)
  for (const client of clients) client.finish()
  await Promise.all(clients.map((client) => client.gone()))
  const recording = await tape.recorded()
  const said = new Set([...recording.segments({ where: 'direction = \'down\'' })].map(({ bytes }) => bytes.toString()))
  t.is(said.size, count)
  t.is([...recording.connections({ where: 'closed is not null and error is null' })].length, count)
})
