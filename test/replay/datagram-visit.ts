import type { ExecutionContext } from 'ava'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { taping } from '../real/relaying.js'

/** A recording of a client that sent one datagram to an echo server, and got it back. @returns its path. */
export async function datagramVisit(t: ExecutionContext): Promise<string> {
  const echo = await datagramEcho(t)
  const taped = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, decode: 'none' })
  const client = await datagramPeer(t)
  await client.send('one', taped.port)
  await client.text()
  await taped.relay.stop()
  return taped.path
}
