import type { ExecutionContext } from 'ava'
import type { JournalEntry, PluginUse, Relay } from 'wiretape'
import { datagramPeer } from '../real/datagram-peer.js'
import type { DatagramPeer } from '../real/datagram-peer.js'
import { until } from '../real/deadline.js'
import { relaying } from '../real/relaying.js'

export interface Line {
  readonly relay: Relay
  readonly client: DatagramPeer
  readonly server: DatagramPeer
  /** What has come to the server, in the order in which it came. */
  readonly arrived: string[]
}

/** A client and a server that listens, with faults between them. */
export async function lineWith(t: ExecutionContext, plugins: readonly PluginUse[], seed = 1): Promise<Line> {
  const server = await datagramPeer(t)
  const arrived: string[] = []
  server.socket.on('message', (bytes) => arrived.push(bytes.toString('latin1')))
  const relay = await relaying(t, { udp: `0=127.0.0.1:${server.port}`, plugins, seed })
  return { relay, client: await datagramPeer(t), server, arrived }
}

/** Sends `#0`, `#1` and so on, and waits until `settled` says that nothing more will come. */
export async function sendNumbered(line: Line, count: number, settled: (arrived: readonly string[], journal: readonly JournalEntry[]) => boolean): Promise<readonly JournalEntry[]> {
  for (let n = 0; n < count; n++) await line.client.send(`#${n}`, line.relay.port)
  await until(() => settled(line.arrived, line.relay.journal()), `what becomes of ${count} datagrams`)
  return line.relay.journal()
}

export const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `#${n}`)
