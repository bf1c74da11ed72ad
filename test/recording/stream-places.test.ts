import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openRecording } from 'wiretape'
import type { Recording } from 'wiretape'
import { until } from '../real/deadline.js'
import { connectTo, echoServer } from '../real/peer.js'
import { taping } from '../real/relaying.js'

/** Puts each stream together from what is found by offset, in steps that don't fit what was read. */
function reassembled(recording: Recording, connectionId: number, direction: 'up' | 'down'): string {
  let text = ''
  for (;;) {
    const found = recording.segmentAt(connectionId, direction, text.length)
    if (found === null) return text
    text += found.bytes.subarray(text.length - found.offset).subarray(0, 3).toString('latin1')
  }
}

function check(t: ExecutionContext, recording: Recording, said: readonly string[]): void {
  const ids = [...recording.connections()].map(({ id }) => id)
  for (const [index, id] of ids.entries()) {
    for (const direction of ['up', 'down'] as const) t.is(reassembled(recording, id, direction), said[index]!)
  }
  for (const offset of [0, 4, 7]) {
    const found = recording.segmentsAt([...ids, 999], 'up', offset)
    t.deepEqual(found.map(({ connectionId }) => connectionId), ids.filter((_, index) => offset < said[index]!.length))
    for (const segment of found) t.deepEqual(recording.segmentAt(segment.connectionId, 'up', offset), segment)
  }
  t.is(recording.segmentAt(999, 'up', 0), null)
}

test('any byte of a stream is found by its offset, in a recording that is closed and in one that isn\'t', async (t) => {
  const tape = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const said = ['one\ntwo\nthree\n', 'four\n', 'five\nsix\n']
  for (const text of said) {
    const client = await connectTo(t, tape.port)
    for (const line of text.match(/.*\n/g)!) await client.write(line).through('\n')
  }
  const open = await until(() => {
    try {
      const found = openRecording(tape.path)
      if (reassembled(found, 3, 'down') === said[2]) return found
      found.close()
    } catch {}
    return null
  }, 'all of it to be in the file')
  check(t, open, said)
  open.close()
  check(t, await tape.recorded(), said)
})
