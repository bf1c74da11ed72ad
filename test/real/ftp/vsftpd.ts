import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../free-port.js'
import { installed } from '../installed.js'
import { start } from '../program.js'
import { temporaryFolder } from '../temporary-folder.js'
import { accepting } from './server.js'
import type { FtpServer } from './server.js'

// It is installed where only administrators have it on their path.
const program = ['/usr/sbin/vsftpd', '/usr/local/sbin/vsftpd'].find((path) => existsSync(path)) ?? (installed('vsftpd') ? 'vsftpd' : null)

/** Serves anonymous users with no privileges of its own, so folders have their real names. */
export const vsftpd = {
  name: 'vsftpd',
  available: program !== null,
  keepsBeforeRestart: true,
  start: async (t: ExecutionContext, host = '127.0.0.1', settings: Readonly<Record<string, string>> = {}): Promise<FtpServer> => {
    const outer = realpathSync(temporaryFolder(t))
    const folder = join(outer, 'served')
    mkdirSync(folder)
    const port = await freePort()
    const ipv6 = host.includes(':')
    const configuration = join(outer, 'vsftpd.conf')
    const all = {
      listen: ipv6 ? 'NO' : 'YES', listen_ipv6: ipv6 ? 'YES' : 'NO', [ipv6 ? 'listen_address6' : 'listen_address']: host,
      listen_port: `${port}`, background: 'NO', run_as_launching_user: 'YES', seccomp_sandbox: 'NO', isolate: 'NO', isolate_network: 'NO',
      anonymous_enable: 'YES', local_enable: 'NO', anon_root: folder, write_enable: 'YES', anon_upload_enable: 'YES',
      anon_mkdir_write_enable: 'YES', anon_other_write_enable: 'YES', anon_world_readable_only: 'NO', anon_umask: '022',
      connect_from_port_20: 'NO', xferlog_enable: 'NO', ...settings,
    }
    writeFileSync(configuration, Object.entries(all).map(([name, value]) => `${name}=${value}\n`).join(''))
    start(t, program!, [configuration])
    await accepting(host, port)
    return { host, port, folder, user: 'anonymous', password: 'guest@example.com', path: (name) => `${folder}/${name}` }
  },
}
