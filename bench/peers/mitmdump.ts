import { mkdirSync, writeFileSync } from 'node:fs'
import type { Session } from '../bench.js'
import { accepting, freePort, loopback } from '../ports.js'
import { pathOf } from '../programs.js'
import { noTraces } from './peer.js'
import type { Peer, RunningPeer } from './peer.js'

const addon = `
def response(flow):
    flow.response.headers["X-Bench"] = "yes"
`

/** mitmproxy without its screen, writing every flow to a file. */
export const mitmdump: Peer = {
  name: 'mitmdump',
  program: 'mitmdump',
  start: (session, origin) => {
    const flows = session.scratch.fresh('flows')
    return startMitmdump(session, origin, ['-w', flows], flows)
  },
}

/** The same, recording nothing, with an addon that sets a response header. */
export const mitmdumpAddon: Peer = {
  name: 'mitmdump, header',
  program: 'mitmdump',
  start: (session, origin) => {
    const script = `${session.scratch.fresh('addon')}.py`
    writeFileSync(script, addon)
    return startMitmdump(session, origin, ['-s', script], script)
  },
}

/** @param file what it leaves behind, to be taken away; null where that is wanted. */
export async function startMitmdump({ processes, scratch }: Session, origin: number, does: readonly string[], file: string | null): Promise<RunningPeer> {
  const port = await freePort()
  // Else it makes keys in the user's home.
  const configuration = scratch.fresh('mitmproxy')
  mkdirSync(configuration)
  const running = processes.start(pathOf('mitmdump'), [
    '-q', ...does, '--set', `confdir=${configuration}`,
    '--mode', `reverse:http://${loopback}:${origin}`, '--listen-host', loopback, '--listen-port', String(port),
  ])
  await accepting(port, running)
  return {
    port,
    async stop() {
      await running.stop()
      if (file !== null) scratch.discard(file)
      return noTraces
    },
  }
}
