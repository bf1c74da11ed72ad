import { fileURLToPath } from 'node:url'
import { listening } from './listening.js'
import type { Peer } from './peer.js'

const script = fileURLToPath(new URL('http-proxy-process.js', import.meta.url))

/** The npm package with a keep-alive agent, recording nothing. */
export const httpProxy: Peer = {
  name: 'http-proxy',
  program: 'http-proxy',
  start: ({ processes }, origin) => listening(processes.start(process.execPath, [script, String(origin)])),
}
