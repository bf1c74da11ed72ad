import { WiretapeError } from '../error.js'
import type { ConnectionInfo } from '../plugins/messages.js'
import { parseTarget } from './address.js'
import type { Protocol, Target } from './address.js'
import { leadsTo } from './loops.js'

/**
 * Where a plugin sends a connection, or a request of it. Back to where it came in, each connection would make another one, until the machine
 * has none left.
 * @throws WiretapeError `usage`: no target, or the relay itself.
 */
export function retargetTo(protocol: Protocol, text: string, { listen }: ConnectionInfo): Target {
  const target = parseTarget(protocol, text)
  if (listen !== null && leadsTo(target, listen)) throw new WiretapeError('usage', 'that is this relay itself')
  return target
}
