import type { Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../../recording/notes.js'
import type { Recording } from '../../../recording/recording.js'
import type { Said } from '../../conversation.js'
import { AnswerLimits } from '../answer-limits.js'
import { planConnections } from '../connection-plan.js'
import type { PlannedConnection } from '../connection-plan.js'
import { firstOf, inRecordedOrder } from '../in-order.js'
import type { Lingering } from '../in-order.js'
import { Patient } from '../patient.js'
import type { MakeSender, SenderOptions } from '../sender.js'
import type { Wire } from '../wire.js'
import { ClientSockets } from './client-sockets.js'

const defaultPatience = 2_000

/** Ms at the end in which answers may come that weren't recorded. */
const lateAnswers = 250

/** Sessions that are open at once: each has a socket of its own, and one of the relay's, also in the `lateAnswers` after it. */
const mostAtOnce = 200

/** Bytes that a datagram counts for beside its own: an empty one is one too. */
const ofDatagram = 64

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
    send: async (wire) => {
      const { run } = options
      run.begin(planned.length)
      const first = firstOf(planned)
      const sockets = new ClientSockets(wire.host, run.signal)
      await inRecordedOrder(options, planned, first, (one) => repeat(options, wire, sockets, one, first), mostAtOnce)
    },
  }
}

/** @returns what ends the session: answers may come that weren't recorded. */
async function repeat({ recording, run, settings }: SenderOptions, wire: Wire, sockets: ClientSockets, { id, bytesDown, began }: PlannedConnection, first: number): Promise<Lingering | void> {
  const opened = await sockets.open()
  if (opened === null) {
    run.begun.delete(id)
    return
  }
  if ('refused' in opened) {
    run.notes.push(`session ${id} was not sent, as it got no socket: ${opened.refused}`)
    return
  }
  const { socket, port } = opened
  const patience = settings.patience ?? defaultPatience
  const limits = new AnswerLimits({ bytes: bytesDown, silence: 0, duration: 0 }, patience)
  const patient = new Patient(run.signal)
  const answers = { expected: 0, came: 0, bytes: 0, refused: false, over: false }
  // µs, as recorded: when something was last sent or came; when what is awaited was asked for; the longest wait in it.
  const recorded = { last: began, asked: began, silence: 0 }
  const over = (): void => {
    if (answers.over) return
    answers.over = true
    wire.gone(port)
    sockets.close(socket)
    patient.stir()
  }
  socket.on('message', (bytes) => {
    run.reached = true
    answers.came++
    answers.bytes += bytes.length + ofDatagram
    if (answers.bytes > limits.bytes) {
      if (!answers.over) run.notes.push(`session ${id}: ${limits.tooMuch}`)
      over()
    }
    patient.stir()
  })
  wire.onRefused(port, (why) => {
    answers.refused = true
    if (!run.reached) run.giveUp(why)
    patient.stir()
  })
  const answered = async (): Promise<void> => {
    const { silence, duration } = new AnswerLimits({ bytes: bytesDown, silence: recorded.silence / 1000, duration: (recorded.last - recorded.asked) / 1000 }, patience)
    await patient.until(() => answers.came >= answers.expected || answers.refused || answers.over, () => silence, duration)
    // One that doesn't come now won't be waited for again.
    answers.came = Math.max(answers.came, answers.expected)
  }
  const unanswered = new Unanswered()
  for (const { direction, bytes, time } of datagrams(recording, id)) {
    if (direction === 'down') {
      unanswered.answered()
      answers.expected++
      recorded.silence = Math.max(recorded.silence, time - recorded.last)
      recorded.last = time
      continue
    }
    await answered()
    await run.until(time - first)
    if (run.over || answers.over) break
    run.sentAt(time - first)
    answers.refused = false
    recorded.silence = 0
    recorded.last = recorded.asked = time
    await sendOne(socket, bytes, wire)
    unanswered.sent(time)
  }
  await answered()
  patient.close()
  run.sent++
  return async () => {
    await sleep(Math.max(lateAnswers, unanswered.left(recording.connection(id).closed, patience)), undefined, { signal: run.signal }).catch(() => {})
    over()
  }
}

/** How long the client of a session waited for answers that didn't come: that long they may come now, and differ. */
class Unanswered {
  /** The last datagram, where nothing has come since: when it was sent, in µs as recorded, and on the clock of `performance.now()`. */
  #last: { readonly time: number, readonly now: number } | null = null
  #until = -Infinity

  /** @param time µs, as recorded. */
  sent(time: number): void {
    this.#waited(time)
    this.#last = { time, now: performance.now() }
  }

  answered(): void {
    this.#last = null
  }

  /** Ms until nothing is waited for any longer. @param closed µs: when the session ended; null where nobody knows. @param most ms that the last one is waited for. */
  left(closed: number | null, most: number): number {
    this.#waited(closed, most)
    return Math.max(0, this.#until - performance.now())
  }

  #waited(until: number | null, most = Infinity): void {
    if (this.#last !== null) this.#until = Math.max(this.#until, this.#last.now + Math.min(most, until === null ? Infinity : (until - this.#last.time) / 1000))
  }
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
