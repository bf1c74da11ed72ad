import { fileURLToPath } from 'node:url'
import { listening } from './listening.js'
import type { Peer } from './peer.js'

const script = fileURLToPath(new URL('bare-udp-process.js', import.meta.url))

/** How quick any relay on Node can be: what it costs to receive and send with node:dgram, and nothing else. */
export const bareUdp: Peer = {
  name: 'node:dgram, bare',
  program: null,
  start: ({ processes }, origin) => listening(processes.start(process.execPath, [script, String(origin)])),
}
