import { writeFileSync } from 'node:fs'
import { accepting, freePort, loopback } from '../ports.js'
import { pathOf } from '../programs.js'
import { noTraces } from './peer.js'
import type { Peer, RunningPeer } from './peer.js'
import type { Session } from '../bench.js'

/** The yardstick: moves bytes in TCP mode on one thread, in C, and looks at none of them. */
export const haproxy: Peer = {
  name: 'haproxy',
  program: 'haproxy',
  start: async (session, origin) => relaying(session, loopback, [{ from: await freePort(), to: origin }], false),
}

/**
 * The same for FTP's two connections, which it can carry only where it is told the one data port beforehand. It splices: the bytes go from socket
 * to socket inside the kernel, so that this is what a relay costs at the least. It has an address of its own, as its data port is the server's.
 */
export function haproxyForFtp(dataPort: () => number): Peer {
  return {
    name: 'haproxy, splicing',
    program: 'haproxy',
    start: async (session, origin) => relaying(session, '127.0.0.2', [{ from: await freePort(), to: origin }, { from: dataPort(), to: dataPort() }], true),
  }
}

type Way = { readonly from: number, readonly to: number }

async function relaying({ processes, scratch }: Session, host: string, ways: readonly [Way, ...Way[]], splices: boolean): Promise<RunningPeer> {
  const port = ways[0].from
  const file = scratch.fresh('haproxy.cfg')
  writeFileSync(file, configuration(host, ways, splices))
  const running = processes.start(pathOf('haproxy'), ['-db', '-f', file])
  await accepting(port, running, host)
  return {
    port,
    host,
    async stop() {
      await running.stop()
      return noTraces
    },
  }
}

function configuration(host: string, ways: readonly Way[], splices: boolean): string {
  return `
global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
${splices ? '  option splice-request\n  option splice-response' : ''}
  timeout connect 10s
  timeout client 10m
  timeout server 10m
${ways.map(({ from, to }, n) => `
listen way${n}
  bind ${host}:${from}
  server origin ${loopback}:${to}
`).join('')}`
}
