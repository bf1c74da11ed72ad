import { loopback } from '../ports.js'
import { pathOf } from '../programs.js'
import { answering, freeUdpPort } from '../udp-port.js'
import { noTraces } from './peer.js'
import type { Peer } from './peer.js'

/** A process for each client address and port, each of which copies datagrams between two sockets. */
export const socat: Peer = {
  name: 'socat',
  program: 'socat',
  async start({ processes }, origin) {
    const port = await freeUdpPort()
    const running = processes.start(pathOf('socat'), [`UDP4-LISTEN:${port},bind=${loopback},fork`, `UDP4:${loopback}:${origin}`])
    await answering(port, running)
    return {
      port,
      async stop() {
        // Asked to end, it would leave its children behind.
        running.kill()
        await running.ended
        return noTraces
      },
    }
  },
}
