import { writeFileSync } from 'node:fs'
import { accepting, freePort, loopback } from '../ports.js'
import { pathOf } from '../programs.js'
import { noTraces } from './peer.js'
import type { Peer } from './peer.js'

/** The yardstick: moves bytes in TCP mode on one thread, in C, and looks at none of them. */
export const haproxy: Peer = {
  name: 'haproxy',
  program: 'haproxy',
  async start({ processes, scratch }, origin) {
    const port = await freePort()
    const file = scratch.fresh('haproxy.cfg')
    writeFileSync(file, configuration(port, origin))
    const running = processes.start(pathOf('haproxy'), ['-db', '-f', file])
    await accepting(port, running)
    return {
      port,
      async stop() {
        await running.stop()
        return noTraces
      },
    }
  },
}

function configuration(port: number, origin: number): string {
  return `
global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
frontend in
  bind ${loopback}:${port}
  default_backend origin
backend origin
  server origin ${loopback}:${origin}
`
}
