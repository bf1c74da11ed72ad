import { connect } from 'node:net'
import type { Socket } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { DataListener } from '../../src/relay/ftp/data-listener.js'
import { until } from '../real/deadline.js'
import { connectTo, Peer } from '../real/peer.js'

async function listen(t: ExecutionContext, patience?: number): Promise<{ port: number, accepted: Socket[], foreign: string[] }> {
  const accepted: Socket[] = []
  const foreign: string[] = []
  const listener = await DataListener.open({
    host: '127.0.0.1', ports: null, peer: '127.0.0.1', ...(patience === undefined ? {} : { patience }),
    onConnection: (socket) => accepted.push(socket), onForeign: (text) => foreign.push(text),
  })
  t.teardown(() => {
    listener.close()
    for (const socket of accepted) socket.destroy()
  })
  return { port: listener.port, accepted, foreign }
}

async function ending(t: ExecutionContext, port: number, localAddress: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  t.teardown(() => socket.destroy())
  return new Peer(socket).over()
}

test('a port that nobody uses is closed when its time is over, and one that is used lives on', async (t) => {
  const patience = 3000
  const unused = await listen(t, patience)
  const used = await listen(t, patience)
  const client = await connectTo(t, used.port)
  await until(() => used.accepted.length === 1, 'the connection')
  await new Promise((resolve) => setTimeout(resolve, patience + 300))
  t.is(await ending(t, unused.port, '127.0.0.1'), 'ECONNREFUSED')
  used.accepted[0]!.write('still here')
  t.is((await client.take(10)).toString(), 'still here')
})

test('without a time given, a port is open for longer than a moment', async (t) => {
  const { port, accepted } = await listen(t)
  await new Promise((resolve) => setTimeout(resolve, 600))
  await connectTo(t, port)
  await until(() => accepted.length === 1, 'the connection')
  t.pass()
})

test('of many strangers the first three are told of, and the port still waits for its own', async (t) => {
  const { port, accepted, foreign } = await listen(t)
  for (let n = 0; n < 10; n++) t.not(await ending(t, port, '127.0.0.2'), 'ECONNREFUSED')
  t.is(foreign.length, 3)
  t.true(foreign.every((text) => text.startsWith('127.0.0.2:')))
  t.regex(foreign[2]!, /no more/)
  await connectTo(t, port)
  await until(() => accepted.length === 1, 'the connection')
})
