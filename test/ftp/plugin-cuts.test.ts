import test from 'ava'
import { definePlugin } from 'wiretape'
import type { AnyPlugin } from 'wiretape'
import { connectTo } from '../real/peer.js'
import { bytesOf } from '../real/relaying.js'
import { controlPair } from './control-pair.js'
import { onlyTransfer, sha256 } from './sound.js'

const throws = definePlugin({
  name: 'throws', description: 'Fails on the first bytes of a transfer.', onError: 'cut',
  setup: () => ({
    ftp: {
      data: () => async function* (chunks) {
        for await (const chunk of chunks) {
          if (chunk.length > 0) throw new Error('no')
          yield chunk
        }
      },
    },
  }),
})

/** Holds what comes until the sender has ended, and cuts then. */
const late = (how: 'close' | 'reset'): AnyPlugin => definePlugin({
  name: 'late', description: 'Cuts at the end.',
  setup: () => ({
    ftp: {
      data: () => async function* (chunks, stage) {
        const held: Buffer[] = []
        for await (const chunk of chunks) held.push(chunk)
        yield Buffer.concat(held).subarray(0, 5)
        stage[how]()
      },
    },
  }),
})

const content = Buffer.from('the whole file')

for (const [name, plugins, error, sent] of [
  ['a reset', ['ftp-cut:after=5,how=reset'], 'reset by a plugin', null],
  ['a reset before the first byte', ['ftp-data:how=reset'], 'reset by a plugin', null],
  ['a stage that fails', [throws], 'cut for a plugin', null],
  ['a close', ['ftp-cut:after=5'], 'closed by a plugin', 5],
  ['a close before the first byte', ['ftp-data:how=close'], 'closed by a plugin', null],
  ['a reset behind the server\'s end', [late('reset')], 'reset by a plugin', null],
  ['a close behind the server\'s end', [late('close')], 'closed by a plugin', 5],
] satisfies [string, (string | AnyPlugin)[], string, number | null][]) {
  test(`${name} by a plugin: the transfer is aborted, though the server says that it is complete`, async (t) => {
    const pair = await controlPair(t, { plugins })
    const client = await connectTo(t, await pair.passive())
    await pair.asks('RETR /file')
    await pair.answers('150 Opening')
    // A connection that is reset at once may be gone before it is taken.
    void pair.data.next().then((server) => server.write(content).finish(), () => {})
    await client.gone()
    await pair.answers('226 Complete, says the server')
    const recording = await pair.over()
    const transfer = onlyTransfer(recording)
    t.like(transfer, { outcome: 'aborted', error, code: 226 })
    t.is(recording.connection(transfer.connectionId!).endReason, error)
    if (sent === null) return
    t.like(transfer, { changed: true, bytes: content.length, sha256: sha256(content) })
    t.is(recording.bytesSent([transfer]).get(transfer.id), sent)
    t.is((await bytesOf(recording.transferBody(transfer.id, 'sent'))).toString(), 'the w')
  })
}

test('a transfer that plugins let pass went on as it came', async (t) => {
  const pair = await controlPair(t, { plugins: ['ftp-cut:after=14,how=reset'] })
  const client = await connectTo(t, await pair.passive())
  await pair.asks('RETR /file')
  await pair.answers('150 Opening')
  const server = await pair.data.next()
  server.write(content).finish()
  t.is((await client.rest()).toString(), content.toString())
  client.finish()
  await pair.answers('226 Complete')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  t.like(transfer, { outcome: 'completed', error: null, changed: false })
  t.is(recording.bytesSent([transfer]).size, 0)
})
