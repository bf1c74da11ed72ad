import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/*
 * Node's own server, answering from a Map, in a process of its own. Argument: how many answers it has, of 1 KB, at /item/0 and so on. Prints its port as JSON.
 */

const answers = new Map<string, Buffer>(Array.from({ length: Number(process.argv[2]) }, (_, n) => [`/item/${n}`, Buffer.from(String(n).padEnd(1024, 'x'))] as const))
const server = createServer((request, response) => {
  const body = answers.get(request.url ?? '')
  if (body === undefined) response.writeHead(404).end()
  else response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length }).end(body)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`))
process.once('SIGTERM', () => process.exit(0))
