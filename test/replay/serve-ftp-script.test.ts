import { connect } from 'node:net'
import test from 'ava'
import { serveRecording } from 'wiretape'
import { DataChannel } from '../../src/replay/serve/ftp/data-channel.js'
import type { RecordedCommand, RecordedSession, RecordedSessions } from '../../src/replay/serve/ftp/recorded-sessions.js'
import { Script } from '../../src/replay/serve/ftp/script.js'
import type { Follower } from '../../src/replay/serve/ftp/script.js'
import { Whereabouts } from '../../src/replay/serve/ftp/whereabouts.js'
import { within } from '../real/deadline.js'
import { connectTo, peerServer } from '../real/peer.js'
import { ftpVisit, scriptedFtp } from './ftp-script.js'

/** Sessions of commands; each has `session:place in it` as its argument of record. */
function recorded(...scripts: readonly (readonly string[])[]): RecordedSessions {
  const sessions: RecordedSession[] = []
  const commands: RecordedCommand[] = []
  for (const [index, script] of scripts.entries()) {
    const session: RecordedSession = { id: index, connectionId: index, started: 0, from: commands.length, to: commands.length + script.length }
    sessions.push(session)
    for (const [at, key] of script.entries()) {
      const [verb = ''] = key.split(' ')
      commands.push({ place: commands.length, session, id: index * 100 + at, verb, argument: null, path: null, key, started: 0, code: 200, error: null, transfer: null })
    }
  }
  return { sessions, commands, folders: new Set(), sizes: new Map(), users: new Set(), homes: () => '/', complete: true, partial: null }
}

/** Ids of what answers; `none`, or `spent`. */
const answers = (follower: Follower, ...keys: string[]): (number | string)[] => keys.map((key) => {
  const found = follower.find(key, () => 'exact')
  return found?.command == null ? found!.exhausted ? 'spent' : 'none' : found.command.id
})

const run = ['USER a', 'SIZE f', 'STOR f', 'SIZE f', 'QUIT'] as const

test('a session is repeated from its beginning by each client, as often as is wanted', (t) => {
  const script = new Script(recorded(run), 'repeat')
  for (let round = 0; round < 3; round++) {
    const follower = script.follow()!
    t.deepEqual(answers(follower, ...run), [0, 1, 2, 3, 4])
    t.true(follower.atEnd)
    follower.leave()
  }
})

test('more equal commands than were recorded: the last again, the first again, or none', (t) => {
  const of = (after: 'repeat' | 'cycle' | 'miss'): (number | string)[] => answers(new Script(recorded(['RETR f', 'RETR f', 'RETR g']), after).follow()!, 'RETR f', 'RETR f', 'RETR f', 'RETR f', 'RETR g', 'RETR h')
  t.deepEqual(of('repeat'), [0, 1, 1, 1, 2, 'none'])
  t.deepEqual(of('cycle'), [0, 1, 0, 1, 2, 'none'])
  t.deepEqual(of('miss'), [0, 1, 'spent', 'spent', 2, 'none'])
})

test('clients at the same time follow sessions of their own; one that only looks takes none', (t) => {
  const script = new Script(recorded(['USER a', 'RETR f'], ['USER a', 'RETR f'], ['USER a', 'PWD']), 'miss')
  const looking = script.follow()!
  t.is(looking.session?.id, 0)
  looking.leave()
  const [one, two, three] = [script.follow()!, script.follow()!, script.follow()!]
  t.deepEqual([one.session?.id, two.session?.id, three.session?.id], [0, 1, 2])
  t.deepEqual(answers(two, 'USER a', 'RETR f'), [100, 101])
  t.deepEqual(answers(one, 'USER a', 'RETR f', 'RETR f'), [0, 1, 'spent'])
})

test('a client goes on where what it asks for was recorded, and what it left is still there for the next', (t) => {
  const script = new Script(recorded(['USER a', 'PWD', 'RETR f', 'QUIT'], ['USER a', 'PWD', 'RETR g', 'DELE g', 'RETR g', 'QUIT']), 'repeat')
  const first = script.follow()!
  t.deepEqual(answers(first, 'USER a', 'PWD', 'RETR g', 'DELE g', 'RETR g', 'QUIT'), [0, 1, 102, 103, 104, 105])
  t.false(first.atEnd)
  first.leave()
  t.deepEqual(answers(script.follow()!, 'USER a', 'RETR f'), [0, 2])
})

test('how a client talks doesn\'t lead it past what it still asks for', (t) => {
  const follower = new Script(recorded(['TYPE I', 'RETR f', 'TYPE A', 'LIST', 'TYPE I', 'RETR f']), 'repeat').follow()!
  t.deepEqual(answers(follower, 'TYPE A', 'RETR f', 'LIST', 'RETR f'), [2, 1, 3, 5])
})

test('what fits exactly comes before what only fits', (t) => {
  const follower = new Script(recorded(['RETR f', 'RETR f']), 'repeat').follow()!
  t.is(follower.find('RETR f', ({ id }) => id === 1 ? 'exact' : 'close')!.command?.id, 1)
  t.is(follower.find('RETR f', ({ id }) => id === 0 ? 'close' : 'no')!.command?.id, 0)
  t.is(follower.find('RETR f', () => 'no')!.command, null)
})

test('what has been read is given while more is read; what may come still is waited for', (t) => {
  const whole = recorded(['USER a', 'RETR f', 'RETR f'], ['USER a', 'RETR g'], ['USER a', 'RETR h', 'RETR i'])
  const [first, second, third] = whole.sessions as [RecordedSession, RecordedSession, RecordedSession]
  const sessions: RecordedSession[] = []
  const commands: RecordedCommand[] = []
  const growing = { ...whole, sessions, commands, complete: false, partial: null as RecordedSession | null }
  const script = new Script(growing, 'repeat')
  const find = (follower: Follower, key: string, byOrder = false): number | string => {
    const found = follower.find(key, () => 'exact', byOrder)
    return found === null ? 'wait' : found.command?.id ?? 'none'
  }
  t.is(script.follow(), null)
  sessions.push(first)
  growing.partial = first
  commands.push(...whole.commands.slice(0, 2))
  const follower = script.follow()!
  t.deepEqual(['USER a', 'RETR f', 'RETR f', 'RETR g'].map((key) => find(follower, key)), [0, 1, 'wait', 'wait'])
  t.false(follower.atEnd)
  commands.push(...whole.commands.slice(2, 5))
  sessions.push(second)
  growing.partial = null
  t.deepEqual(['RETR f', 'RETR g', 'RETR f', 'RETR i'].map((key) => find(follower, key)), [2, 101, 'wait', 'wait'])
  t.is(find(follower, 'USER a', true), 100)
  t.is(find(follower, 'USER a', true), 'wait')
  t.is(script.follow(), null)
  commands.push(...whole.commands.slice(5))
  sessions.push(third)
  growing.complete = true
  t.deepEqual(['RETR i', 'RETR f', 'RETR x'].map((key) => find(follower, key)), [202, 2, 'none'])
  t.is(script.follow()!.session, third)
})

test('the same thing is known again, wherever it is asked from', (t) => {
  const whereabouts = new Whereabouts(() => '/home')
  const key = (verb: string, argument: string | null = null): string => whereabouts.keyOf(verb, argument, whereabouts.pathOf(verb, argument))
  whereabouts.asked('USER', 'a')
  whereabouts.answered('PASS', '****', 230, 'in')
  const retrieval = key('RETR', '/home/inner/f')
  t.is(key('RETR', 'inner/f'), retrieval)
  whereabouts.answered('CWD', 'inner', 250, 'done')
  t.is(key('RETR', 'f'), retrieval)
  t.is(key('RETR', './../inner//f'), retrieval)
  t.not(key('RETR', 'F'), retrieval)
  t.not(key('SIZE', 'f'), retrieval)
  t.is(key('LIST', '-la'), key('LIST', '-la /home/inner'))
  t.not(key('LIST', '-la'), key('LIST'))
  t.is(key('TYPE', 'i'), key('TYPE', 'I'))
  t.is(key('PASS', 'one'), key('PASS', 'other'))
  t.is(key('PORT', '1,2,3,4,5,6'), key('PORT', '6,5,4,3,2,1'))
  t.is(key('MFMT', '20260101000000 f'), key('MFMT', '20270101000000 f'))
  t.not(key('MFMT', '20260101000000 f'), key('MFMT', '20260101000000 g'))
})

test('a data connection that never comes is given up, and a later request takes an earlier one\'s place', async (t) => {
  const signal = new AbortController().signal
  const channel = new DataChannel(100)
  await channel.listen('127.0.0.1', '127.0.0.1')
  t.is(await within(channel.take(signal), 'the end of the patience'), null)
  t.false(channel.prepared)
  const other = new DataChannel()
  const first = await other.listen('127.0.0.1', '127.0.0.1')
  await other.listen('127.0.0.1', '127.0.0.1')
  const late = connect(first, '127.0.0.1')
  t.is(await within(new Promise((resolve) => late.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))), 'a refusal'), 'ECONNREFUSED')
  const listening = await peerServer(t)
  other.dialAt({ host: '127.0.0.1', port: listening.port })
  const dialled = await other.take(signal)
  t.teardown(() => dialled?.destroy())
  t.is(dialled?.remotePort, listening.port)
  const abort = new AbortController()
  await other.listen('127.0.0.1', '127.0.0.1')
  const waiting = other.take(abort.signal)
  abort.abort()
  t.is(await waiting, null)
  other.dialAt({ host: '127.0.0.1', port: first })
  t.is(await other.take(signal), null)
})

test('who doesn\'t log in is given what was recorded for who did', async (t) => {
  const path = await ftpVisit(t, await scriptedFtp(t), ['SIZE a', 'QUIT'])
  const server = await serveRecording(path, { ftp: 0 })
  t.teardown(() => server.stop())
  const client = await connectTo(t, server.port)
  await client.through('\r\n')
  client.write('SIZE a\r\n')
  t.is(await client.through('\r\n'), '200 SIZE a\r\n')
  client.write('SIZE b\r\n')
  t.regex(await client.through('\r\n'), /path \/b, recorded \/a/)
  t.is(server.missed, 1)
})
