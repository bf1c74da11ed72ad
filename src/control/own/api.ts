import { WiretapeError } from '../../error.js'
import type { Fault } from '../../relay/faults.js'
import type { Relay } from '../../relay/relay.js'
import { jsonAnswer } from '../answer.js'
import type { Api, Route } from '../routes.js'
import type { Shipped } from '../shipped.js'
import type { Turns } from '../turns.js'
import { errorAnswer, errorOf } from './errors.js'
import { faultRoutes } from './faults.js'
import { relayRoutes } from './relays.js'

/** Where all of it is, with the version that its shapes have. */
export const ownPath = '/wiretape/v1'

/** What the Toxiproxy API can't say: relays of all protocols, any plugin, connections, the journal. */
export function ownApi(relay: Relay, shipped: Shipped, turns: Turns, isToxic: (fault: Fault) => boolean): Api {
  const routes: Route[] = [
    ...relayRoutes(relay, turns, ownPath), ...faultRoutes(relay, shipped, isToxic, ownPath),
    { methods: ['GET'], path: `${ownPath}/connections`, answer: () => jsonAnswer(200, `${JSON.stringify(relay.connections())}\n`) },
    { methods: ['DELETE'], path: `${ownPath}/connections/:connection`, answer: ({ named, query }) => {
      const how = query.get('how') ?? 'close'
      if (how !== 'close' && how !== 'reset') throw new WiretapeError('usage', `how=${how}: expected close or reset`)
      const id = named('connection')
      if (!/^\d+$/.test(id) || !relay.cut(Number(id), how)) throw new WiretapeError('not-found', `there is no connection ${JSON.stringify(id)}, or it is over: GET ${ownPath}/connections lists those that are open`)
      return { status: 204 }
    } },
    { methods: ['GET'], path: `${ownPath}/seed`, answer: () => jsonAnswer(200, `${JSON.stringify({ seed: relay.seed })}\n`) },
    { methods: ['GET'], path: `${ownPath}/journal`, answer: ({ query }) => {
      const after = query.get('after') ?? '0'
      if (!/^\d{1,15}$/.test(after)) throw new WiretapeError('usage', `after=${after}: expected the number of an entry, such as the "last" of an earlier answer`)
      const kept = relay.journal()
      const entries = kept.filter(({ number }) => number > Number(after))
      return jsonAnswer(200, `${JSON.stringify({ entries, first: kept[0]?.number ?? null, last: entries.at(-1)?.number ?? Number(after) })}\n`)
    } },
  ]
  const index = jsonAnswer(200, `${JSON.stringify({ wiretape: 1, routes: routes.map(({ methods, path }) => `${methods.join(', ')} ${path}`) })}\n`)
  return {
    routes: [{ methods: ['GET'], path: ownPath, answer: () => index }, { methods: ['GET'], path: `${ownPath}/`, answer: () => index }, ...routes],
    unknown: (path) => errorOf(404, `there is nothing at ${path}: GET ${ownPath} tells what there is`, 'not-found'),
    wrongMethod: (allowed) => {
      const { headers, ...answer } = errorOf(405, `this takes ${allowed.join(', ')} alone`, 'usage')
      return { ...answer, headers: { ...headers, Allow: allowed.join(', ') } }
    },
    failed: errorAnswer,
  }
}
