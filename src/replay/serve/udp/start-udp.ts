import type { RemoteInfo } from 'node:dgram'
import { reasonOf } from '../../../error.js'
import { addressOf } from '../../../relay/connection.js'
import { formatAddress } from '../../../relay/address.js'
import type { StartStandIn } from '../stand-in.js'
import { RecordedQuestions } from './recorded-questions.js'
import { Responder } from './responder.js'
import { bindDatagrams } from './socket.js'

/** Datagrams that may wait at once: for the recording to be read as far as they need, or for their recorded time. */
const mostWaiting = 4096

/** A server that gives recorded answers to datagrams. */
export const startUdp: StartStandIn = async ({ recording, relays, listen, pace, after, onServed, onMiss, onProblem }) => {
  const socket = await bindDatagrams(listen)
  const over = new AbortController()
  const questions = new RecordedQuestions(after)
  const responder = new Responder(recording, questions, onProblem)
  const reading = questions.read(recording, relays, () => over.signal.aborted)
  let waiting = 0

  const send = (bytes: Buffer, { address, port }: RemoteInfo): void => {
    if (over.signal.aborted) return
    onServed()
    socket.send(bytes, port, address, (error) => {
      if (error !== null) onProblem(`an answer of ${bytes.length} bytes to ${formatAddress({ host: address, port })} could not be sent: ${reasonOf(error)}`)
    })
  }

  const answer = async (bytes: Buffer, from: RemoteInfo, since: number): Promise<void> => {
    const found = await questions.whenTold(bytes, () => over.signal.aborted ? [] : responder.answer(bytes, addressOf(from.address, from.port)!))
    if (!('length' in found)) {
      onMiss(found)
      return
    }
    for (const { bytes: recorded, gap } of found) {
      if (pace.waits) await pace.until(gap, since, over.signal)
      send(recorded, from)
    }
  }

  socket.on('error', (error) => onProblem(`receiving datagrams failed: ${reasonOf(error)}`))
  socket.on('message', (bytes, from) => {
    // Datagrams beyond are lost, as they would be on the way.
    if (waiting >= mostWaiting) return
    waiting++
    const since = performance.now()
    void answer(bytes, from, since)
      .catch((thrown: unknown) => {
        if (!over.signal.aborted) onProblem(`a datagram could not be answered: ${reasonOf(thrown)}`)
      })
      .finally(() => waiting--)
  })

  const { address, port } = socket.address()
  return {
    address: { host: address, port },
    close: async () => {
      over.abort()
      await reading
      await new Promise<void>((resolve) => socket.close(() => resolve()))
    },
  }
}
