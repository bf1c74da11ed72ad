import { mkdirSync, writeFileSync } from 'node:fs'
import type { Session } from '../bench.js'
import { accepting, freePort, loopback } from '../ports.js'
import { pathOf } from '../programs.js'
import type { Origin } from './nginx.js'

export interface FtpOrigin extends Origin {
  /** What anonymous users see, and may write to. */
  readonly folder: string
  /** The one port for passive data connections. */
  readonly dataPort: number
}

/**
 * The FTP server that everything is measured against. It has a process for each session.
 * @param oneDataPort passive data connections come to `dataPort` alone, which is enough for one session.
 */
export async function startVsftpd({ processes, scratch }: Session, oneDataPort = false): Promise<FtpOrigin> {
  const port = await freePort()
  const dataPort = await freePort()
  const folder = scratch.fresh('served')
  mkdirSync(folder)
  const file = scratch.fresh('vsftpd.conf')
  writeFileSync(file, configuration(port, oneDataPort ? dataPort : null, folder))
  const running = processes.start(pathOf('vsftpd'), [file])
  await accepting(port, running)
  return {
    port,
    folder,
    dataPort,
    async stop() {
      // Sessions outlive a vsftpd that is asked to end.
      running.kill()
      await running.ended
    },
  }
}

function configuration(port: number, dataPort: number | null, folder: string): string {
  const settings = {
    listen: 'YES', listen_address: loopback, listen_port: port, background: 'NO', connect_from_port_20: 'NO',
    // As whoever runs the bench: it needs neither root nor a user made for it, and the folder needn't be opened to all.
    run_as_launching_user: 'YES', seccomp_sandbox: 'NO', isolate: 'NO', isolate_network: 'NO',
    anonymous_enable: 'YES', local_enable: 'NO', no_anon_password: 'YES', anon_root: folder, anon_world_readable_only: 'NO',
    write_enable: 'YES', anon_upload_enable: 'YES', anon_other_write_enable: 'YES', anon_umask: '077',
    // Else it takes no more than 50 sessions from one address.
    max_clients: 0, max_per_ip: 0,
    use_sendfile: 'YES', xferlog_enable: 'NO',
    ...(dataPort === null ? {} : { pasv_min_port: dataPort, pasv_max_port: dataPort }),
  }
  return Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join('')
}
