import type { Socket } from 'node:net'
import test from 'ava'
import { latency, limitData, noop, timeout } from 'wiretape/faults'
import { blocked, parting, total } from '../real/blocked-stream.js'
import { settled, within } from '../real/deadline.js'
import { onlyConnection } from '../real/relaying.js'

async function readBody(socket: Socket, protocol: 'tcp' | 'http'): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const over = new Promise<void>((resolve) => { socket.once('end', resolve).once('close', () => resolve()) })
  socket.resume()
  await within(over, 'the end of the stream')
  const all = Buffer.concat(chunks)
  return protocol === 'http' ? all.subarray(all.indexOf('\r\n\r\n') + 4) : all
}

for (const direction of ['up', 'down'] as const) {
  for (const protocol of ['tcp', 'http'] as const) {
    test(`${protocol}, ${direction}: faults that come and go while a piece waits for the reader change no byte of it`, async (t) => {
      const { relay, from, to, recorded } = await blocked(t, direction, protocol)
      const late = relay.inject(latency({ ms: 1 }))
      relay.inject(noop()).remove()
      await settled(() => relay.stats().bytesUp + relay.stats().bytesDown, 200)
      late.remove()
      relay.inject(noop())
      const got = await readBody(to, protocol)
      t.is(parting(got), -1)
      t.is(got.length, total)
      from.destroy()
      to.destroy()
      const recording = await recorded()
      t.false(onlyConnection(recording).changed)
    })
  }

  for (const [name, closes] of [['limit-data', limitData({ bytes: 10, direction: direction === 'up' ? 'down' : 'up' })], ['timeout', timeout({ ms: 100, direction: direction === 'up' ? 'down' : 'up' })]] as const) {
    test(`tcp, ${direction}: ${name}, which closes the connection from the other direction, leaves what waits for the reader as it is`, async (t) => {
      const { relay, from, to } = await blocked(t, direction, 'tcp')
      relay.inject(closes)
      to.write('more than the limit')
      // What the closing waits for is a reader that reads on.
      await settled(() => relay.journal().length, 200)
      const got = await readBody(to, 'tcp')
      t.is(parting(got), -1)
      t.true(got.length < total)
      t.true(got.length > 0)
      from.destroy()
    })
  }
}
