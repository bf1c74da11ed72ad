import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Recording } from 'wiretape'
import { until } from '../real/deadline.js'
import { freePort } from '../real/free-port.js'
import { connectTo, peerServer } from '../real/peer.js'
import { bytesOf, taping } from '../real/relaying.js'
import { controlPair, portIn, sixNumbers } from './control-pair.js'
import type { ControlPair } from './control-pair.js'

/** Whatever happened: nothing is left open, all bytes are there, and each command has its session. */
async function assertComplete(t: ExecutionContext, recording: Recording): Promise<void> {
  for (const connection of recording.connections()) {
    t.truthy(connection.closed)
    t.truthy(connection.endReason)
    for (const [direction, length] of [['up', connection.bytesUp], ['down', connection.bytesDown]] as const) {
      t.is((await bytesOf(recording.stream(connection.id, direction))).length, length, `${connection.role ?? 'control'} ${direction}`)
    }
  }
  for (const session of recording.ftpSessions()) {
    t.true(session.ended! >= session.started)
    t.truthy(session.outcome)
  }
  for (const command of recording.ftpCommands()) {
    t.true(command.code !== null || command.error !== null, `${command.verb} has neither reply nor error`)
    t.true(command.replied! >= command.started)
  }
  for (const transfer of recording.ftpTransfers()) t.not(transfer.outcome, 'open')
  t.deepEqual([...recording.records({ where: 'outcome = \'open\'' })], [])
}

/** How far a session has come when it dies, and what it leaves behind. */
const states: Record<string, { play: (pair: ControlPair) => Promise<unknown>, verbs: string[] }> = {
  'after the greeting': { play: async () => {}, verbs: [] },
  'within a command': {
    play: async (pair) => {
      pair.client.write('USER some')
      // A reset right behind bytes reads as an end.
      await until(() => pair.tape.relay.stats().bytesUp > 0, 'the beginning of a command')
    },
    verbs: [],
  },
  'before a reply': { play: (pair) => pair.asks('USER someone'), verbs: ['USER'] },
  'within a reply': {
    play: async (pair) => {
      await pair.asks('FEAT')
      await pair.answers('211-Features:', ' MDTM')
    },
    verbs: ['FEAT'],
  },
  'after RNFR': {
    play: async (pair) => {
      await pair.asks('RNFR a')
      await pair.answers('350 And to?')
    },
    verbs: ['RNFR'],
  },
  'with a prepared port': { play: (pair) => pair.passive(), verbs: ['PASV'] },
  'between PASV and its reply': { play: (pair) => pair.asks('PASV'), verbs: ['PASV'] },
  'before the 150': {
    play: async (pair) => {
      await pair.passive()
      await pair.asks('RETR f')
    },
    verbs: ['PASV', 'RETR'],
  },
  'after the 150': {
    play: async (pair) => {
      await pair.passive()
      await pair.asks('RETR f')
      await pair.answers('150 Opening')
    },
    verbs: ['PASV', 'RETR'],
  },
  'with commands in the pipeline': {
    play: async (pair) => {
      await pair.asks('CWD a')
      await pair.asks('CWD b')
      await pair.asks('PWD')
    },
    verbs: ['CWD', 'CWD', 'PWD'],
  },
  'after QUIT': { play: (pair) => pair.asks('QUIT'), verbs: ['QUIT'] },
}

for (const [state, { play, verbs }] of Object.entries(states)) {
  for (const side of ['client', 'server'] as const) {
    for (const how of ['resets', 'closes'] as const) {
      test(`the ${side} ${how} ${state}: the records are complete`, async (t) => {
        const pair = await controlPair(t)
        await play(pair)
        const [dies, other] = side === 'client' ? [pair.client, pair.server] : [pair.server, pair.client]
        if (how === 'resets') dies.reset()
        else dies.finish()
        t.is(await other.over(), how === 'resets' ? 'ECONNRESET' : 'end')
        other.finish()
        const recording = await pair.tape.recorded()
        await assertComplete(t, recording)
        t.deepEqual([...recording.ftpCommands()].map(({ verb }) => verb), verbs)
        const [session] = recording.ftpSessions()
        t.is(session!.outcome, how === 'resets' ? `${side} reset the connection` : `${side} closed`)
        t.is(session!.greeting, '220 ready')
      })
    }
  }
}

for (const how of ['resets', 'closes'] as const) {
  test(`a session that dies (the client ${how}) while data flows: both connections and the transfer are complete`, async (t) => {
    const pair = await controlPair(t)
    const client = await connectTo(t, await pair.passive())
    await pair.asks('RETR f')
    await pair.answers('150 Opening')
    const server = await pair.data.next()
    server.write('as far as it goes')
    await client.take(17)
    if (how === 'resets') {
      pair.client.reset()
      client.reset()
    } else {
      pair.client.finish()
      client.finish()
      server.finish()
      pair.server.finish()
    }
    await server.over()
    await pair.server.over()
    const recording = await pair.tape.recorded()
    await assertComplete(t, recording)
    const [transfer] = recording.ftpTransfers()
    t.is(transfer!.outcome, 'aborted')
    t.is(transfer!.bytes, 17)
    t.is(transfer!.code, null)
  })
}

test('a client that has closed its side is still told the relay\'s port', async (t) => {
  const pair = await controlPair(t)
  pair.client.write('PASV\r\nQUI').finish()
  t.is((await pair.server.rest()).toString(), 'PASV\r\nQUI')
  pair.server.write(`227 (${sixNumbers(pair.data.port)})\r\n`)
  t.not(portIn(await pair.client.through('\r\n')), pair.data.port)
})

test('a server that closes at once', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  await assertComplete(t, recording)
  const [session] = recording.ftpSessions()
  t.is(session!.greeting, null)
  t.is(session!.outcome, 'server closed')
})

test('a server that isn\'t there', async (t) => {
  const tape = await taping(t, { ftp: `0=127.0.0.1:${await freePort()}` })
  const client = await connectTo(t, tape.port)
  await client.gone()
  const recording = await tape.recorded()
  await assertComplete(t, recording)
  t.regex([...recording.ftpSessions()][0]!.outcome!, /refused the connection$/)
})

test('a greeting of 421', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  served.write('421 Too many users.\r\n').finish()
  t.is((await client.rest()).toString(), '421 Too many users.\r\n')
  await client.gone()
  const recording = await tape.recorded()
  await assertComplete(t, recording)
  const [session] = recording.ftpSessions()
  t.is(session!.greeting, '421 Too many users.')
  t.is(session!.outcome, '421 Too many users.')
})

test('a greeting of 120, then 220', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  served.write('120 Wait\r\n220 Ready\r\n')
  t.is(await client.through('Ready\r\n'), '120 Wait\r\n220 Ready\r\n')
  client.finish()
  served.finish()
  await client.gone()
  const recording = await tape.recorded()
  t.is([...recording.ftpSessions()][0]!.greeting, '220 Ready')
  t.deepEqual([...recording.ftpReplies()].map(({ code, commandId }) => [code, commandId]), [[120, null], [220, null]])
})

test('421 at any time: the commands that wait for a reply never get one', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('CWD a')
  await pair.asks('CWD b')
  await pair.answers('421 Timeout')
  pair.server.finish()
  await pair.client.gone()
  const recording = await pair.tape.recorded()
  await assertComplete(t, recording)
  t.is([...recording.ftpSessions()][0]!.outcome, '421 Timeout')
  t.deepEqual([...recording.ftpCommands()].map(({ code }) => code), [421, null])
})

test('the relay stops in the middle of a transfer', async (t) => {
  const pair = await controlPair(t)
  await connectTo(t, await pair.passive())
  await pair.asks('STOR f')
  await pair.answers('150 Go on')
  await pair.tape.relay.stop({ grace: 0 })
  const recording = await pair.tape.recorded()
  await assertComplete(t, recording)
  t.is([...recording.ftpTransfers()][0]!.outcome, 'aborted')
})
