import test from 'ava'
import { connectTo } from '../real/peer.js'
import { bytesOf } from '../real/relaying.js'
import { threadTime } from '../real/thread-time.js'
import { Ingesting } from '../recording/ingesting.js'
import { controlPair } from './control-pair.js'
import { assertCompleted, assertInOrder, onlyTransfer, sha256 } from './sound.js'

const prepared = '227 (127,0,0,1,9,9)\r\n'

test('more data before its command than stays in memory: all of it is counted, hashed and given to the transfer', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\n')
  tape.says(control, 'down', prepared)
  const data = tape.data(control, 0)
  const piece = Buffer.alloc(100_000, 'early data ')
  for (let n = 0; n < 60; n++) tape.says(data, 'down', piece)
  tape.commits()
  tape.says(control, 'up', 'RETR /f\r\n')
  tape.says(control, 'down', '150 Opening\r\n')
  tape.says(data, 'down', 'and the end')
  tape.closes(data)
  tape.says(control, 'down', '226 Done\r\n')
  tape.closes(control)
  const recording = tape.recorded()
  const transfer = onlyTransfer(recording)
  const whole = Buffer.concat([...Array<Buffer>(60).fill(piece), Buffer.from('and the end')])
  t.like(transfer, { outcome: 'completed', bytes: whole.length, sha256: sha256(whole) })
  t.is([...recording.segments({ where: `message_id = ${transfer.id} and kind = 'body'` })].reduce((sum, { bytes }) => sum + bytes.length, 0), whole.length)
  t.is((await bytesOf(recording.transferBody(transfer.id))).length, whole.length)
})

test('150 and 226 without a data connection: the transfer is over with the next final reply', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nRETR /f\r\nNOOP\r\n')
  tape.says(control, 'down', prepared, '150 Opening\r\n', '226 Done\r\n')
  tape.commits()
  t.is(onlyTransfer(tape.live()).outcome, 'open')
  tape.says(control, 'down', '200 Fine\r\n')
  t.like(onlyTransfer(tape.recorded()), { outcome: 'incomplete', error: 'its data connection was not seen', code: 226, bytes: 0, connectionId: null, sha256: null })
})

test('150 and 226 without a data connection: the transfer is over with the session', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nRETR /f\r\n')
  tape.says(control, 'down', `${prepared}150 Opening\r\n226 Done\r\n`)
  tape.closes(control)
  t.like(onlyTransfer(tape.recorded()), { outcome: 'incomplete', error: 'its data connection was not seen' })
})

test('replies read in one piece before their data connection: the transfer has it all the same', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nRETR /f\r\nNOOP\r\n')
  tape.says(control, 'down', `${prepared}150 Opening\r\n226 Done\r\n200 Fine\r\n`)
  const data = tape.data(control, 0)
  tape.says(data, 'down', 'late')
  tape.closes(data)
  tape.closes(control)
  const recording = tape.recorded()
  const transfer = onlyTransfer(recording)
  t.like(transfer, { outcome: 'completed', bytes: 4, sha256: sha256(Buffer.from('late')) })
  t.is((await bytesOf(recording.transferBody(transfer.id))).toString(), 'late')
})

for (const [name, replies] of [
  ['refused', ['550 No\r\n']], ['done without data', ['150 Opening\r\n', '226 Done\r\n']], ['restarted in vain', ['502 No\r\n', '550 No\r\n']],
] as const) {
  test(`the cost of a transfer doesn't grow with the number of those before it: ${name}`, (t) => {
    const commands = name === 'restarted in vain' ? 'REST 5\r\nRETR f\r\n' : 'RETR f\r\n'
    const count = 20_000
    const tape = new Ingesting(t)
    const control = tape.control()
    tape.says(control, 'up', 'PASV\r\n', commands.repeat(count))
    tape.says(control, 'down', prepared)
    const parts: number[] = []
    for (let part = 0; part < 10; part++) {
      const began = threadTime()
      for (let n = 0; n < count / 10; n++) {
        tape.says(control, 'down', ...replies)
        if (n % 200 === 0) tape.commits()
      }
      parts.push(threadTime() - began)
    }
    tape.closes(control)
    t.is([...tape.recorded().ftpTransfers({ where: 'outcome <> \'open\'' })].length, count)
    // In the first the program is still being compiled. With a look at each of those before, the last three parts would be five times as dear as the
    // three that follow the first; with one at each of those to come it would be the other way round.
    const [, ...warm] = parts
    const [early, late] = [warm.slice(0, 3), warm.slice(-3)].map((three) => Math.min(...three)) as [number, number]
    t.true(late < early * 3.5 && early < late * 3.5, `${parts.map(Math.round).join(', ')} ms`)
  })
}

test('a refused PORT, and RETR in the same packet: the transfer is tied to the passive port that carries it', async (t) => {
  const pair = await controlPair(t)
  const port = await pair.passive()
  pair.client.write('PORT 192,0,2,1,100,100\r\nRETR /f\r\n')
  t.is(await pair.server.through('RETR /f\r\n'), 'NOOP\r\nRETR /f\r\n')
  const client = await connectTo(t, port)
  const server = await pair.data.next()
  pair.server.write('200 Fine\r\n150 Opening\r\n')
  t.regex(await pair.client.through('150 Opening\r\n'), /^500 [^]*\r\n150 /)
  server.write('by PASV').finish()
  t.is((await client.rest()).toString(), 'by PASV')
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  await assertCompleted(t, recording, transfer, Buffer.from('by PASV'))
  t.is(transfer.form, 'PASV')
})

test('a listing over a connection that a refused download left unused is read', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\n')
  tape.says(control, 'down', prepared)
  const data = tape.data(control, 0)
  tape.says(control, 'up', 'RETR /f\r\n')
  tape.says(control, 'down', '550 No\r\n')
  tape.says(control, 'up', 'NLST\r\n')
  tape.says(control, 'down', '150 Opening\r\n')
  tape.says(data, 'down', 'one\r\ntwo\r\n')
  tape.closes(data)
  tape.says(control, 'down', '226 Done\r\n')
  tape.closes(control)
  const recording = tape.recorded()
  t.deepEqual(recording.ftpListing(onlyTransfer(recording, 'verb = \'NLST\'').id).map(({ name }) => name), ['one', 'two'])
})

test('a listing that comes before its command is read', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\n')
  tape.says(control, 'down', prepared)
  const data = tape.data(control, 0)
  tape.says(data, 'down', 'one\r\ntwo\r\n')
  tape.says(control, 'up', 'NLST\r\n')
  tape.closes(data)
  tape.says(control, 'down', '150 Opening\r\n', '226 Done\r\n')
  tape.closes(control)
  const recording = tape.recorded()
  t.deepEqual(recording.ftpListing(onlyTransfer(recording).id).map(({ name }) => name), ['one', 'two'])
})

test('a size told by SIZE is for downloads of that file, in that type, until the file is another', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  const told = (line: string, ...replies: string[]): number | null => {
    const before = [...tape.live().ftpTransfers()].length
    tape.says(control, 'up', `${line}\r\n`)
    for (const reply of replies) tape.says(control, 'down', `${reply}\r\n`)
    tape.commits()
    return [...tape.live().ftpTransfers()].slice(before)[0]?.sizeTold ?? null
  }
  told('TYPE I', '200 Fine')
  told('SIZE /f', '213 100')
  t.is(told('RETR /f', '550 No'), 100)
  t.is(told('RETR /g', '550 No'), null)
  t.is(told('RETR /f', '150 Opening /f (5 bytes) (200 bytes).', '425 No'), 200, 'the 150 knows better')
  t.is(told('LIST /f', '550 No'), null)
  told('TYPE A', '200 Fine')
  t.is(told('RETR /f', '550 No'), null, 'another type has other line ends')
  told('TYPE I', '200 Fine')
  for (const change of ['STOR /f', 'APPE /f', 'DELE /f', 'RNTO /f', 'RNFR /f']) {
    told('SIZE /f', '213 100')
    t.is(told(change, '250 Done'), null, change)
    t.is(told('RETR /f', '550 No'), null, change)
  }
})

test('a port is prepared when the reply says so, whenever it is used, and also where it never is', async (t) => {
  const pair = await controlPair(t)
  const port = await pair.passive()
  await pair.asks('RETR /f')
  await pair.answers('150 Opening')
  const client = await connectTo(t, port)
  const server = await pair.data.next()
  server.finish()
  await client.rest()
  client.finish()
  await pair.answers('226 Done')
  await pair.passive()
  await pair.asks('RETR /g')
  await pair.answers('150 Opening', '425 Nobody came')
  const recording = await pair.over()
  const [used, unused] = [...recording.ftpTransfers()]
  const replies = [...recording.ftpReplies({ where: 'code = 227' })].map(({ time }) => time)
  t.deepEqual([used!.prepared, unused!.prepared], replies)
  assertInOrder(t, 'prepared, asked, connected', used!.prepared, used!.started, used!.connected)
})

test('changed says that a transfer\'s bytes were sent on differently', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nRETR /f\r\nPASV\r\nRETR /g\r\n')
  tape.says(control, 'down', prepared, '150 Opening\r\n')
  const first = tape.data(control, 0)
  tape.says(first, 'down', 'as it came')
  tape.ingest.sent(first, 'down', 1000, 0, Buffer.from('otherwise'), 10, 'body')
  tape.closes(first)
  tape.says(control, 'down', '226 Done\r\n', prepared, '150 Opening\r\n')
  const second = tape.data(control, 2)
  tape.says(second, 'down', 'as it came')
  tape.closes(second)
  tape.says(control, 'down', '226 Done\r\n')
  tape.closes(control)
  const transfers = [...tape.recorded().ftpTransfers()]
  t.deepEqual(transfers.map(({ changed }) => changed), [true, false])
  t.is(transfers[0]!.sha256, sha256(Buffer.from('as it came')), 'the hash is of what was received')
})

test('lines that are odd and can be read all the same are told, each oddity once', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'NOOP\nNOOP\n', 'X-ODD hunter2\r\n', ' SYST\r\n')
  tape.says(control, 'down', '200 Fine\r\n200 Fine\r\n500 What\r\n215\r\n', '299 By the way\r\n299 By the way\r\n')
  tape.says(control, 'up', '\xff\xf4\xff\xf2ABOR\r\n')
  tape.says(control, 'down', '225 Nothing to abort\n')
  tape.closes(control)
  const recording = tape.recorded()
  const events = [...recording.events({ where: 'kind = \'ftp-odd\'' })]
  t.deepEqual(events.map(({ direction, text }) => `${direction}: ${text.split(';')[0]}`), [
    'up: odd command: a line that ends in LF alone, without CR',
    'up: odd command: a verb of other characters than letters',
    'up: odd command: spaces before the verb',
    'down: odd reply: a code without the space that has to follow it',
    'down: odd reply: no command was waiting for it',
    'down: odd reply: a line that ends in LF alone, without CR',
  ])
  const [command] = recording.ftpCommands({ where: 'verb = \'X-ODD\'' })
  t.is(events[1]!.messageId, command!.id)
})
