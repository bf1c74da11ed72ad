import test from 'ava'
import { Tunnels } from '../../src/replay/serve/http/tunnels.js'
import { within } from '../real/deadline.js'
import { connectTo, peerServer } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import { serving } from './served.js'

test('a tunnel that can\'t be read is refused, and its client isn\'t left waiting', async (t) => {
  const origin = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${origin.port}` })
  const connect = 'CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n'
  const recorded = (await connectTo(t, tape.port)).write(connect)
  const behind = await origin.next()
  await behind.through('\r\n\r\n')
  behind.write('HTTP/1.1 200 OK\r\n\r\n').finish()
  await recorded.rest()
  recorded.finish()
  await behind.gone()
  await tape.relay.stop()
  // No other test is in this file: a disk that is gone is gone for all.
  Tunnels.prototype.open = () => { throw new Error('the disk is gone') }
  const problems: string[] = []
  const server = await serving(t, tape.path, { http: 0, onProblem: (message) => problems.push(message) })
  const client = (await connectTo(t, server.port)).write(connect)
  t.regex((await within(client.rest(), 'an answer')).toString(), /^HTTP\/1.1 500 [^]*The recording could not be read/)
  t.deepEqual(problems, ['the recording could not be read: the disk is gone'])
})
