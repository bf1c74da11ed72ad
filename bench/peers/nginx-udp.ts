import { mkdirSync, writeFileSync } from 'node:fs'
import { loopback } from '../ports.js'
import { pathOf, streamModule } from '../programs.js'
import { answering, freeUdpPort } from '../udp-port.js'
import { noTraces } from './peer.js'
import type { Peer } from './peer.js'

/** The yardstick: relays datagrams on one thread, in C, with a session for each client, and looks at none of them. */
export const nginxUdp: Peer = {
  name: 'nginx',
  program: 'nginx stream module',
  async start({ processes, scratch }, origin) {
    const port = await freeUdpPort()
    const folder = scratch.fresh('nginx')
    mkdirSync(folder)
    const file = `${folder}/nginx.conf`
    writeFileSync(file, configuration(port, origin, folder))
    const running = processes.start(pathOf('nginx'), ['-p', folder, '-e', 'stderr', '-c', file])
    await answering(port, running)
    return {
      port,
      async stop() {
        await running.stop()
        return noTraces
      },
    }
  },
}

/** The socket buffers are as large as those that wiretape asks for. */
function configuration(port: number, origin: number, folder: string): string {
  const module = streamModule()
  return `
    ${module === null || module === '' ? '' : `load_module ${module};`}
    daemon off;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log stderr error;
    events { worker_connections 4096; }
    stream {
      server {
        listen ${loopback}:${port} udp rcvbuf=4m sndbuf=4m;
        proxy_pass ${loopback}:${origin};
        proxy_timeout 60s;
      }
    }`
}
