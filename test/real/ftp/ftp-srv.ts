import { realpathSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { Lines, script, start } from '../program.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { FtpServer } from './server.js'

/** In a process of its own: it takes the process's signals for itself. */
export const ftpSrv = {
  name: 'ftp-srv',
  available: true,
  keepsBeforeRestart: false,
  start: async (t: ExecutionContext, host = '127.0.0.1'): Promise<FtpServer> => {
    const folder = realpathSync(temporaryFolder(t))
    const server = start(t, process.execPath, [script(import.meta.url, './children/ftp-srv.js'), host, folder])
    const [, port] = await new Lines(server.stdout).next(/^port (\d+)/)
    return { host, port: Number(port), folder, user: 'tester', password: 'secret', path: (name) => `/${name}` }
  },
}
