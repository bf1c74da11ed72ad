import { reasonOf } from '../../error.js'
import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { Address } from '../../recording/notes.js'
import { closing, opening } from '../connection-hooks.js'
import { retargetTo } from '../retarget.js'
import type { UdpSession, UdpSessionEnding } from './session.js'
import { resolveTarget } from './target.js'

/**
 * Asks the plugins before the server is dialled; datagrams that come meanwhile wait in the session.
 * @param servers the relay's target, as it is known then.
 */
export function askToOpen(plugins: ConnectionPlugins, session: UdpSession, servers: () => readonly Address[]): void {
  if (!plugins.has(opening)) {
    session.dial(servers())
    return
  }
  plugins.run(opening, null, (call) => call(plugins.info), (actions) => {
    if (actions.some(({ action }) => action === 'close' || action === 'reset')) {
      // The datagram that opened it is still to be recorded.
      queueMicrotask(() => session.close('refused by a plugin'))
      return
    }
    const to = actions.findLast((action) => action.action === 'retarget')
    if (to === undefined) session.dial(servers())
    else void retargeted(to.target, plugins).then((found) => session.dial(found ?? servers()))
  })
}

export function askToClose(plugins: ConnectionPlugins, session: UdpSession, { reason, error }: UdpSessionEnding): void {
  if (!plugins.has(closing)) return
  const { up, down } = session.bytes
  plugins.run(closing, null, (call) => call({ connection: plugins.info, reason, error, bytesUp: up, bytesDown: down }), () => {})
}

async function retargeted(target: string, plugins: ConnectionPlugins): Promise<readonly Address[] | null> {
  try {
    return await resolveTarget(retargetTo('udp', target, plugins.info))
  } catch (thrown) {
    plugins.tell({ kind: 'plugin-failed', source: 'relay', hook: opening.path, text: `retarget(${target}): ${reasonOf(thrown)}; it goes to ${plugins.info.target}` })
    return null
  }
}
