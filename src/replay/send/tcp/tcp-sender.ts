import { connect } from 'node:net'
import type { Address } from '../../../recording/notes.js'
import { conversation } from '../../conversation.js'
import { planConnections } from '../connection-plan.js'
import type { PlannedConnection } from '../connection-plan.js'
import { firstOf, inRecordedOrder } from '../in-order.js'
import { Patient } from '../patient.js'
import type { MakeSender, SenderOptions } from '../sender.js'
import { Turn } from './turn.js'

const defaultPatience = 5_000

/** Ms of silence after which an answer that isn't the recorded one is taken for complete. */
const afterDivergence = 300

/** Ms that a server is given for the rest of what it said, before the client's end: it may have waited for just that. */
const beforeEnd = 1_000

/**
 * Repeats TCP clients: what they said, each turn once the server has said as much as before it in the recording, and the end they made. A server that says
 * something else is answered all the same when it falls silent.
 */
export const tcpSender: MakeSender = (options) => {
  const planned = planConnections(options)
  return {
    ids: new Set(planned.map(({ id }) => id)),
    send: async (relay) => {
      options.run.begin(planned.length)
      const first = firstOf(planned)
      await inRecordedOrder(options, planned, first, (one) => repeat(options, relay, one, first))
    },
  }
}

async function repeat({ recording, run, settings, target }: SenderOptions, relay: Address, { id, endReason }: PlannedConnection, first: number): Promise<void> {
  const patience = settings.patience ?? defaultPatience
  const patient = new Patient()
  const turn = new Turn()
  const state = { ended: false, broken: false }
  const socket = connect({ host: relay.host, port: relay.port, noDelay: true, allowHalfOpen: true })
  socket.on('data', (bytes) => {
    run.reached = true
    turn.take(bytes)
    patient.stir()
  })
  for (const event of ['end', 'error', 'close', 'drain']) {
    socket.on(event, () => {
      if (event !== 'drain') state.ended = true
      if (event === 'error') state.broken = true
      patient.stir()
    })
  }
  const answer = (silence: number): Promise<boolean> => patient.until(() => turn.complete || state.ended, () => turn.diverged ? Math.min(afterDivergence, silence) : silence)
  // Everything recorded has come: a server that goes on talking isn't listened to for ever.
  const end = (): Promise<boolean> => patient.until(() => state.ended, () => patience, patience)
  for (const { direction, bytes, time } of conversation(recording, id)) {
    if (direction === 'down') {
      turn.expect(bytes)
      continue
    }
    if (!turn.complete) await answer(patience)
    if (turn.expected > 0) turn.next()
    await run.until(time - first)
    if (state.ended || run.over) break
    run.sentAt(time - first)
    if (!socket.write(bytes)) await patient.until(() => !socket.writableNeedDrain || state.ended, () => patience)
  }
  await answer(endReason === 'client closed' ? Math.min(beforeEnd, patience) : patience)
  if (endReason === 'client reset') {
    // What was written has to be with the relay first.
    await patient.until(() => socket.writableLength === 0 || state.ended, () => patience)
    socket.resetAndDestroy()
  } else {
    if (endReason === 'server closed' || endReason === 'server reset') await end()
    socket.end()
    await end()
  }
  socket.destroy()
  run.sent++
  if (state.broken) await run.unanswered(target)
}
