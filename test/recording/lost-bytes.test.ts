import test from 'ava'
import { bytesOf, textOf } from '../real/relaying.js'
import { onlyTransfer, sha256 } from '../ftp/sound.js'
import { Ingesting } from './ingesting.js'

test('bytes of a file that were not recorded: the transfer is incomplete, has their count and no hash', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nRETR /f\r\n')
  const data = tape.data(control, 0)
  tape.says(control, 'down', '227 (127,0,0,1,9,9)\r\n150 Opening\r\n')
  tape.says(data, 'down', Buffer.alloc(1000, 'a'))
  tape.loses(data, 'down', 5000)
  tape.says(data, 'down', Buffer.alloc(1000, 'b'))
  tape.closes(data)
  tape.says(control, 'down', '226 Done\r\n')
  tape.closes(control)
  const recording = tape.recorded()
  const transfer = onlyTransfer(recording)
  t.like(transfer, { outcome: 'incomplete', error: '5000 bytes not recorded', bytes: 7000, sha256: null })
  t.is((await bytesOf(recording.transferBody(transfer.id))).length, 2000)
  t.is([...recording.segments({ where: `message_id = ${transfer.id}` })].length, 2, 'what came after the gap is part of it')
})

test('a listing with a hole is not read', (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nNLST\r\n')
  const data = tape.data(control, 0)
  tape.says(control, 'down', '227 (127,0,0,1,9,9)\r\n150 Opening\r\n')
  tape.says(data, 'down', 'one\r\ntw')
  tape.loses(data, 'down', 50)
  tape.says(data, 'down', 'n\r\n')
  tape.closes(data)
  tape.says(control, 'down', '226 Done\r\n')
  tape.closes(control)
  const recording = tape.recorded()
  t.deepEqual(recording.ftpListing(onlyTransfer(recording).id), [])
})

test('bytes of the control connection that were not recorded: the session goes on, its records say what is missing', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nRETR /f\r\n')
  const data = tape.data(control, 0)
  tape.says(control, 'down', '227 (127,0,0,1,9,9)\r\n150 Opening\r\n')
  tape.says(control, 'up', 'NOOP\r\nSTAT /half')
  tape.loses(control, 'down', 40)
  tape.says(data, 'down', 'all of it')
  tape.closes(data)
  tape.commits()
  const [session] = tape.live().ftpSessions()
  t.is(session!.ended, null, 'the session still lives')
  tape.says(control, 'up', '-way\r\nPASS hunter2\r\n')
  tape.says(control, 'down', '200 after\r\n')
  tape.closes(control)
  const recording = tape.recorded()
  const transfer = onlyTransfer(recording)
  t.like(transfer, { outcome: 'incomplete', error: '40 bytes of the control connection not recorded', bytes: 9, sha256: sha256(Buffer.from('all of it')) })
  const [connection] = recording.connections()
  t.is(await textOf(recording.stream(connection!.id, 'up')), 'PASV\r\nRETR /f\r\nNOOP\r\nSTAT /half-way\r\nPASS *******\r\n')
  t.deepEqual([...recording.ftpCommands()].map(({ verb, error }) => [verb, error]), [
    ['PASV', null],
    ['RETR', 'no reply that can be read: 40 bytes of the control connection not recorded'],
    ['NOOP', 'no reply that can be read: 40 bytes of the control connection not recorded'],
  ])
  t.not([...recording.ftpSessions()][0]!.ended, null)
})

test('after a hole in what the client said, what may be the end of a password is masked', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'USER someone\r\nPA')
  tape.loses(control, 'up', 4)
  tape.says(control, 'up', 'hun', 'ter2\r\nSYST\r\nPASS again\r\n')
  tape.closes(control)
  const recording = tape.recorded()
  const [connection] = recording.connections()
  t.is(await textOf(recording.stream(connection!.id, 'up')), 'USER someone\r\nPA*******\r\nSYST\r\nPASS *****\r\n')
})
