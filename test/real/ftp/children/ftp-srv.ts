import { randomInt } from 'node:crypto'
import { createRequire } from 'node:module'
import type { AddressInfo, Server } from 'node:net'
import type { FtpServer } from 'ftp-srv'

// Its types promise a default export that an ES module doesn't get.
const { FtpSrv } = createRequire(import.meta.url)('ftp-srv') as { FtpSrv: typeof FtpServer }

const [, , host = '', root = ''] = process.argv
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
// It tries five ports in a row from here: servers that run at the same time are to begin at different ones.
const server = new FtpSrv({ url: `ftp://${host}:0`, pasv_url: host, pasv_min: randomInt(20_000, 31_000), log: silent })
server.on('login', (_login, resolve) => resolve({ root }))
server.on('client-error', () => {})
await server.listen()
console.log(`port ${((server as unknown as { server: Server }).server.address() as AddressInfo).port}`)
