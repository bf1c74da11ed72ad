import { mkdirSync, writeFileSync } from 'node:fs'
import { accepting, freePort, loopback } from '../ports.js'
import { pathOf } from '../programs.js'
import { noTraces } from './peer.js'
import type { Peer } from './peer.js'

const addon = `
def response(flow):
    flow.response.headers["X-Bench"] = "yes"
`

/** mitmproxy without its screen, recording nothing, with an addon that sets a response header. */
export const mitmdumpAddon: Peer = {
  name: 'mitmdump, header',
  program: 'mitmdump',
  async start({ processes, scratch }, origin) {
    const port = await freePort()
    // Else it makes keys in the user's home.
    const configuration = scratch.fresh('mitmproxy')
    mkdirSync(configuration)
    const script = `${scratch.fresh('addon')}.py`
    writeFileSync(script, addon)
    const running = processes.start(pathOf('mitmdump'), [
      '-q', '-s', script, '--set', `confdir=${configuration}`,
      '--mode', `reverse:http://${loopback}:${origin}`, '--listen-host', loopback, '--listen-port', String(port),
    ])
    await accepting(port, running)
    return {
      port,
      async stop() {
        await running.stop()
        scratch.discard(script)
        return noTraces
      },
    }
  },
}
