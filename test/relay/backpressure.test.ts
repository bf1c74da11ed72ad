import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { settled, within } from '../real/deadline.js'
import { serve } from '../real/peer.js'
import { relaying } from '../real/relaying.js'

const piece = Buffer.alloc(64 * 1024, 'backpressure ')
const pieces = 4096
const total = piece.length * pieces

/** More than the sockets of both legs ever buffer (two send and two receive buffers), far less than all of it. */
const bound = 128 * 1024 * 1024

/** Sends as fast as it can, but never more than the socket takes; counts what the system has taken. */
class Sender {
  taken = 0

  constructor(socket: Socket) {
    void this.#send(socket)
  }

  async #send(socket: Socket): Promise<void> {
    for (let n = 0; n < pieces; n++) {
      await new Promise<void>((resolve) => socket.write(piece, () => resolve()))
      this.taken += piece.length
    }
    socket.end()
  }
}

async function readAll(socket: Socket): Promise<{ length: number, digest: string }> {
  const hash = createHash('sha256')
  let length = 0
  for await (const bytes of socket) {
    hash.update(bytes as Buffer)
    length += (bytes as Buffer).length
  }
  return { length, digest: hash.digest('hex') }
}

function expectedDigest(): string {
  const hash = createHash('sha256')
  for (let n = 0; n < pieces; n++) hash.update(piece)
  return hash.digest('hex')
}

async function ends(t: ExecutionContext): Promise<{ client: Socket, server: Socket, carried(): number }> {
  let accepted: (socket: Socket) => void
  const accepting = new Promise<Socket>((resolve) => accepted = resolve)
  const { port } = await serve(t, (socket) => accepted(socket), '127.0.0.1', { pauseOnConnect: true })
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${port}` })
  const client = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true })
  client.pause()
  t.teardown(() => client.destroy())
  const server = await within(accepting, 'the relay to connect')
  return { client, server, carried: () => relay.stats().bytesUp + relay.stats().bytesDown }
}

for (const direction of ['up', 'down'] as const) {
  test.serial(`a reader that doesn't read stops a fast sender (${direction}), and nothing is lost when it goes on`, async (t) => {
    const { client, server, carried } = await ends(t)
    const [from, to] = direction === 'up' ? [client, server] : [server, client]
    const sender = new Sender(from)
    const taken = await settled(() => sender.taken)
    t.true(taken > 0)
    t.true(taken < bound, `the sender got rid of ${taken} bytes that nobody reads`)
    t.true(carried() < bound, `the relay took ${carried()} bytes that nobody reads`)
    const read = await within(readAll(to), 'everything to arrive')
    t.deepEqual(read, { length: total, digest: expectedDigest() })
  })
}
