import type { Socket } from 'node:net'
import { reasonOf } from '../../../error.js'
import { addressOf } from '../../../relay/connection.js'
import { Listener } from '../../../relay/listener.js'
import type { StartStandIn } from '../stand-in.js'
import { Conversation } from './conversation.js'
import { missOf } from './departure.js'
import { Narrowing } from './narrowing.js'
import { RecordedScripts } from './recorded-scripts.js'
import { Session } from './session.js'

/** A server that goes through recorded conversations again. */
export const startTcp: StartStandIn = async ({ recording, relays, listen, pace, after, tcp, onServed, onMiss, onProblem }) => {
  const sessions = new Set<Session>()
  let closed = false
  // Clients needn't wait with connecting until it is looked through, only for their first answer.
  let scripts: RecordedScripts | null = null
  const loaded = RecordedScripts.load(recording, relays, () => closed).then((found) => new Narrowing(scripts = found, after, tcp.reach))
  loaded.catch(() => {})
  const accept = (socket: Socket): void => {
    const client = addressOf(socket.remoteAddress, socket.remotePort)
    const session = new Session({
      socket, pace, onServed, onProblem,
      conversation: loaded.then((narrowing) => new Conversation(narrowing, tcp.compared)),
      onDeparture: (departure, opening) => onMiss(missOf(departure, opening, client, { name: 'recorded connection', id: (script) => scripts!.id(script), incomplete: scripts!.incomplete }, recording)),
    })
    sessions.add(session)
    socket.once('close', () => sessions.delete(session))
    void session.run()
  }
  const stop = async (): Promise<void> => {
    closed = true
    await loaded.catch(() => {})
  }
  const listener = await Listener.bind(listen, accept, (error) => onProblem(`accepting TCP connections failed: ${reasonOf(error)}`)).catch(async (thrown: unknown) => {
    await stop()
    throw thrown
  })
  return {
    address: listener.address,
    close: async () => {
      listener.close()
      await stop()
      for (const session of sessions) session.close()
      while (sessions.size > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    },
  }
}
