import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { connectTo } from '../real/peer.js'
import { controlPair } from './control-pair.js'
import { onlyTransfer } from './sound.js'

test('a control connection is not idle while its transfer runs', async (t) => {
  const pair = await controlPair(t, { idleTimeout: 2000 })
  const client = await connectTo(t, await pair.passive())
  await pair.asks('RETR /long')
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  for (let n = 0; n < 30; n++) {
    server.write('x')
    await client.take(1)
    await sleep(100)
  }
  server.finish()
  client.finish()
  await pair.answers('226 Done')
  t.like(onlyTransfer(await pair.over()), { bytes: 30, outcome: 'completed', code: 226 })
})

test('a control connection and a data connection that both say nothing are idle', async (t) => {
  const pair = await controlPair(t, { idleTimeout: 400 })
  const client = await connectTo(t, await pair.passive())
  await pair.asks('RETR /stuck')
  await pair.answers('150 Opening')
  await pair.data.next()
  await client.gone()
  await pair.client.gone()
  t.like(onlyTransfer(await pair.over()), { outcome: 'aborted' })
})
