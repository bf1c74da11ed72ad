import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { Lines, start } from '../program.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { FtpServer } from './server.js'

// A system has more than one python, and seldom the library in each.
const python = ['python3', '/usr/bin/python3', '/usr/local/bin/python3']
  .find((program) => spawnSync(program, ['-c', 'import pyftpdlib'], { stdio: 'ignore' }).status === 0)

const serving = `
import sys, logging
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
host, folder = sys.argv[1:]
logging.basicConfig(level=logging.ERROR)
authorizer = DummyAuthorizer()
authorizer.add_user('tester', 'secret', folder, perm='elradfmwMT')
class Handler(FTPHandler):
    pass
Handler.authorizer = authorizer
server = FTPServer((host, 0), Handler)
print('port', server.socket.getsockname()[1], flush=True)
server.serve_forever()
`

export const pyftpdlib = {
  name: 'pyftpdlib',
  available: python !== undefined,
  keepsBeforeRestart: true,
  start: async (t: ExecutionContext, host = '127.0.0.1'): Promise<FtpServer> => {
    const folder = realpathSync(temporaryFolder(t))
    const server = start(t, python!, ['-W', 'ignore', '-c', serving, host, folder])
    const [, port] = await new Lines(server.stdout).next(/^port (\d+)/)
    return { host, port: Number(port), folder, user: 'tester', password: 'secret', path: (name) => `/${name}` }
  },
}
