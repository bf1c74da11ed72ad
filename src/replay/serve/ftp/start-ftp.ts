import { Listener } from '../../../relay/listener.js'
import type { StandIn, StandInOptions } from '../stand-in.js'
import { ControlSession } from './control-session.js'
import type { Served } from './control-session.js'
import { ClosestCommands } from './misses.js'
import { ReplySource } from './recorded-replies.js'
import { SessionReader } from './recorded-sessions.js'
import { Script } from './script.js'

/** Stands in for a recorded FTP server. @throws WiretapeError `bind`, or `usage` where no session was recorded. */
export async function startFtp(options: StandInOptions): Promise<StandIn> {
  const { recording, relays, listen, after, onProblem } = options
  const recorded = new SessionReader(recording, relays)
  let closest: ClosestCommands | null = null
  const served: Served = {
    options, recorded, script: new Script(recorded, after), replies: new ReplySource(recording),
    // Asked for once all has been read.
    get closest() { return closest ??= new ClosestCommands(recorded.commands) },
  }
  const open = new Set<ControlSession>()
  let emptied: (() => void) | null = null
  const listener = await Listener.bind(listen, (socket) => {
    open.add(new ControlSession(socket, served, (session) => {
      open.delete(session)
      if (open.size === 0) emptied?.()
    }))
  }, (error) => onProblem(`accepting FTP connections failed: ${error.message}`))
  const reading = recorded.read()
  return {
    address: listener.address,
    close: async () => {
      listener.close()
      recorded.stop()
      if (open.size > 0) await new Promise<void>((resolve) => {
        emptied = resolve
        for (const session of open) session.destroy()
      })
      await reading
    },
  }
}
