import { Listener } from '../../../relay/listener.js'
import type { StandIn, StandInOptions } from '../stand-in.js'
import { ControlSession } from './control-session.js'
import type { Served } from './control-session.js'
import { ClosestCommands } from './misses.js'
import { ReplySource } from './recorded-replies.js'
import { readSessions } from './recorded-sessions.js'
import { Script } from './script.js'

/** Stands in for a recorded FTP server. @throws WiretapeError `bind`, or `usage` where no session was recorded. */
export async function startFtp(options: StandInOptions): Promise<StandIn> {
  const { recording, relays, listen, after, onProblem } = options
  const recorded = readSessions(recording, relays)
  const served: Served = { options, recorded, script: new Script(recorded, after), replies: new ReplySource(recording), closest: new ClosestCommands(recorded.commands) }
  const open = new Set<ControlSession>()
  let emptied: (() => void) | null = null
  const listener = await Listener.bind(listen, (socket) => {
    open.add(new ControlSession(socket, served, (session) => {
      open.delete(session)
      if (open.size === 0) emptied?.()
    }))
  }, (error) => onProblem(`accepting FTP connections failed: ${error.message}`))
  return {
    address: listener.address,
    close: async () => {
      listener.close()
      if (open.size === 0) return
      await new Promise<void>((resolve) => {
        emptied = resolve
        for (const session of open) session.destroy()
      })
    },
  }
}
