import { connect } from 'node:net'
import { runEnded } from '../../compare/sender-events.js'
import { conversation } from '../../conversation.js'
import { AnswerLimits } from '../answer-limits.js'
import { planConnections } from '../connection-plan.js'
import type { PlannedConnection } from '../connection-plan.js'
import { firstOf, inRecordedOrder } from '../in-order.js'
import { Patient } from '../patient.js'
import type { Waited } from '../patient.js'
import type { MakeSender, SenderOptions } from '../sender.js'
import type { Wire } from '../wire.js'
import { Turn } from './turn.js'

const defaultPatience = 5_000

/** Ms of silence after which an answer that isn't the recorded one is taken for complete. */
const afterDivergence = 300

/** Ms that a server is given for the rest of what it said, before the client's end: it may have waited for just that. */
const beforeEnd = 1_000

/**
 * Repeats TCP clients: what they said, each turn once the server has said as much as before it in the recording, and the end they made. A server that says
 * something else, or less, is answered all the same when it falls silent; one that says nothing is left.
 */
export const tcpSender: MakeSender = (options) => {
  const planned = planConnections(options).map((one) => ({ ...one, said: options.recording.lastSaidOn(one.id) ?? undefined }))
  return {
    ids: new Set(planned.map(({ id }) => id)),
    send: async (wire) => {
      options.run.begin(planned.length)
      const first = firstOf(planned)
      await inRecordedOrder(options, planned, first, (one, said) => repeat(options, wire, one, first, said))
    },
  }
}

async function repeat({ recording, run, settings, target }: SenderOptions, wire: Wire, planned: PlannedConnection, first: number, said: () => void): Promise<void> {
  const { id, endReason, bytesDown } = planned
  const patience = settings.patience ?? defaultPatience
  const limits = new AnswerLimits({ bytes: bytesDown, silence: 0, duration: 0 }, patience)
  const patient = new Patient(run.signal)
  const turn = new Turn(planned.began)
  const state = { ended: false, broken: false, came: 0 }
  const socket = connect({ host: wire.host, port: wire.port, noDelay: true, allowHalfOpen: true })
  const cut = (why: string): void => {
    if (state.ended) return
    wire.tell('left', why, socket.localPort ?? null)
    state.ended = true
    socket.destroy()
  }
  socket.on('data', (bytes) => {
    run.reached = true
    state.came += bytes.length
    turn.take(bytes)
    if (state.came > limits.bytes) cut(limits.tooMuch)
    patient.stir()
  })
  for (const event of ['end', 'error', 'close', 'drain']) {
    socket.on(event, () => {
      if (event !== 'drain') state.ended = true
      if (event === 'error') state.broken = true
      patient.stir()
    })
  }
  /** @param most ms of silence that are allowed beyond the recorded ones. */
  const answer = (most: number): Promise<Waited> => {
    const { silence, duration } = new AnswerLimits(turn.recorded, most)
    const allowed = (): number => turn.diverged ? Math.min(afterDivergence + turn.silence.within, silence) : silence
    return patient.until(() => turn.complete || state.ended, allowed, duration)
  }
  const wholeAnswer = async (): Promise<void> => {
    if (turn.complete) return
    const how = await answer(patience)
    const limits = new AnswerLimits(turn.recorded, patience)
    if (how === 'late') cut(limits.tooLong)
    else if (how === 'silent' && turn.silent) cut(limits.tooSilent)
  }
  // Everything recorded has come: a server that goes on talking isn't listened to for ever.
  const end = (silence = patience): Promise<unknown> => patient.until(() => state.ended, () => silence, silence)
  let allSaid = true
  let last = { direction: 'down', time: planned.began }
  for (const { direction, bytes, time } of conversation(recording, id)) {
    last = { direction, time }
    if (direction === 'down') {
      turn.expect(bytes, time)
      continue
    }
    await wholeAnswer()
    if (turn.expected > 0) turn.next(time)
    turn.asked(time)
    await run.until(time - first)
    if (state.ended || run.over) {
      allSaid = false
      break
    }
    run.sentAt(time - first)
    if (!socket.write(bytes)) await patient.until(() => !socket.writableNeedDrain || state.ended, () => patience, limits.duration + socket.writableLength)
  }
  // As long as it took until the connection's end.
  const rest = planned.ended ? (planned.over - last.time) / 1000 : 0
  if (endReason === 'client closed') await answer(Math.min(beforeEnd, patience))
  else await wholeAnswer()
  said()
  if (last.direction === 'up' && endReason?.startsWith('client ') === true) await end(Math.min(rest, patience))
  if (endReason === 'client reset') {
    // What was written has to be with the relay first.
    await patient.until(() => socket.writableLength === 0 || state.ended, () => patience, limits.duration)
    socket.resetAndDestroy()
  } else {
    if (endReason === 'server closed' || endReason === 'server reset') await end(patience + rest)
    if (run.over && !(allSaid && turn.complete)) wire.tell('left', runEnded, socket.localPort ?? null)
    socket.end()
    // It may have waited for just that.
    await wholeAnswer()
    await end()
  }
  patient.close()
  socket.destroy()
  run.sent++
  if (state.broken) await run.unanswered(target)
}
