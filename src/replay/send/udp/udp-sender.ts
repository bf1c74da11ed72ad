import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../../recording/notes.js'
import type { Recording } from '../../../recording/recording.js'
import { isIPv6 } from 'node:net'
import type { Said } from '../../conversation.js'
import { planConnections } from '../connection-plan.js'
import type { PlannedConnection } from '../connection-plan.js'
import { firstOf, inRecordedOrder } from '../in-order.js'
import { Patient } from '../patient.js'
import type { MakeSender, SenderOptions } from '../sender.js'

const defaultPatience = 2_000

/** Ms at the end in which answers may come that weren't recorded. */
const lateAnswers = 250

/** Repeats UDP clients: a socket for each session, its datagrams in their order, each once as many answers have come as before it in the recording. */
export const udpSender: MakeSender = (options) => {
  // A session is open until it was idle for long: it was over with its last datagram.
  const last = new Map<number, { first: number, last: number, asked: boolean }>()
  for (const { connectionId, time, direction } of options.recording.datagrams()) {
    const known = last.get(connectionId)
    if (known === undefined) last.set(connectionId, { first: time, last: time, asked: direction === 'up' })
    else {
      known.last = time
      if (direction === 'up') known.asked = true
    }
  }
  const planned = planConnections(options).flatMap((one): PlannedConnection[] => {
    const span = last.get(one.id)
    return span?.asked === true ? [{ ...one, began: span.first, over: span.last }] : []
  })
  return {
    ids: new Set(planned.map(({ id }) => id)),
    send: async (relay) => {
      options.run.begin(planned.length)
      const first = firstOf(planned)
      await inRecordedOrder(options, planned, first, (one) => repeat(options, relay, one, first))
      await sleep(lateAnswers)
    },
  }
}

async function repeat({ recording, run, settings }: SenderOptions, relay: Address, { id }: PlannedConnection, first: number): Promise<void> {
  const patience = settings.patience ?? defaultPatience
  const patient = new Patient()
  const answers = { expected: 0, came: 0 }
  const socket = createSocket(isIPv6(relay.host) ? 'udp6' : 'udp4')
  socket.on('error', () => {})
  socket.on('message', () => {
    run.reached = true
    answers.came++
    patient.stir()
  })
  const answered = (): Promise<boolean> => patient.until(() => answers.came >= answers.expected, () => patience)
  for (const { direction, bytes, time } of datagrams(recording, id)) {
    if (direction === 'down') {
      answers.expected++
      continue
    }
    // One that doesn't come now won't be waited for again.
    if (!await answered()) answers.came = answers.expected
    await run.until(time - first)
    if (run.over) break
    run.sentAt(time - first)
    await sendOne(socket, bytes, relay)
  }
  await answered()
  socket.close()
  run.sent++
}

/** What the system refuses (too large, no way) is lost, as datagrams are. */
function sendOne(socket: Socket, bytes: Buffer, { host, port }: Address): Promise<void> {
  return new Promise((resolve) => { socket.send(bytes, port, host, () => resolve()) })
}

/** A session's datagrams in their order: what the server got, and what it said. */
function* datagrams(recording: Recording, id: number): Generator<Said> {
  for (const { direction, bytes, time, changed } of recording.datagrams({ where: `connection_id = ${id}` })) {
    if (direction === 'down' || !changed) yield { direction, bytes, time }
    else for (const sent of sentInstead(recording, id, time)) yield sent
  }
}

/** What plugins made of the datagrams that came at this time: changed ones, several, or none where it was dropped. */
function sentInstead(recording: Recording, id: number, time: number): Said[] {
  const [received] = recording.segments({ where: `connection_id = ${id} AND direction = 'up' AND leg = 'received' AND time = ${time}`, limit: 1 })
  if (received === undefined) return []
  const sent = [...recording.segments({ where: `connection_id = ${id} AND direction = 'up' AND leg = 'sent' AND "offset" = ${received.offset}` })]
  const copies = sent.filter(({ bytes }) => bytes.length > 0)
  const itself = sent.some(({ replaces }) => replaces !== 0) ? [] : [received]
  return [...itself, ...copies].map(({ bytes, time }) => ({ direction: 'up', bytes, time }))
}
