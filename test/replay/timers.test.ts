import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { within } from '../real/deadline.js'
import { Pace } from '../../src/replay/pace.js'
import { AnswerLimits } from '../../src/replay/send/answer-limits.js'
import { HttpConnection } from '../../src/replay/send/http/http-connection.js'
import { Patient } from '../../src/replay/send/patient.js'
import type { Wire } from '../../src/replay/send/wire.js'

/*
 * A timer of more than 2^31-1 ms goes off at once.
 */

const tooLong = 2 ** 31 + 1_000

test('waits that are longer than any timer go on', async (t) => {
  const patient = new Patient(new AbortController().signal)
  let there = false
  setTimeout(() => {
    there = true
    patient.stir()
  }, 100)
  t.is(await within(patient.until(() => there, () => tooLong, 2 * tooLong), 'the wait to end'), 'there')
  patient.close()
})

test('so does a recorded gap', async (t) => {
  const ending = new AbortController()
  let over = false
  const waiting = new Pace('recorded', '--speed').until(tooLong * 1000, performance.now(), ending.signal).then(() => { over = true })
  await new Promise((resolve) => { setTimeout(resolve, 100) })
  t.false(over)
  ending.abort()
  await within(waiting, 'the wait to end')
})

test('HTTP: an answer that its client waited so long for is waited for', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 100))
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  const wire = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, tell() {} } as unknown as Wire
  const connection = new HttpConnection(wire, new AbortController().signal)
  const limits = new AnswerLimits({ bytes: 2, silence: tooLong, duration: tooLong }, 60_000)
  t.is(await within(connection.exchange('GET', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')], { limits, enough: null, waited: tooLong }), 'the answer'), 'whole')
  connection.close()
})
