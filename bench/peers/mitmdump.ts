import { mkdirSync } from 'node:fs'
import { accepting, freePort, loopback } from '../ports.js'
import { pathOf } from '../programs.js'
import { noTraces } from './peer.js'
import type { Peer } from './peer.js'

/** mitmproxy without its screen, writing every flow to a file. */
export const mitmdump: Peer = {
  name: 'mitmdump',
  program: 'mitmdump',
  async start({ processes, scratch }, origin) {
    const port = await freePort()
    const flows = scratch.fresh('flows')
    // Else it makes keys in the user's home.
    const configuration = scratch.fresh('mitmproxy')
    mkdirSync(configuration)
    const running = processes.start(pathOf('mitmdump'), [
      '-q', '-w', flows, '--set', `confdir=${configuration}`,
      '--mode', `reverse:http://${loopback}:${origin}`, '--listen-host', loopback, '--listen-port', String(port),
    ])
    await accepting(port, running)
    return {
      port,
      async stop() {
        await running.stop()
        scratch.discard(flows)
        return noTraces
      },
    }
  },
}
