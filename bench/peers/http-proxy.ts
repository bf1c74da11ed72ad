import { fileURLToPath } from 'node:url'
import { noTraces } from './peer.js'
import type { Peer } from './peer.js'

const script = fileURLToPath(new URL('http-proxy-process.js', import.meta.url))

/** The npm package with a keep-alive agent, recording nothing. */
export const httpProxy: Peer = {
  name: 'http-proxy',
  program: 'http-proxy',
  async start({ processes }, origin) {
    const running = processes.start(process.execPath, [script, String(origin)])
    const { port } = JSON.parse(await running.firstLine()) as { port: number }
    return {
      port,
      async stop() {
        await running.stop()
        return noTraces
      },
    }
  },
}
