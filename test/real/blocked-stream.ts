import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { RelayOptions } from 'wiretape'
import { settled, within } from './deadline.js'
import { serve } from './peer.js'
import { taping } from './relaying.js'
import type { Taped } from './relaying.js'

/*
 * A reader that doesn't read leaves the relay with a piece that the system didn't take whole. The pieces are small enough that a stage lets
 * reading go on while it waits, and every byte tells where it belongs.
 */
const piece = 60_000
export const total = 24 * 2 ** 20

const sent = Buffer.alloc(total)
for (let at = 0; at < total; at += 4) sent.writeUInt32LE(at / 4, at)

export interface Blocked extends Taped {
  /** Goes on once its peer reads. */
  readonly from: Socket
  /** Doesn't read yet. */
  readonly to: Socket
}

/** A relay in the middle of a stream whose reader has stopped. */
export async function blocked(t: ExecutionContext, direction: 'up' | 'down', protocol: 'tcp' | 'http', options: RelayOptions = {}): Promise<Blocked> {
  let accepted: (socket: Socket) => void
  const accepting = new Promise<Socket>((resolve) => { accepted = resolve })
  const { port } = await serve(t, (socket) => accepted(socket), '127.0.0.1', { pauseOnConnect: true })
  const tape = await taping(t, { ...options, [protocol]: `0=${protocol === 'http' ? 'http://' : ''}127.0.0.1:${port}` })
  const client = connect({ port: tape.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  client.pause()
  t.teardown(() => client.destroy())
  const server = await within(accepting, 'the relay to connect')
  for (const socket of [client, server]) socket.on('error', () => {})
  const [from, to] = direction === 'up' ? [client, server] : [server, client]
  let taken = 0
  void (async () => {
    if (protocol === 'http') {
      from.write(direction === 'up' ? `PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: ${total}\r\n\r\n` : `HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
    }
    for (let at = 0; at < total; at += piece) {
      await new Promise<void>((resolve) => { from.write(sent.subarray(at, at + piece), () => resolve()) })
      taken = at
      // Each read is to be one piece.
      await new Promise((resolve) => { setTimeout(resolve, 1) })
    }
    from.end()
  })()
  await settled(() => taken)
  t.true(taken < total - piece, 'all was taken: nothing was blocked')
  return { ...tape, from, to }
}

/** Where two streams part, -1 where they don't. */
export function parting(got: Buffer): number {
  if (got.equals(sent.subarray(0, got.length))) return -1
  for (let at = 0; ; at++) if (got[at] !== sent[at]) return at
}
