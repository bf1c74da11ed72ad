import test from 'ava'
import { ConnectionRecorder } from '../../src/recording/connection-recorder.js'
import type { Entries } from '../../src/recording/connection-recorder.js'
import { EntryKind } from '../../src/recording/slab.js'

interface Listening {
  readonly entries: Entries
  /** What it was given, a line each. */
  readonly told: string[]
  leaves: 'nothing' | 'datagrams' | 'all'
}

/** A recorder that takes bytes, or leaves them out. */
function recorder(): Listening {
  const told: string[] = []
  const state: Listening = {
    told, leaves: 'nothing',
    entries: {
      get skipping() { return state.leaves === 'all' },
      get full() { return state.leaves === 'datagrams' },
      behind: false,
      countDropped() {},
      put(kind, _handle, _direction, offset, payload) {
        if (kind === EntryKind.received) told.push(`${offset} ${Buffer.from(payload!).toString()}`)
        return true
      },
      note(_handle, note) {
        if (note.type === 'event') told.push(`${note.kind} ${note.offset ?? ''} ${note.bytes ?? ''}`.trim())
      },
      open() { throw new Error('nothing is opened') },
      onceReady() {},
    },
  }
  return state
}

/** Masks digits. */
const digits = { take: (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace(/[0-9]/g, '*')), end: () => Buffer.alloc(0) }
const failing = { take(): Buffer { throw new Error('no') }, end: () => Buffer.alloc(0) }

test('datagrams: what is masked is told of those that are recorded, and of no others', (t) => {
  for (const mask of [digits, failing]) {
    const one = recorder()
    const connection = new ConnectionRecorder(one.entries, 1, true)
    connection.maskWith(() => [mask], false)
    connection.received('up', Buffer.from('a1'))
    const of1 = one.told.splice(0)
    t.deepEqual(of1.filter((line) => line.startsWith('mask')), mask === digits ? ['masked 1 1'] : ['masked 0 2', 'mask-failed'])
    one.leaves = 'datagrams'
    for (let count = 0; count < 100; count++) connection.received('up', Buffer.from('a1'))
    t.deepEqual(one.told, [])
    one.leaves = 'nothing'
    connection.received('up', Buffer.from('b2'))
    t.deepEqual(one.told.filter((line) => line.startsWith('masked')), [mask === digits ? 'masked 203 1' : 'masked 202 2'])
  }
})

test('streams: a masked place is told if any of it is recorded', (t) => {
  const one = recorder()
  const connection = new ConnectionRecorder(one.entries, 1, false)
  connection.maskWith(() => [digits], false)
  const receive = (text: string, leaves: typeof one.leaves = 'nothing'): void => {
    one.leaves = leaves
    connection.received('up', Buffer.from(text))
  }
  // Of one piece, wholly left out: also where that shows only with the next.
  receive('a1b')
  receive('c2d3', 'all')
  receive('e')
  // Across what is recorded and what isn't.
  receive('4')
  receive('5', 'all')
  receive('6f')
  receive('g7', 'all')
  receive('8h')
  connection.closed({ reason: 'client closed', error: null })
  t.deepEqual(one.told.filter((line) => line.startsWith('masked')), ['masked 1 1', 'masked 8 3', 'masked 13 2'])
})
