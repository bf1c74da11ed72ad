import { noTraces } from './peer.js'
import type { Peer } from './peer.js'

/** Nothing in between: what origin and client reach by themselves. */
export const direct: Peer = {
  name: 'direct',
  program: null,
  start: (_session, origin) => Promise.resolve({ port: origin, stop: () => Promise.resolve(noTraces) }),
}
