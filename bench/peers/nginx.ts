import { mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Session } from '../bench.js'
import { accepting, freePort, loopback } from '../ports.js'
import { pathOf } from '../programs.js'

export interface Origin {
  readonly port: number
  stop(): Promise<unknown>
}

/** The origin server: one nginx worker that serves a folder. It is faster than everything that is measured. */
export async function startNginx({ processes, scratch }: Session, served: string): Promise<Origin> {
  const port = await freePort()
  const folder = scratch.fresh('nginx')
  mkdirSync(folder)
  const file = `${folder}/nginx.conf`
  writeFileSync(file, configuration(port, served, folder))
  const running = processes.start(pathOf('nginx'), ['-p', folder, '-e', 'stderr', '-c', file])
  await accepting(port, running)
  return { port, stop: () => running.stop() }
}

function configuration(port: number, served: string, folder: string): string {
  // Started by root, the worker would drop to a user who can't see the temporary folder.
  const user = process.getuid?.() === 0 ? `user ${userInfo().username};` : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((use) => `${use}_temp_path ${folder};`).join(' ')
  return `
    ${user}
    daemon off;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log stderr error;
    events { worker_connections 4096; }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      keepalive_requests 1000000000;
      keepalive_timeout 1h;
      ${temporary}
      server { listen ${loopback}:${port}; root ${served}; }
    }`
}
