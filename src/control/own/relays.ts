import { WiretapeError } from '../../error.js'
import { formatAddress, parseRelayAddress, protocols } from '../../relay/address.js'
import type { Protocol, RelayAddress } from '../../relay/address.js'
import type { RelayListener } from '../../relay/listeners.js'
import type { Relay } from '../../relay/relay.js'
import { jsonAnswer } from '../answer.js'
import { addressOfHost } from '../listen-host.js'
import { moveRelay } from '../move-relay.js'
import type { Asked, Route } from '../routes.js'
import type { Turns } from '../turns.js'
import { readObject } from './read-object.js'

/** Relays of every protocol: listed, added, moved, switched on and off, removed. */
export function relayRoutes(relay: Relay, turns: Turns, at: string): Route[] {
  const find = ({ named }: Asked): RelayListener => findRelay(relay, named('relay'))
  const json = (listener: RelayListener): string => JSON.stringify({ ...listener, ...relay.trafficOf(listener) })
  return [
    { methods: ['GET'], path: `${at}/relays`, answer: () => jsonAnswer(200, `[${relay.listeners.map(json).join(',')}]\n`) },
    { methods: ['POST'], path: `${at}/relays`, answer: async ({ body }) => {
      const { protocol, listen = 0, target, name = null, enabled = true } = readObject(await body(), { protocol: 'text', listen: 'place', target: 'text', name: 'text', enabled: 'switch' })
      if (protocol === undefined || !protocols.includes(protocol as Protocol)) throw new WiretapeError('usage', `protocol: expected one of ${protocols.join(', ')}`)
      if (target === undefined) throw new WiretapeError('usage', 'target is missing: what stands behind the relay, such as "127.0.0.1:5432"')
      if (name === null && !enabled) throw new WiretapeError('usage', 'name is missing: a relay that has no port yet can\'t be named after it')
      const address = await read(protocol as Protocol, listen, target)
      const added = await turns.take(() => {
        if (relay.listeners.some((one) => one.name === name)) throw new WiretapeError('exists', `there is a relay ${name} already: change it with PATCH, or name this one otherwise`)
        return relay.add(address, name, { enabled })
      })
      return jsonAnswer(201, `${json(added)}\n`)
    } },
    { methods: ['GET'], path: `${at}/relays/:relay`, answer: (asked) => jsonAnswer(200, `${json(find(asked))}\n`) },
    { methods: ['PATCH'], path: `${at}/relays/:relay`, answer: async (asked) => {
      find(asked)
      const { listen, target, enabled } = readObject(await asked.body(), { listen: 'place', target: 'text', enabled: 'switch' })
      const listener = find(asked)
      const before = relay.addressOf(listener)!
      const given = await read(listener.protocol, listen ?? 0, target ?? formatAddress(before.target))
      await turns.take(async () => {
        find(asked)
        const { host, port } = listener
        // What isn't named stays exactly what it was, however it was written.
        const after = { ...before, ...listen === undefined ? { listen: { host, port } } : { listen: given.listen }, ...target === undefined ? {} : { target: given.target } }
        await moveRelay(relay, listener, after, enabled ?? listener.enabled)
      })
      return jsonAnswer(200, `${json(listener)}\n`)
    } },
    { methods: ['DELETE'], path: `${at}/relays/:relay`, answer: async (asked) => {
      const listener = find(asked)
      await turns.take(() => relay.remove(listener))
      return { status: 204 }
    } },
  ]
}

/** @throws WiretapeError `not-found`. */
export function findRelay(relay: Relay, name: string): RelayListener {
  const found = relay.listeners.find((listener) => listener.name === name)
  if (found === undefined) throw new WiretapeError('not-found', `there is no relay ${JSON.stringify(name)}; there are ${relay.listeners.map((listener) => listener.name).join(', ') || 'none'}`)
  return found
}

/** @throws WiretapeError `usage`, `bind`. */
async function read(protocol: Protocol, listen: string | number, target: string): Promise<RelayAddress> {
  const address = parseRelayAddress(protocol, `${listen}=${target}`, protocol)
  try {
    return { ...address, listen: { ...address.listen, host: await addressOfHost(address.listen.host) } }
  } catch (thrown) {
    throw new WiretapeError('bind', `${listen} can't be listened on: ${(thrown as Error).message}`)
  }
}
