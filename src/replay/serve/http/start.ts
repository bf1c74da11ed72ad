import { WiretapeError } from '../../../error.js'
import { formatAddress } from '../../../relay/address.js'
import { Listener } from '../../../relay/listener.js'
import type { StandIn, StandInOptions } from '../stand-in.js'
import { AnswerCache } from './answer-cache.js'
import { Forwarder } from './forwarder.js'
import { readAnswer } from './recorded-answer.js'
import { RecordedRequests } from './recorded-requests.js'
import { ServedConnection } from './served-connection.js'
import type { Site } from './site.js'
import { Tunnels } from './tunnels.js'

/** Stands in for a recorded HTTP server. */
export async function startHttp(options: StandInOptions): Promise<StandIn> {
  const { recording, after, http: settings, listen, target, onProblem } = options
  const { onMiss } = settings
  let relays = options.relays
  let requests = new RecordedRequests({
    recording, relays, after, rulesFor: settings.rulesFor, onlyEnded: onMiss.kind === 'record', newest: onMiss.kind === 'record' ? recording.newestExchange() : Infinity,
    isWhole: (id) => readAnswer(recording, id).incomplete === null,
  })
  const connections = new Set<ServedConnection>()
  let forwarder: Forwarder | null = null
  const site: Site = {
    ...options, settings, answers: new AnswerCache(recording), tunnels: new Tunnels(recording, after, options.tcp),
    get forwarder() { return forwarder },
    get relays() { return relays },
    get requests() { return requests },
  }
  const listener = await Listener.bind(listen, (socket) => {
    const connection: ServedConnection = new ServedConnection(socket, site, () => connections.delete(connection))
    connections.add(connection)
  }, (error) => onProblem(`accepting failed: ${error.message}`))
  try {
    if (onMiss.kind !== 'fail') {
      const { host, port } = onMiss.target
      if (port === listener.address.port && [listener.address.host, 'localhost', '127.0.0.1', '::1'].includes(host)) {
        throw new WiretapeError('usage', `--on-miss ${onMiss.kind}=${onMiss.target.text}: that is where this listens itself (${formatAddress(listener.address)})`)
      }
      forwarder = await Forwarder.open(onMiss, recording, target, () => {
        const recorders = recording.relays().filter((relay) => relay.listen === `127.0.0.1:${forwarder?.port}`).map(({ id }) => id)
        relays = [...new Set([...relays, ...recorders])]
        requests = requests.grown(relays)
      })
    }
  } catch (thrown) {
    listener.close()
    throw thrown
  }
  return {
    address: listener.address,
    async close() {
      listener.close()
      for (const connection of connections) connection.destroy()
      while (connections.size > 0) await new Promise((resolve) => { setTimeout(resolve, 1) })
      await forwarder?.close()
    },
  }
}
