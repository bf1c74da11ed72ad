import { Agent, createServer, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import httpProxy from 'http-proxy'

/*
 * A bare http-proxy in a process of its own. Argument: the origin's port. Prints its own as JSON, ends on SIGTERM.
 */

const loopback = '127.0.0.1'

const proxy = httpProxy.createProxyServer({
  target: `http://${loopback}:${process.argv[2]}`,
  agent: new Agent({ keepAlive: true, maxSockets: 64 }),
})
proxy.on('error', (_error, _request, response) => {
  if (response instanceof ServerResponse && !response.headersSent) response.writeHead(502).end()
  else response.destroy()
})
const server = createServer((request, response) => proxy.web(request, response))
server.listen(0, loopback, () => process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`))
