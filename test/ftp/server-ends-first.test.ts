import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { connectTo } from '../real/peer.js'
import { controlPair } from './control-pair.js'
import { onlyTransfer } from './sound.js'

/** Ms that the client stays after the server has gone: times between are counted, never waited for. */
const stays = 300

test('a server that ends while the client stays: commands without a reply and the session end there', async (t) => {
  const pair = await controlPair(t)
  const client = await connectTo(t, await pair.passive())
  await pair.asks('RETR /f')
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write('half').finish()
  t.is((await client.rest()).toString(), 'half')
  client.finish()
  await client.gone()
  pair.server.finish()
  await pair.client.over()
  pair.client.write('NOOP\r\n')
  await sleep(stays)
  const left = Date.now() * 1000
  const recording = await pair.over()
  const [session] = recording.ftpSessions()
  t.is(session!.outcome, 'server closed')
  const [connection] = recording.connections({ where: 'parent_id is null' })
  // The client's leaving is the connection's end, and nobody else's.
  t.true(connection!.closed! - session!.ended! >= stays * 1000 - 100_000, `${connection!.closed! - session!.ended!} µs`)
  const [, retrieve, late] = [...recording.ftpCommands()]
  t.like(retrieve, { verb: 'RETR', error: 'no reply: server closed', replied: session!.ended })
  t.like(late, { verb: 'NOOP', error: 'no reply: server closed', latencyMs: 0 })
  t.true(retrieve!.replied! < left)
  t.like(onlyTransfer(recording), { outcome: 'aborted', error: 'no final reply: server closed' })
})

test('a client that ends first is answered still, and the session ends with the server\'s end', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('QUIT')
  pair.client.finish()
  t.is((await pair.server.rest()).toString(), '')
  await pair.answers('221 Bye')
  pair.server.finish()
  await pair.client.gone()
  const recording = await pair.tape.recorded()
  const [session] = recording.ftpSessions()
  const [connection] = recording.connections()
  t.is(session!.outcome, 'quit')
  t.is(session!.ended, connection!.closed)
  t.like([...recording.ftpCommands()][0], { code: 221, error: null })
})
