import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/*
 * An origin that takes whatever is sent to it, of any size, and says how much it was. Prints its port as JSON.
 */

const server = createServer((request, response) => {
  let bytes = 0
  request.on('data', (piece: Buffer) => {
    bytes += piece.length
  })
  request.on('end', () => response.end(`${bytes}\n`))
})
// A big upload takes longer than the five minutes Node grants a request.
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`))
