import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import { exportRecording } from 'wiretape'
import { within } from '../real/deadline.js'
import { serve } from '../real/peer.js'
import { bytesOf, onlyConnection, onlyExchange, opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { onlyTransfer } from '../ftp/sound.js'
import { Ingesting } from '../recording/ingesting.js'
import { startWiretape, wiretape } from './wiretape.js'

test('a stream with holes is printed with its gaps told, and is incomplete in the timeline', async (t) => {
  const tape = new Ingesting(t)
  const handle = tape.opens('tcp')
  tape.says(handle, 'up', 'begin')
  tape.loses(handle, 'up', 1000)
  tape.says(handle, 'up', 'middle')
  tape.loses(handle, 'up', 20)
  tape.says(handle, 'down', 'whole')
  tape.closes(handle)
  const whole = tape.opens('tcp')
  tape.says(whole, 'up', 'x')
  tape.closes(whole)
  const recording = tape.recorded()
  const [id, other] = [...recording.connections()].map((connection) => connection.id) as [number, number]
  t.deepEqual(recording.missing(id), [{ direction: 'up', bytes: 1020, offset: 5 }])
  t.deepEqual([recording.missing(id, 'response'), recording.missing(other)], [[], []])
  t.like(recording.record(id), { outcome: 'incomplete', error: '1020 bytes not recorded' })
  t.like(recording.record(other), { outcome: 'client closed', error: null })
  const line = `wiretape: record ${id} is not whole: 1020 bytes of what the client said were not recorded, the first at byte 5 of that stream\n`
  for (const words of [['show', tape.path, String(id), '--raw'], ['export', tape.path, '--format', 'raw', '--id', String(id)]]) {
    const { code, stdout, stderr } = await wiretape(t, ...words)
    t.deepEqual([code, stdout.toString(), stderr], [1, 'beginmiddlewhole', line])
    t.like(await wiretape(t, ...words, '--body', 'response'), { code: 0, stderr: '' })
  }
  t.like(await wiretape(t, 'show', tape.path, String(other), '--raw'), { code: 0, stderr: '' })
  const output = join(temporaryFolder(t), 'bytes')
  t.is((await wiretape(t, 'export', tape.path, '--format', 'raw', '--id', String(id), '-o', output)).code, 1)
  t.is(readFileSync(output, 'utf8'), 'beginmiddlewhole')
  t.deepEqual(await exportRecording(tape.path, { format: 'raw', id, output, overwrite: true }), { missing: recording.missing(id) })
  t.regex((await wiretape(t, 'ls', tape.path)).stdout.toString(), /incomplete.*\n.*client closed/)
})

test('an exchange that a gap has cut: the body that is short is told, the one before it isn\'t', async (t) => {
  const tape = new Ingesting(t)
  const handle = tape.opens('http')
  tape.says(handle, 'up', 'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc')
  tape.says(handle, 'down', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin')
  tape.loses(handle, 'down', 95)
  tape.closes(handle)
  const { id } = onlyExchange(tape.recorded())
  t.like(await wiretape(t, 'show', tape.path, String(id), '--body', 'request'), { code: 0, stderr: '' })
  const { code, stdout, stderr } = await wiretape(t, 'show', tape.path, String(id), '--body', 'response')
  t.deepEqual([code, stdout.toString()], [1, 'begin'])
  t.regex(stderr, /^wiretape: record \d+ is not whole: 95 bytes of what the server said were not recorded, the first at byte 45 of that stream\n$/)
})

test('an upload that a gap has cut, and exchanges before it', async (t) => {
  const tape = new Ingesting(t)
  const handle = tape.opens('http')
  tape.says(handle, 'up', 'GET /whole HTTP/1.1\r\nHost: h\r\n\r\n')
  tape.says(handle, 'down', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  tape.says(handle, 'up', 'POST /cut HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n')
  tape.loses(handle, 'up', 10)
  tape.closes(handle)
  const recording = tape.recorded()
  const [whole, cut] = [...recording.exchanges()]
  t.deepEqual(recording.missing(whole!.id), [])
  t.like(recording.missing(cut!.id, 'request')[0], { direction: 'up', bytes: 10 })
})

test('a transfer of which bytes are missing, and its session', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\nRETR /f\r\n')
  const data = tape.data(control, 0)
  tape.says(control, 'down', '227 (127,0,0,1,9,9)\r\n150 Opening\r\n')
  tape.says(data, 'down', 'begin')
  tape.loses(data, 'down', 5000)
  tape.closes(data)
  tape.loses(control, 'down', 40)
  tape.closes(control)
  const recording = tape.recorded()
  const { id } = onlyTransfer(recording)
  t.deepEqual(recording.missing(id, 'request'), [{ direction: 'down', bytes: 5000, offset: 5 }])
  const [session] = recording.ftpSessions()
  t.like(recording.missing(session!.id)[0], { direction: 'down', bytes: 40 })
  t.like(await wiretape(t, 'show', tape.path, String(id), '--body', 'response'), { code: 1, stdout: Buffer.from('begin') })
})

test('record --slow-disk drop says at its end how much is not recorded', async (t) => {
  const arrived = createHash('sha256')
  const { port } = await serve(t, (socket) => {
    socket.on('data', (bytes) => arrived.update(bytes))
    socket.on('end', () => socket.end())
  })
  const file = join(temporaryFolder(t), 'x.sqlite')
  const running = startWiretape(t, 'record', '-o', file, '--slow-disk', 'drop', '--tcp', `0=127.0.0.1:${port}`)
  const relay = Number((await running.lines.next(/^tcp +127\.0\.0\.1:(\d+) /))[1])
  await running.lines.next(/^recording to/)
  // Another program is at the file: the recorder waits for it, as it would for a slow disk.
  const busy = new Sqlite(file)
  t.teardown(() => busy.close())
  busy.exec('BEGIN IMMEDIATE')
  const socket = connect(relay, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const sent = createHash('sha256')
  const piece = Buffer.alloc(64 * 1024, 'slow disk ')
  for (let n = 0; n < 800; n++) {
    sent.update(piece)
    await within(new Promise<void>((resolve) => socket.write(piece, () => resolve())), 'a piece to be sent')
  }
  const over = new Promise((resolve) => socket.once('end', resolve))
  socket.end()
  socket.resume()
  await within(over, 'everything to arrive')
  t.is(arrived.digest('hex'), sent.digest('hex'))
  busy.close()
  running.signal('SIGTERM')
  t.is((await running.ended).code, 0)
  const recording = opening(t, file)
  const { id, droppedUp } = onlyConnection(recording)
  t.true(droppedUp > 0)
  t.is(running.stderr(), `wiretape: ${droppedUp} bytes were not recorded: the disk was too slow; events of the kind dropped tell where\n`)
  const [missing] = recording.missing(id)
  t.is((await bytesOf(recording.stream(id, 'up'))).length + missing!.bytes, 800 * piece.length)
})
